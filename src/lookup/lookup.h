/* lookup.h: looking images up at EC2 Image Builder. */
#ifndef IMAGEBUILDER_LOOKUP_H
#define IMAGEBUILDER_LOOKUP_H

#include "config.h"
#include "lookup/pace.h"
#include "retry.h"
#include "lookup/stats.h"
#include "rows/document.h"

/* A server as one user reaches it, within one statement. */
typedef struct Client
{
	Oid			serverid;
	Oid			userid;
	uint64		statement;		/* its number in the session */
	MemoryContext context;		/* as long-lived as the statement */
	ClientConfig config;
	uint64		identity_epoch; /* before that was read */
	uint64		cache_epoch;	/* the same */
	RetryBudget *budget;		/* the statement's */
	int		   *in_flight;		/* requests under way to the server, the
								 * session's other statements' included */
	Pace		pace;			/* how many may be */
	int			nscans;			/* of the statement that use this client */
	struct HTAB *lookups;		/* by ARN */
} Client;

/* An image asked for, within one statement. */
typedef struct Lookup Lookup;

extern int *lookup_in_flight(Oid serverid);
extern bool lookup_warns(const Client *client);
extern bool lookup_is_arn(const char *arn);
extern bool lookup_check_arn(const Client *client, const char *arn);
extern Lookup *lookup_create(Client *client, const char *arn);
extern bool lookup_is_settled(const Lookup *lookup);
extern void lookup_wait(long timeout);
extern const Document *lookup_finish(Lookup *lookup);
extern bool lookup_has_begun(const Lookup *lookup);
extern const LookupStats *lookup_stats(const Lookup *lookup);
extern void lookup_free(Lookup *lookup);

#endif							/* IMAGEBUILDER_LOOKUP_H */
