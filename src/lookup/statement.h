/* statement.h: the look-ups of one statement, which sends each request once. */
#ifndef IMAGEBUILDER_STATEMENT_H
#define IMAGEBUILDER_STATEMENT_H

#include "lookup/lookup.h"
#include "lookup/pace.h"
#include "nodes/execnodes.h"
#include "retry.h"

/* One run of the executor, with what its clients share. */
typedef struct Statement
{
	dlist_node	node;			/* in "statements" */
	EState	   *estate;
	MemoryContext context;		/* a child of the EState's */
	uint64		number;			/* counted in the session */
	List	   *clients;
	int			budget;			/* of retries, in tokens; see retry.h */
	bool		kind_warned;	/* a row's ARN of another kind has been warned of */
	int			nrequests;		/* sent, or to be sent with the next wait */
	MemoryContextCallback callback;
} Statement;

/* Server as one user reaches it within one statement. */
struct Client
{
	Statement  *statement;
	const ClientConfig *config;
	Pace		pace;			/* limits the requests under way */
	int			nscans;			/* scans of the statement that use this client */
	struct HTAB *lookups;		/* LookupEntry by request text */
	Target	   *scope;			/* see statement_scope(); NULL until needed */
};

/* Outcomes of look-ups made ahead of rows that the read-ahead has passed. */
typedef struct ReadAheadCounts
{
	int			claimed;		/* a scan has asked for the look-up */
	int			in_vain;		/* no scan has asked, but a request was sent */
} ReadAheadCounts;

extern void statement_init(void);
extern Client *statement_client(EState *estate, Oid serverid, Oid userid);
extern const Target *statement_scope(Client *client);
extern Failure *statement_take_request(Client *client);
extern bool statement_look_ahead(Client *client, const Request *request, const void *starter);
extern bool statement_withdraw(Client *client, const Request *request);
extern void statement_pass(Client *client, const Request *request, ReadAheadCounts *counts);
extern void statement_stats(const Client *client, const void *owner, LookupStats *stats);
extern Lookup *statement_lookup(Client *client, const Request *request, const void *scan,
								bool *shared);
extern void statement_forget(Client *client, const Request *request, LookupStats *stats);

#endif							/* IMAGEBUILDER_STATEMENT_H */
