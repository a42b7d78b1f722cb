/* fetch.h: obtaining credentials, step by step and without waiting. */
#ifndef IMAGEBUILDER_FETCH_H
#define IMAGEBUILDER_FETCH_H

#include "aws/issued.h"
#include "aws/profile.h"
#include "config/config.h"
#include "failure.h"
#include "http/http.h"
#include "identity/signed.h"

typedef enum FetchState
{
	FETCH_WAITING,				/* for the network, or until Fetch.wake_at */
	FETCH_DONE,
	FETCH_ABSENT,				/* the provider is not set up here: ask the next */
	FETCH_FAILED,
} FetchState;

/* Request of a fetch, sent again until its outcome is final; see exchange.c. */
typedef struct Exchange
{
	MemoryContext context;		/* of the current attempt */
	HttpRequest request;		/* to send; of a signed one only "fresh" is here */
	HttpTransfer *transfer;		/* NULL before the first attempt and between attempts */
	int			attempts;
	int64		retry_at;		/* time of clock.h */
	const char *secrets[SIGNED_MAX_SECRETS + 3];	/* values that messages must not show;
													 * ends with a NULL */
} Exchange;

typedef struct Fetch Fetch;

/* Function that takes the next step of a fetch; FETCH_WAITING: it may set "wake_at". */
typedef FetchState (*FetchStep) (Fetch *fetch);

/* State of obtaining credentials once, in a memory context of its own. */
struct Fetch
{
	/* Set by the fetch's owner. */
	MemoryContext context;
	const ClientConfig *config;
	bool		background;		/* begun by a renewal, not by a look-up */
	const char *partition;		/* in whose STS to ask for the account of the credentials;
								 * NULL: do not ask */

	/* Step under way: a provider's, then the STS call of one role after another. */
	struct Provider *provider;	/* provider being asked; NULL: has answered */
	bool		chain;			/* if the provider is absent, ask the next one */
	FetchStep	advance;		/* set when "state" is complete, as an error may come before;
								 * NULL: the next role's call has not begun */
	void	   *state;			/* private to the file that "advance" is in */
	Exchange	exchange;
	int64		wake_at;		/* when to go on, of clock.h; 0: when the network allows */
	const ProfileRole *roles;	/* still to assume, in this order */
	int			nroles;

	/* Result. */
	IssuedCredentials issued;	/* credentials obtained so far */
	const char *region;			/* Region of the profile that was used; NULL: none */
	const char *account;		/* that STS says issued is of; NULL: it was not asked */
	bool		rewritable;		/* issued came from a file or a program, whose owner may
								 * replace the keys */
	Failure    *failure;
	AwsErrorClass rejected;		/* class of STS's error, if STS rejected the credentials
								 * for a role */
};

extern Fetch *fetch_create(MemoryContext parent, const ClientConfig *config,
						   CredentialProvider provider);
extern FetchState fetch_advance(Fetch *fetch, long *wait);
extern void fetch_wait_until(long *wait, long ms);

#endif							/* IMAGEBUILDER_FETCH_H */
