/* lookup.h: looking up resources of EC2 Image Builder. */
#ifndef IMAGEBUILDER_LOOKUP_H
#define IMAGEBUILDER_LOOKUP_H

#include "config.h"
#include "lookup/pace.h"
#include "lookup/request.h"
#include "retry.h"
#include "lookup/stats.h"
#include "rows/document.h"

/* Server as one user reaches it within one statement. */
typedef struct Client
{
	Oid			serverid;
	Oid			userid;
	uint64		statement;		/* the statement's number in the session */
	MemoryContext context;		/* lives as long as the statement */
	ClientConfig config;
	uint64		identity_epoch; /* identity_epoch() before config was read */
	uint64		cache_epoch;	/* cache_epoch() before config was read */
	RetryBudget *budget;		/* shared by the statement's clients */
	bool	   *kind_warned;	/* request_warn_of_kind() has warned in this statement;
								 * shared by the statement's clients */
	int		   *in_flight;		/* requests under way to the server, of all statements of
								 * the session */
	Pace		pace;			/* limits the requests under way */
	int			nscans;			/* scans of the statement that use this client */
	struct HTAB *lookups;		/* LookupEntry by request text */
} Client;

/* Request and its answer, within one statement. */
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
