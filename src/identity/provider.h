/* provider.h: the providers of credentials, and the requests that they send. */
#ifndef IMAGEBUILDER_PROVIDER_H
#define IMAGEBUILDER_PROVIDER_H

#include "identity/fetch.h"

/* Upper bound of an answer with credentials, in bytes. */
#define MAX_ANSWER		((size_t) 64 * 1024)

/* Last failure of one service to answer; zeroed if there was none. */
typedef struct Silence
{
	MemoryContext context;		/* of the failure; NULL at first */
	const Failure *failure;		/* NULL: the service has not failed to answer */
	int64		since;			/* when the service failed to answer, of clock.h */
	uint64		epoch;			/* config_epoch() at that time */
} Silence;

/* Provider of credentials. */
typedef struct Provider
{
	const char *title;			/* in messages */
	FetchStep	begin;			/* sets fetch->advance if more than one step is needed */
	bool		unless_profile; /* "default" skips it if the options name a profile */
	Silence		silence;		/* of its service, in this session */
} Provider;

/* Providers with a file of their own; fetch.c has those that only read the environment. */
extern FetchState profile_begin(Fetch *fetch);
extern FetchState container_begin(Fetch *fetch);
extern FetchState instance_begin(Fetch *fetch);

/* Environment variables and files of the server's host. */
extern const char *host_variable(const char *name);
extern char *host_read_file(const char *path, const char **problem);

/* Steps that providers and roles share. */
extern FetchState fetch_ask(Fetch *fetch, CredentialProvider provider);
extern FetchState credential_process_begin(Fetch *fetch, const ProfilePlan *plan);
extern FetchState sts_call(Fetch *fetch, const ProfileRole *role, const char *token_file);
extern FetchState sts_assume_role_with_web_identity(Fetch *fetch, const char *token_file,
													const char *role_arn,
													const char *session_name);

/* Functions of exchange.c. */
extern FetchState fetch_exchange(Fetch *fetch, HttpTransfer *(*send) (Fetch *), int tries);
extern void fetch_next_request(Fetch *fetch);
extern FetchState fetch_fail(Fetch *fetch, const char *cause, const char *detail,
							 const char *hint);
extern FetchState fetch_take_issued(Fetch *fetch, bool expires, const char *cause);
extern FetchState fetch_fail_silent(Fetch *fetch, const char *cause, const char *hint);
extern bool fetch_is_paused(Fetch *fetch);
extern bool fetch_read_error(const Fetch *fetch, AwsError *error);

#endif							/* IMAGEBUILDER_PROVIDER_H */
