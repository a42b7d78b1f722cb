/* statement.h: the look-ups of one statement, which sends each request once. */
#ifndef IMAGEBUILDER_STATEMENT_H
#define IMAGEBUILDER_STATEMENT_H

#include "lookup/lookup.h"
#include "nodes/execnodes.h"

/*
 * Function that reads the options from the catalogs, allocating in the current memory
 * context.
 */
typedef void (*ReadConfig) (ClientConfig *config, Oid serverid, Oid userid);

/* Outcomes of look-ups made ahead of rows that the read-ahead has passed. */
typedef struct AheadCounts
{
	int			claimed;		/* a scan has asked for the look-up */
	int			in_vain;		/* no scan has asked, but a request was sent */
} AheadCounts;

extern Client *statement_client(EState *estate, Oid serverid, Oid userid,
								ReadConfig read_config);
extern struct HTAB *statement_text_table(const char *name, Size entrysize,
										 MemoryContext context);
extern bool statement_look_ahead(Client *client, const Request *request, const void *starter);
extern bool statement_withdraw(Client *client, const Request *request);
extern void statement_pass(Client *client, const Request *request, AheadCounts *counts);
extern void statement_stats(const Client *client, const void *owner, LookupStats *stats);
extern Lookup *statement_lookup(Client *client, const Request *request, const void *scan,
								bool *shared);
extern void statement_forget(Client *client, const Request *request, LookupStats *stats);

#endif							/* IMAGEBUILDER_STATEMENT_H */
