/*-------------------------------------------------------------------------
 *
 * renewal.h
 *		An identity's credentials: had when they are needed, renewed in time.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/identity/renewal.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGEBUILDER_RENEWAL_H
#define IMAGEBUILDER_RENEWAL_H

#include "identity/fetch.h"
#include "identity/identity.h"
#include "lib/ilist.h"

struct Identity
{
	dlist_node	node;			/* in identities */
	MemoryContext context;		/* holds all of this */
	Oid			serverid;
	Oid			userid;
	uint64		epoch;
	char	   *account;		/* the role's; "": without the role */
	int			references;		/* of look-ups that wait, and of their roles */
	uint64		statement;		/* the latest that opened it */
	int		   *in_flight;		/* requests under way to the server */
	ClientConfig config;		/* as far as it matters here */
	char	   *region;			/* of the first image asked for */
	struct Identity *base;		/* whose credentials the role is assumed with;
								 * NULL: without a role */

	MemoryContext issued_context;
	IssuedCredentials issued;	/* if there are any */
	bool		has_issued;
	uint64		issued_in;		/* the statement … */
	int64		lifetime;		/* … and s that were left then */
	Fetch	   *fetch;			/* of new ones, under way */
	bool		base_renewed;	/* for the latest statement */
	MemoryContext failure_context;
	const Failure *failure;		/* of the latest fetch */
	int64		failed_at;		/* Unix time; of a renewal that was given up,
								 * too */
	int64		waits_since;	/* for such a renewal, of clock.h; 0: not */
};

extern void renewal_copy_credentials(AwsCredentials *to, const AwsCredentials *from);
extern void renewal_abandon(Identity *identity);
extern void renewal_drop_fetch(Identity *identity);
extern bool renewal_is_optional(const Identity *identity);

#endif							/* IMAGEBUILDER_RENEWAL_H */
