/* identity.h: identities with which a session signs requests to AWS. */
#ifndef IMAGEBUILDER_IDENTITY_H
#define IMAGEBUILDER_IDENTITY_H

#include "aws/arn.h"
#include "identity/fetch.h"
#include "lib/ilist.h"

/* Whom a session is to AWS, by a configuration and in an account. */
typedef struct Identity
{
	dlist_node	node;			/* in the list of identities */
	MemoryContext context;		/* holds the identity */
	char	   *account;		/* for {account} in the ARN; "any": not needed; "": no role */
	char	   *accepted_in;	/* first Region that accepted a signature in this session;
								 * NULL: none has */
	bool		accepted_elsewhere; /* a second Region has accepted a signature */
	int			references;		/* look-ups that use this identity or one based on it */
	int			roles;			/* identities that have this one as their base */
	uint64		statement;		/* the latest statement that opened it */
	const ClientConfig *config; /* held by the identity */
	struct Identity *base;		/* identity that assumes the role; NULL: no role */
	ProfileRole role;			/* if there is a base */

	/* Credentials of the identity; times are Unix times in s. */
	MemoryContext issued_context;
	AwsCredentials credentials; /* zeroed if serve_until is 0 */
	char	   *region;			/* of the profile that gave them; NULL: none */
	bool		rewritable;		/* keys from a file or a program, which their owner may
								 * replace */
	int64		serve_until;	/* 0: there are no credentials */
	int64		renew_at;		/* before serve_until */

	/* Account of the credentials. */
	char		caller[ARN_ACCOUNT_SIZE];	/* as STS says; "": not asked yet */
	Fetch	   *caller_fetch;	/* asks STS, or has failed to; or NULL */

	/* Fetch of new credentials; times are of clock.h. */
	Fetch	   *fetch;			/* under way; or NULL */
	bool		background;		/* a renewal's fetch, which no look-up waits for */
	int64		replace_at;		/* end of a look-up's wait for the fetch of a renewal;
								 * 0: no such wait */
	bool		renewing;		/* its renewal, or first its base's, is under way */
	bool		base_renewed;	/* STS rejected the base's credentials, and they were
								 * renewed during this fetch */
	int64		paused_until;	/* end of the pause after a failure */
	MemoryContext failure_context;
	const Failure *failure;		/* for the latest statement's look-ups in the pause; NULL:
								 * they fetch again */
	uint64		rejected_in;	/* latest statement in which credentials were dropped
								 * because a service rejected them */
	int64		rejected_at;	/* time of that rejection, of clock.h */
} Identity;

extern Identity *identity_open(const ClientConfig *config, uint64 statement,
							   const char *account);
extern void identity_close(Identity *identity);
extern FetchState identity_advance(Identity *identity, long *wait);
extern void identity_advance_renewals(long *wait);
extern bool identity_renew(Identity *identity, const char *access_key_id,
						   AwsErrorClass reason);
extern const Identity *identity_find(const ClientConfig *config, const char *account);
extern void identity_note_accepted(Identity *identity, const char *region);
extern bool identity_serves_elsewhere(const Identity *identity, const char *region);
extern bool identity_is_fetching(const Identity *identity);
extern FetchState identity_ask_account(Identity *identity, const char *partition,
									   char *account, long *wait);
extern const Failure *identity_account_failure(const Identity *identity);
extern void identity_end_asking(Identity *identity);
extern void identity_forget_unused(void);

/* Shared by identity.c and renewal.c. */
extern dlist_head identity_list;
extern Fetch *renewal_fetch_with(Identity *identity, const Identity *source);
extern void renewal_abandon(Identity *identity);

#endif							/* IMAGEBUILDER_IDENTITY_H */
