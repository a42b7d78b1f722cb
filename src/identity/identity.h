/*-------------------------------------------------------------------------
 *
 * identity.h
 *		Who asks AWS: credentials that are kept, and renewed in time.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/identity/identity.h
 *
 *-------------------------------------------------------------------------
 */
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

extern Identity *identity_open(const ClientConfig *config, Oid serverid, Oid userid,
							   const char *account, const char *region,
							   uint64 statement);
extern void identity_close(Identity *identity);
extern IdentityState identity_advance(Identity *identity, long *wait);
extern const AwsCredentials *identity_credentials(const Identity *identity);
extern const Failure *identity_failure(const Identity *identity);
extern bool identity_renew(Identity *identity, const char *access_key_id);
extern void identity_expire_all(void);

#endif							/* IMAGEBUILDER_IDENTITY_H */
