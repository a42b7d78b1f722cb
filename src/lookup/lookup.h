/* lookup.h: looking up at EC2 Image Builder. */
#ifndef IMAGEBUILDER_LOOKUP_H
#define IMAGEBUILDER_LOOKUP_H

#include "config.h"
#include "lookup/pace.h"
#include "lookup/request.h"
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
	struct HTAB *lookups;		/* by request text */
} Client;

/* A request and its answer, within one statement. */
typedef struct Lookup Lookup;

extern int *lookup_in_flight(Oid serverid);
extern bool lookup_warns(const Client *client);
extern Lookup *lookup_create(Client *client, const Request *request);
extern const Request *lookup_request(const Lookup *lookup);
extern bool lookup_is_settled(const Lookup *lookup);
extern void lookup_wait(long timeout);
extern const Document *lookup_finish(Lookup *lookup);
extern bool lookup_has_begun(const Lookup *lookup);
extern const LookupStats *lookup_stats(const Lookup *lookup);
extern void lookup_free(Lookup *lookup);

#endif							/* IMAGEBUILDER_LOOKUP_H */
