/* identity.h: who asks AWS: credentials that are kept, and renewed in time. */
#ifndef IMAGEBUILDER_IDENTITY_H
#define IMAGEBUILDER_IDENTITY_H

#include "config.h"
#include "failure.h"

typedef struct Identity Identity;

typedef enum IdentityState
{
	IDENTITY_READY,
	IDENTITY_WAITING,			/* for the network, or for a moment to come */
	IDENTITY_FAILED,
} IdentityState;

/* For whom a statement asks. */
typedef struct IdentityUser
{
	const ClientConfig *config;
	Oid			serverid;
	Oid			userid;
	uint64		epoch;			/* identity_epoch() before that was read */
	uint64		statement;		/* its number in the session */
	int		   *in_flight;		/* requests under way to the server: those for
								 * credentials that a look-up waits for are
								 * counted there, too */
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
extern uint64 identity_epoch(void);
extern void identity_expire_all(void);
extern void identity_forget_unused(void);

#endif							/* IMAGEBUILDER_IDENTITY_H */
