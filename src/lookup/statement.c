/*
 * statement.c: the look-ups of one statement, which sends each request once.
 *
 * A statement is one run of the executor: all scans of a plan share its EState,
 * initplans and subplans included.  The look-ups live in a child of the EState's
 * memory context and end with it, on every path.
 */
#include "postgres.h"

#include <limits.h>

#include "access/xact.h"
#include "aws/arn.h"
#include "foreign/foreign.h"
#include "identity/identity.h"
#include "lib/ilist.h"
#include "lookup/statement.h"
#include "lookup/text_table.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/guc.h"
#include "utils/memutils.h"

/* Statements under way; more than one where functions or cursors nest. */
static dlist_head statements = DLIST_STATIC_INIT(statements);

/* Setting imagebuilder_fdw.max_requests: most requests of a statement; 0: no limit. */
static int	max_requests = 0;

/* Number of statements so far in the session. */
static uint64 nstatements = 0;

typedef struct LookupEntry
{
	const char *text;			/* hash key, the request's text; must be first */
	Lookup	   *lookup;
	bool		claimed;		/* a scan has asked for the look-up */
	bool		counted;		/* counted as claimed in ReadAheadCounts */
	bool		in_vain;		/* counted as in_vain in ReadAheadCounts */
	const void *owner;			/* node whose EXPLAIN counts the look-up: the first scan that
								 * claimed it; until then, the read-ahead that started it */
} LookupEntry;

/* Remove a statement whose EState is about to be freed (a MemoryContextCallback). */
static void
statement_end(void *arg)
{
	Statement  *statement = arg;

	dlist_delete(&statement->node);
}

static Statement *
find_statement(EState *estate)
{
	dlist_iter	iter;
	MemoryContext context;
	Statement  *statement;

	/* EvalPlanQual, which checks rows again, belongs to the statement that runs it. */
	while (estate->es_epq_active)
		estate = estate->es_epq_active->parentestate;

	dlist_foreach(iter, &statements)
	{
		statement = dlist_container(Statement, node, iter.cur);
		if (statement->estate == estate)
			return statement;
	}

	context = AllocSetContextCreate(estate->es_query_cxt, "imagebuilder_fdw statement",
									ALLOCSET_DEFAULT_SIZES);
	statement = MemoryContextAllocZero(context, sizeof(Statement));
	statement->estate = estate;
	statement->context = context;
	statement->number = ++nstatements;
	statement->budget = RETRY_BUDGET;
	statement->callback.func = statement_end;
	statement->callback.arg = statement;
	dlist_push_head(&statements, &statement->node);
	MemoryContextRegisterResetCallback(context, &statement->callback);
	return statement;
}

/* Drop unused identities when a transaction ends (an XactCallback). */
static void
end_transaction(XactEvent event, void *arg)
{
	(void) arg;
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		identity_forget_unused();
}

void
statement_init(void)
{
	DefineCustomIntVariable("imagebuilder_fdw.max_requests",
							"Sets the most requests that a statement may send.",
							"An ARN and a page of a list are a request each, repeated or not; 0 means no limit.",
							&max_requests, 0, 0, INT_MAX, PGC_USERSET, 0, NULL, NULL, NULL);
	RegisterXactCallback(end_transaction, NULL);
}

/*
 * Return the client of a server for a user, InvalidOid for the current one, within the
 * statement that the EState belongs to.  Raises what config_get() raises.
 */
Client *
statement_client(EState *estate, Oid serverid, Oid userid)
{
	Statement  *statement = find_statement(estate);
	MemoryContext previous;
	Client	   *client;
	ListCell   *lc;

	if (!OidIsValid(userid))
		userid = GetUserId();
	foreach(lc, statement->clients)
	{
		client = lfirst(lc);
		if (client->config->serverid == serverid && client->config->userid == userid)
			return client;
	}

	identity_forget_unused();
	previous = MemoryContextSwitchTo(statement->context);
	client = palloc0(sizeof(Client));
	client->config = config_get(serverid, userid);
	client->statement = statement;
	pace_init(&client->pace, client->config->max_concurrency);
	client->lookups = text_table_create("imagebuilder_fdw look-ups", sizeof(LookupEntry),
										statement->context);
	statement->clients = lappend(statement->clients, client);
	MemoryContextSwitchTo(previous);
	return client;
}

/*
 * Return where and as whose account a client asks what no ARN says; raise HV002 unless
 * its options say so.
 */
const Target *
statement_scope(Client *client)
{
	const ClientConfig *config = client->config;
	const char *account = config->role_arn ? arn_account_of_role(config->role_arn) : "";

	if (config->region == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
				 errmsg("server \"%s\" has no Region to list",
						GetForeignServer(config->serverid)->servername),
				 errhint("Set the server's option \"region\".")));
	if (strcmp(account, CONFIG_ACCOUNT) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
				 errmsg("the user mapping's role is of no account to list"),
				 errhint("A list has no ARN whose account could stand for \"%s\": have \"role_arn\" name an account, in a user mapping of another server, say.",
						 CONFIG_ACCOUNT)));
	if (client->scope == NULL)
	{
		client->scope = MemoryContextAlloc(client->statement->context, sizeof(Target));
		client->scope->partition = endpoint_partition(config->region);
		client->scope->region = config->region;
		client->scope->account = MemoryContextStrdup(client->statement->context, account);
	}
	return client->scope;
}

/* True if a client's statement may send one more request. */
static bool
may_send(const Client *client)
{
	return max_requests == 0 || client->statement->nrequests < max_requests;
}

/*
 * Count one more request of a client's statement; if that may send no more, return the
 * failure instead, in the current memory context.
 */
Failure *
statement_take_request(Client *client)
{
	Failure    *failure;

	if (may_send(client))
	{
		client->statement->nrequests++;
		return NULL;
	}
	failure = failure_create(ERRCODE_PROGRAM_LIMIT_EXCEEDED,
							 psprintf("the statement may send no more than %d request%s",
									  max_requests, max_requests == 1 ? "" : "s"), NULL,
							 "Have the statement ask for less, or raise imagebuilder_fdw.max_requests.");
	failure->fails_all = true;
	return failure;
}

/* Return the entry of a request; NULL if the statement has not made it. */
static LookupEntry *
find_entry(const Client *client, const Request *request)
{
	const char *text = request->text;

	return hash_search(client->lookups, &text, HASH_FIND, NULL);
}

/* Free a look-up, and cancel the look-up if it is under way. */
static void
forget(Client *client, LookupEntry *entry)
{
	Lookup	   *lookup = entry->lookup;

	hash_search(client->lookups, &entry->text, HASH_REMOVE, NULL);
	MemoryContextDelete(lookup->context);
}

/*
 * Return the entry of a request; *started says if this call started the look-up, which
 * then is "owner"'s.
 */
static LookupEntry *
get_entry(Client *client, const Request *request, const void *owner, bool *started)
{
	LookupEntry *entry = find_entry(client, request);

	/* A look-up ahead may have been refused for the sake of others, withdrawn since. */
	if (entry && !entry->claimed && entry->lookup->refused && may_send(client))
	{
		forget(client, entry);
		entry = NULL;
	}
	*started = entry == NULL;
	if (*started)
	{
		Lookup	   *lookup = lookup_create(client, request);
		const char *text = lookup->request->text;

		entry = hash_search(client->lookups, &text, HASH_ENTER, NULL);
		*entry = (LookupEntry) {.text = text, .lookup = lookup, .owner = owner};
	}
	return entry;
}

/*
 * Start to look up what a scan will probably ask for; false if the statement has
 * looked that up already.  EXPLAIN counts the look-up as "starter"'s until a scan asks
 * for it.
 */
bool
statement_look_ahead(Client *client, const Request *request, const void *starter)
{
	bool		started;

	get_entry(client, request, starter, &started);
	return started;
}

/*
 * Add up the statistics of an owner's look-ups so far.  Each look-up of the statement
 * has one owner, whether or not a scan waited for its answer, so that the owners' sums
 * cover everything sent.
 */
void
statement_stats(const Client *client, const void *owner, LookupStats *stats)
{
	HASH_SEQ_STATUS scan;
	LookupEntry *entry;

	hash_seq_init(&scan, client->lookups);
	while ((entry = hash_seq_search(&scan)))
	{
		if (entry->owner == owner)
			stats_add(stats, &entry->lookup->stats);
	}
}

/*
 * Return the look-up of a request, and start it if need be.  *shared is set if a scan
 * has asked before; otherwise "scan" becomes the look-up's owner.
 */
Lookup *
statement_lookup(Client *client, const Request *request, const void *scan, bool *shared)
{
	bool		started;
	LookupEntry *entry = get_entry(client, request, scan, &started);

	*shared = entry->claimed;
	if (*shared)
		session_stats.cache_hits++;
	else
		entry->owner = scan;
	entry->claimed = true;
	return entry->lookup;
}

/* Withdraw a look-up that is unclaimed and has not begun; else return false. */
bool
statement_withdraw(Client *client, const Request *request)
{
	LookupEntry *entry = find_entry(client, request);

	if (entry == NULL || entry->claimed || lookup_is_settled(entry->lookup) ||
		lookup_has_begun(entry->lookup))
		return false;
	forget(client, entry);
	return true;
}

/*
 * Count the outcome of a look-up that was made ahead, when the read-ahead passes its
 * row; a look-up that no scan has claimed is withdrawn if possible.
 */
void
statement_pass(Client *client, const Request *request, ReadAheadCounts *counts)
{
	LookupEntry *entry = find_entry(client, request);

	if (entry == NULL || (!entry->claimed && statement_withdraw(client, request)))
		return;
	if (entry->claimed)
	{
		counts->claimed += !entry->counted;
		counts->in_vain -= entry->in_vain;
		entry->counted = true;
		entry->in_vain = false;
	}
	else if (!entry->in_vain && lookup_has_begun(entry->lookup))
	{
		counts->in_vain++;
		entry->in_vain = true;
	}
}

/* Add a look-up's statistics to *stats; free the look-up, which no scan will ask for. */
void
statement_forget(Client *client, const Request *request, LookupStats *stats)
{
	LookupEntry *entry = find_entry(client, request);

	stats_add(stats, &entry->lookup->stats);
	forget(client, entry);
}
