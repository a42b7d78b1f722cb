/* exchange.h: what providers of credentials ask, and say when they have none. */
#ifndef IMAGEBUILDER_EXCHANGE_H
#define IMAGEBUILDER_EXCHANGE_H

#include "aws/issued.h"
#include "aws/profile.h"
#include "config.h"
#include "failure.h"
#include "http/http.h"
#include "identity/signed.h"

/* How far it has come. */
typedef enum FetchState
{
	FETCH_WAITING,				/* for the network, or for a moment to come */
	FETCH_DONE,
	FETCH_ABSENT,				/* a provider is not set up here: the next one */
	FETCH_ELSEWHERE,			/* fetch->elsewhere has them: ask that provider */
	FETCH_FAILED,
} FetchState;

/* A request that is repeated until it is answered for good. */
typedef struct Exchange
{
	MemoryContext context;		/* of the current attempt */
	HttpTransfer *transfer;		/* NULL before the first and between attempts */
	int			attempts;
	int64		retry_at;		/* of clock.h */
	bool		fresh;			/* the next attempt uses no kept connection */
	const char *secrets[SIGNED_MAX_SECRETS + 3];	/* not to be shown; the last
												 * is NULL */
} Exchange;

struct Provider;				/* see provider.h */

/* One go at obtaining credentials; all of it is in one memory context. */
typedef struct Fetch
{
	const ClientConfig *config;
	const char *region;			/* of the profile that was asked; NULL: none */
	MemoryContext context;
	const struct Provider *provider;	/* being asked; NULL: has answered */
	const char *elsewhere;		/* a provider's name */
	bool		chain;			/* if it is absent, ask the next */
	int			stage;			/* the provider's own; 0: it has to begin */
	void	   *memory;			/* the same */
	struct StsCall *call;		/* of sts.c */
	bool		token_reread;	/* a web identity token was rejected before */
	struct Process *process;	/* of credential_process.c */
	HttpRequest request;		/* the same: what is asked, if not of STS */
	Exchange	exchange;
	ProfileRole *roles;			/* to be assumed then, in this order */
	int			nroles;
	int			next_role;
	IssuedCredentials issued;	/* as far as they are */
	const Failure *failure;
	AwsErrorClass rejected;		/* what STS says of what a role was to be
								 * assumed with */
	bool		rewritable;		/* issued came of files whose owner may replace it */
	bool		ahead;			/* nobody waits for it: see renewal.c */
	int64		replace_at;		/* of clock.h; 0: it was never ahead */
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
