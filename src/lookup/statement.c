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
#include "common/hashfn.h"
#include "foreign/foreign.h"
#include "identity/identity.h"
#include "lib/ilist.h"
#include "lookup/lookup.h"
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

static uint32
hash_text(const void *key, Size keysize)
{
	const char *text = *(const char *const *) key;

	return string_hash(text, strlen(text) + 1);
}

static int
match_text(const void *a, const void *b, Size keysize)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/*
 * Create a hash table whose entries start with a C string that they do not own:
 * dynahash's string keys have a fixed size, but ARNs and requests have no maximum
 * length.
 */
HTAB *
text_table_create(const char *name, Size entrysize, MemoryContext context)
{
	HASHCTL		ctl = {
		.keysize = sizeof(const char *),
		.entrysize = entrysize,
		.hash = hash_text,
		.match = match_text,
		.hcxt = context,
	};

	return hash_create(name, 64, &ctl,
					   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

/*
 * Return the client of a server for a user, InvalidOid for the current one, within the
 * statement that the EState belongs to.  Raises what config_get() raises.
 */
Client *
statement_client(EState *estate, Oid serverid, Oid userid)
{
	Statement  *statement = find_statement(estate);
	const ClientConfig *config;
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
	client->config = config = config_get(serverid, userid);
	client->statement = statement;
	client->scope.region = config->region;
	client->scope.partition = config->region ? endpoint_partition(config->region) : NULL;
	client->scope.account = config->role_arn ? arn_account_of_role(config->role_arn) : "";
	pace_init(&client->pace, config->max_concurrency);
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
statement_scope(const Client *client)
{
	const ClientConfig *config = client->config;

	if (config->region == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
				 errmsg("server \"%s\" has no Region to list",
						GetForeignServer(config->serverid)->servername),
				 errhint("Set the server's option \"region\".")));
	if (strcmp(client->scope.account, CONFIG_ACCOUNT) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
				 errmsg("the user mapping's role is of no account to list"),
				 errhint("A list has no ARN whose account could stand for \"%s\": have \"role_arn\" name an account, in a user mapping of another server, say.",
						 CONFIG_ACCOUNT)));
	return &client->scope;
}

/* True if a client's statement may send one more request. */
static bool
may_send(const Client *client)
{
	return max_requests == 0 || client->statement->nrequests < max_requests;
}

/*
 * Return why a client's statement may send no more requests, in the current memory
 * context; NULL if it may.
 */
Failure *
statement_refusal(const Client *client)
{
	Failure    *failure;

	if (may_send(client))
		return NULL;
	failure = failure_create(ERRCODE_PROGRAM_LIMIT_EXCEEDED,
							 psprintf("the statement may send no more than %d request%s",
									  max_requests, max_requests == 1 ? "" : "s"), NULL,
							 "Have the statement ask for less, or raise imagebuilder_fdw.max_requests.");
	failure->fails_all = true;
	return failure;
}

/* Return the look-up of a request; NULL if the statement has not made it. */
static Lookup *
find_lookup(const Client *client, const Request *request)
{
	const char *text = request->text;
	LookupEntry *entry = hash_search(client->lookups, &text, HASH_FIND, NULL);

	return entry ? entry->lookup : NULL;
}

/* Free a look-up, and cancel the look-up if it is under way. */
static void
forget(Lookup *lookup)
{
	const char *text = lookup->request->text;

	hash_search(lookup->client->lookups, &text, HASH_REMOVE, NULL);
	MemoryContextDelete(lookup->context);
}

/* Return the look-up of a request; if this call started the look-up, it has no owner. */
static Lookup *
get_lookup(Client *client, const Request *request)
{
	Lookup	   *lookup = find_lookup(client, request);

	/* A look-up ahead may have been refused for the sake of others, withdrawn since. */
	if (lookup && !lookup->claimed && lookup->state == LOOKUP_REFUSED && may_send(client))
	{
		forget(lookup);
		lookup = NULL;
	}
	if (lookup == NULL)
	{
		const char *text;
		LookupEntry *entry;

		lookup = lookup_create(client, request);
		text = lookup->request->text;
		entry = hash_search(client->lookups, &text, HASH_ENTER, NULL);
		entry->lookup = lookup;
	}
	return lookup;
}

/*
 * Start to look up what a scan will probably ask for; false if the statement has
 * looked that up already.  EXPLAIN counts the look-up as "starter"'s until a scan asks
 * for it.
 */
bool
statement_look_ahead(Client *client, const Request *request, const void *starter)
{
	Lookup	   *lookup = get_lookup(client, request);
	bool		started = lookup->owner == NULL;

	if (started)
		lookup->owner = starter;
	return started;
}

/* Add the statistics that EXPLAIN shows. */
static void
stats_add(LookupStats *sum, const LookupStats *add)
{
	sum->requests += add->requests;
	sum->retries += add->retries;
	sum->cache_hits += add->cache_hits;
	sum->bytes_received += add->bytes_received;
	sum->request_time += add->request_time;
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
		if (entry->lookup->owner == owner)
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
	Lookup	   *lookup = get_lookup(client, request);

	*shared = lookup->claimed;
	if (*shared)
		session_stats.cache_hits++;
	else
		lookup->owner = scan;
	lookup->claimed = true;
	return lookup;
}

/* Withdraw a look-up that is unclaimed and has not begun; else return false. */
bool
statement_withdraw(Client *client, const Request *request)
{
	Lookup	   *lookup = find_lookup(client, request);

	if (lookup == NULL || lookup->claimed || lookup_is_settled(lookup) ||
		lookup_has_begun(lookup))
		return false;
	forget(lookup);
	return true;
}

/*
 * Count the outcome of a look-up that was made ahead, when the read-ahead passes its
 * row; a look-up that no scan has claimed is withdrawn if possible.
 */
void
statement_pass(Client *client, const Request *request, ReadAheadCounts *counts)
{
	Lookup	   *lookup = find_lookup(client, request);

	if (lookup == NULL || statement_withdraw(client, request))
		return;
	if (lookup->claimed)
	{
		counts->claimed += !lookup->counted;
		counts->in_vain -= lookup->in_vain;
		lookup->counted = true;
		lookup->in_vain = false;
	}
	else if (!lookup->in_vain && lookup_has_begun(lookup))
	{
		counts->in_vain++;
		lookup->in_vain = true;
	}
}

/* Add a look-up's statistics to *stats; free the look-up, which no scan will ask for. */
void
statement_forget(Client *client, const Request *request, LookupStats *stats)
{
	Lookup	   *lookup = find_lookup(client, request);

	stats_add(stats, &lookup->stats);
	forget(lookup);
}
