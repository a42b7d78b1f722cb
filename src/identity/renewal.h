/* renewal.h: an identity's credentials: had when they are needed, renewed in time. */
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
	char	   *accepted_in;	/* the first Region that accepted a signature; NULL:
								 * none has, in this session */
	bool		accepted_elsewhere; /* another Region has, too */
	int			references;		/* of look-ups that wait, and of their roles */
	int			roles;			/* identities that this one is the base of */
	uint64		statement;		/* the latest that opened it */
	int		   *in_flight;		/* requests under way to the server */
	ClientConfig config;		/* as far as it matters here */
	struct Identity *base;		/* whose credentials the role is assumed with;
								 * NULL: without a role */

	/* What there is; times are Unix times in s. */
	MemoryContext issued_context;
	IssuedCredentials issued;	/* if there are any */
	bool		has_issued;
	char	   *region;			/* of the profile that they came by; NULL: none */
	bool		rewritable;		/* they are keys of a file, or a program's */
	int64		serve_until;
	int64		renew_at;		/* ahead of that */

	/* How more is obtained; times are of clock.h. */
	Fetch	   *fetch;			/* under way */
	bool		renewing;		/* ahead of time: is in renewals */
	dlist_node	renewal_node;
	bool		base_renewed;	/* as STS asked for; until the fetch is done */
	int64		paused_until;	/* by a failure */
	MemoryContext failure_context;
	const Failure *failure;		/* what look-ups of the latest statement fail
								 * for, while paused */
	uint64		rejected_in;	/* the latest statement in which credentials were
								 * renewed because a service rejected them */
	int64		rejected_at;	/* moment of that rejection, of clock.h */
};

extern ProfileRole *identity_role(const Identity *identity);
extern void renewal_copy_credentials(AwsCredentials *to, const AwsCredentials *from);
extern void renewal_give_static(Identity *identity);
extern void renewal_abandon(Identity *identity);
extern void renewal_end(Identity *identity);

#endif							/* IMAGEBUILDER_RENEWAL_H */
