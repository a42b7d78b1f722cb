/* fetch.h: obtaining credentials, and the functions that the files of identity/ share. */
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
} Exchange;

typedef struct Fetch Fetch;

/* Function that takes the next step of a fetch; FETCH_WAITING: it may set "wake_at". */
typedef FetchState (*FetchStep) (Fetch *fetch);

/* Upper bound of an answer with credentials, in bytes. */
#define MAX_ANSWER		((size_t) 64 * 1024)

/* Provider of credentials. */
typedef struct Provider
{
	const char *title;			/* in messages */
	FetchStep	begin;			/* sets fetch->advance if more than one step is needed */
	bool		unless_profile; /* "default" skips it if the options name a profile */

	/* Last failure of its service to answer, in this session. */
	MemoryContext silence_context;	/* NULL at first */
	const Failure *silence;		/* NULL: the service has not failed to answer */
	int64		silent_since;	/* time of clock.h */
	uint64		silent_epoch;	/* config_epoch() at that time */
} Provider;

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
	Provider   *provider;		/* provider being asked; NULL: has answered */
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

/* Functions of fetch.c. */
extern Fetch *fetch_create(MemoryContext parent, const ClientConfig *config,
						   CredentialProvider provider);
extern FetchState fetch_advance(Fetch *fetch, long *wait);
extern FetchState fetch_ask(Fetch *fetch, CredentialProvider provider);
extern const char *host_variable(const char *name);
extern char *host_read_file(const char *path, const char **problem);

/* Functions of exchange.c. */
extern void fetch_wait_until(long *wait, long ms);
extern FetchState fetch_exchange(Fetch *fetch, HttpTransfer *(*send) (Fetch *), int tries);
extern void fetch_next_request(Fetch *fetch);
extern FetchState fetch_fail(Fetch *fetch, const char *cause, const char *detail,
							 const char *hint);
extern FetchState fetch_take_issued(Fetch *fetch, bool expires, const char *cause);
extern FetchState fetch_fail_silent(Fetch *fetch, const char *cause, const char *hint);
extern bool fetch_is_paused(Fetch *fetch);
extern bool fetch_read_error(const Fetch *fetch, AwsError *error);

/* First steps of providers, each in a file of its own, and of what they share. */
extern FetchState profile_begin(Fetch *fetch);
extern FetchState container_begin(Fetch *fetch);
extern FetchState instance_begin(Fetch *fetch);
extern FetchState credential_process_begin(Fetch *fetch, const ProfilePlan *plan);
extern FetchState sts_call(Fetch *fetch, const ProfileRole *role);

/* Functions of child.c. */
extern pid_t child_start(char **words, const int ends[3]);
extern bool child_has_ended(pid_t pid);
extern int	child_end(pid_t pid);
extern bool child_is_known(pid_t pid);

/* Functions of orphans.c. */
extern void orphans_adopt(void);
extern void orphans_release(void);
extern bool orphans_reap(bool end);

#endif							/* IMAGEBUILDER_FETCH_H */
