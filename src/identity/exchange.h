/* exchange.h: the requests that credential providers send, and their failures. */
#ifndef IMAGEBUILDER_EXCHANGE_H
#define IMAGEBUILDER_EXCHANGE_H

#include "aws/issued.h"
#include "aws/profile.h"
#include "config.h"
#include "failure.h"
#include "http/http.h"
#include "identity/signed.h"

/* State of a fetch of credentials. */
typedef enum FetchState
{
	FETCH_WAITING,				/* for the network, or until a moment given by *wait */
	FETCH_DONE,
	FETCH_ABSENT,				/* the provider is not set up here: ask the next */
	FETCH_ELSEWHERE,			/* ask the provider that fetch->elsewhere names */
	FETCH_FAILED,
} FetchState;

/* Request that is sent again until its outcome is final. */
typedef struct Exchange
{
	MemoryContext context;		/* of the current attempt */
	HttpTransfer *transfer;		/* NULL before the first attempt and between attempts */
	int			attempts;
	int64		retry_at;		/* time of clock.h */
	bool		fresh;			/* the next attempt uses no kept connection */
	const char *secrets[SIGNED_MAX_SECRETS + 3];	/* values that messages must not show;
													 * ends with a NULL */
} Exchange;

struct Provider;				/* see provider.h */

/* One attempt to obtain credentials; lives in one memory context. */
typedef struct Fetch
{
	const ClientConfig *config;
	const char *region;			/* Region of the profile that was used; NULL: none */
	MemoryContext context;
	const struct Provider *provider;	/* provider being asked; NULL: has answered */
	const char *elsewhere;		/* name of the provider to ask instead */
	bool		chain;			/* if the provider is absent, ask the next one */
	int			stage;			/* for the provider; 0: it has not begun */
	void	   *memory;			/* for the provider */
	struct StsCall *call;		/* for sts.c */
	bool		token_reread;	/* STS has rejected one web identity token */
	struct Process *process;	/* for credential_process.c */
	HttpRequest request;		/* request to send, if not to STS with a signature */
	Exchange	exchange;
	ProfileRole *roles;			/* to assume afterwards, in this order */
	int			nroles;
	int			next_role;
	IssuedCredentials issued;	/* credentials obtained so far */
	const Failure *failure;
	AwsErrorClass rejected;		/* class of STS's error, if STS rejected the credentials
								 * for a role */
	bool		rewritable;		/* issued came from a file or a program, whose owner may
								 * replace the keys */
	bool		ahead;			/* no look-up waits for this fetch: see renewal.c */
	int64		replace_at;		/* when a look-up gives up waiting for a fetch begun
								 * ahead, of clock.h; 0: no such wait */
} Fetch;

extern FetchState fetch_exchange(Fetch *fetch, HttpTransfer *(*send) (Fetch *),
								 int tries, long *wait);
extern FetchState fetch_request(Fetch *fetch, int tries, long *wait);
extern void fetch_next_request(Fetch *fetch);
extern FetchState fetch_fail(Fetch *fetch, const char *cause, const char *detail,
							 const char *hint);
extern FetchState fetch_fail_unanswered(Fetch *fetch, const char *cause, const char *hint);
extern FetchState fetch_take_issued(Fetch *fetch, bool expires, const char *cause);
extern void fetch_wait_until(long *wait, long ms);

#endif							/* IMAGEBUILDER_EXCHANGE_H */
