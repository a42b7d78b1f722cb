/* identity.h: identities with which a session signs requests to AWS. */
#ifndef IMAGEBUILDER_IDENTITY_H
#define IMAGEBUILDER_IDENTITY_H

#include "config/config.h"
#include "failure.h"

typedef struct Identity Identity;

typedef enum IdentityState
{
	IDENTITY_READY,
	IDENTITY_WAITING,			/* for the network, or until a moment given by *wait */
	IDENTITY_FAILED,
} IdentityState;

/* What a statement makes requests for: a server and a user, by their configuration. */
typedef struct IdentityUser
{
	const ClientConfig *config;
	uint64		statement;		/* the statement's number in the session */
	int		   *in_flight;		/* requests under way to the server, including those for
								 * credentials that a look-up waits for */
} IdentityUser;

extern Identity *identity_open(const IdentityUser *user, const char *account);
extern void identity_close(Identity *identity);
extern IdentityState identity_advance(Identity *identity, long *wait);
extern void identity_advance_renewals(long *wait);
extern const AwsCredentials *identity_credentials(const Identity *identity);
extern const Failure *identity_failure(const Identity *identity);
extern bool identity_renew(Identity *identity, const char *access_key_id,
						   AwsErrorClass reason);
extern const Identity *identity_find(const IdentityUser *user, const char *account);
extern void identity_note_accepted(Identity *identity, const char *region);
extern bool identity_serves_elsewhere(const Identity *identity, const char *region);
extern bool identity_is_fetching(const Identity *identity);
extern IdentityState identity_ask_account(Identity *identity, const char *partition,
										  char *account, long *wait);
extern const Failure *identity_account_failure(const Identity *identity);
extern void identity_end_asking(Identity *identity);
extern void identity_forget_unused(void);

#endif							/* IMAGEBUILDER_IDENTITY_H */
