/*
 * scan.c: execution of foreign scans, and what EXPLAIN shows of them.
 *
 * A scan goes through the requests that its keys make, and the rows of each answer
 * (see row_reader.c).
 */
#include "postgres.h"

#include "aws/arn.h"
#include "common/hashfn.h"
#include "fdw/fdw.h"
#include "lookup/lookup.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

/* Request for one combination of the keys' values, or for another page of a list. */
typedef struct ScanRequest
{
	Request    *request;
	Lookup	   *lookup;			/* NULL until started */
} ScanRequest;

/* State of a scan, kept in ForeignScanState.fdw_state. */
typedef struct ImageBuilderScan
{
	Client	   *client;
	const Operation *operation;
	KeyState   *key;

	RowReader  *reader;
	char		account[ARN_ACCOUNT_SIZE];	/* as which the response was asked for; ""
											 * until a condition or a column needs it */

	MemoryContext key_context;	/* holds requests */
	bool		started;		/* the key has been evaluated into requests */
	ScanRequest *requests;		/* one for each combination, in order */
	int			nrequests;
	int			next_request;	/* index of the next one to return rows of */
	int			next_lookup;	/* index of the next one to look up */
	bool		reads_once;		/* this scan reads each response once only */
	bool		runs_to_end;	/* see PlanRun.to_end */
	bool		async;			/* called by an asynchronous Append: do not wait */
	bool		blocked;		/* the last call would have had to wait */

	ScanRequest next_page;		/* of the list whose rows are being returned; without a
								 * request: the list has no other page */
	HTAB	   *tokens;			/* hashes of the tokens of the list's pages; NULL: none */

	Request    *request;		/* request whose rows are being returned */
	const Document *document;	/* response to it; NULL: go on to the next request */
	LookupStats stats;			/* cache hits, and counters of look-ups that the
								 * statement has forgotten */
} ImageBuilderScan;

/*
 * Prepare a scan.  No request is sent before a row is wanted, and EXPLAIN without
 * ANALYZE does not even read the options of the table and its server.
 */
void
imagebuilderBeginForeignScan(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	EState	   *estate = node->ss.ps.state;
	Relation	relation = node->ss.ss_currentRelation;
	BoundTable *table;
	PlanRun		run;
	ImageBuilderScan *state;

	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;

	state = palloc0(sizeof(ImageBuilderScan));
	node->fdw_state = state;
	state->key = key_state_create(list_nth(plan->fdw_private, FdwScanPrivateKeys),
								  list_nth(plan->fdw_exprs, FdwScanExprsKey),
								  list_nth(plan->fdw_exprs, FdwScanExprsGuards),
								  list_nth(plan->fdw_exprs, FdwScanExprsAsked),
								  RelationGetRelid(relation), &node->ss.ps);
	state->key_context = AllocSetContextCreate(estate->es_query_cxt,
											   "imagebuilder_fdw key",
											   ALLOCSET_SMALL_SIZES);
	table = binding_table(RelationGetRelid(relation));
	binding_check_table(table);
	state->operation = table->operation;
	state->client = statement_client(estate, plan->fs_server, compat_scan_user(node));
	state->client->nscans++;
	state->reader = row_reader_create(table, RelationGetDescr(relation),
									  list_nth(plan->fdw_private, FdwScanPrivateAttrs),
									  lookup_warns(state->client));
	run = plantree_run(estate->es_plannedstmt, &plan->scan.plan);
	state->runs_to_end = run.to_end;
	state->reads_once = estate->es_epq_active == NULL && run.once &&
		!(eflags & (EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK));
}

/*
 * True if a value may be asked for.  A value from the statement's text must be one that
 * the parameter takes, else this raises an error or a warning.  A row's value that is not
 * finds nothing; once in a statement, this warns of a row's ARN of another kind.
 */
static bool
is_wanted(const ImageBuilderScan *state, int parameter, const KeyValue *value)
{
	Statement  *statement = state->client->statement;
	Arn			arn;

	if (value->from_statement)
		return request_check(state->operation, parameter, value->text, NULL,
							 lookup_warns(state->client) ? WARNING : ERROR);
	if (request_fits(state->operation, parameter, value->text))
		return true;
	if (!statement->kind_warned && arn_parse(value->text, &arn))
	{
		request_check(state->operation, parameter, value->text,
					  "A row of this statement has it, and finds nothing; the statement's other rows of the kind are not warned of.",
					  WARNING);
		statement->kind_warned = true;
	}
	return false;
}

/*
 * Return the request for a combination of values; NULL if no row can satisfy the scan's
 * conditions, a partition's constraint among them, or a value finds nothing.
 */
static Request *
request_for(ImageBuilderScan *state, const KeyValue *const *values)
{
	const Operation *operation = state->operation;
	const Target *scope = operation->target == TARGET_SCOPE ?
		statement_scope(state->client) : NULL;
	const char *texts[MAX_PARAMETERS];
	Request    *request;
	bool		wanted;

	for (int i = 0; i < operation->nparameters; i++)
		texts[i] = values[i]->text;
	request = request_create(operation, scope, texts);
	if (state->key->needs_account && state->account[0] == '\0')
		lookup_account(state->client, scope, request_action(request), state->account);
	wanted = key_state_admits(state->key, texts, scope, state->account);
	for (int i = 0; wanted && i < operation->nparameters; i++)
		wanted = is_wanted(state, i, values[i]);
	if (wanted)
		return request;
	pfree(request);
	return NULL;
}

/* Create a request for each combination of the keys' values. */
static void
create_requests(ImageBuilderScan *state, ExprContext *econtext)
{
	int			ncombinations;
	const List *sets = key_state_evaluate(state->key, econtext, &ncombinations);
	const KeyValue *values[MAX_PARAMETERS];

	state->requests = palloc_extended(((Size) ncombinations + 1) * sizeof(ScanRequest),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < ncombinations; i++)
	{
		Request    *request;

		key_state_combination(sets, i, values);
		request = request_for(state, values);
		if (request)
			state->requests[state->nrequests++].request = request;
		CHECK_FOR_INTERRUPTS();
	}
}

/* Evaluate the keys, and create the requests of the scan. */
static void
evaluate_keys(ForeignScanState *node)
{
	ImageBuilderScan *state = node->fdw_state;
	const ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	MemoryContext previous;

	MemoryContextReset(state->key_context);
	previous = MemoryContextSwitchTo(state->key_context);
	state->nrequests = 0;
	state->requests = NULL;
	if (ExecQual(state->key->guards, econtext))
	{
		if (list_member_ptr(state->key->keys, NIL))
			keyless_reject(node->ss.ss_currentRelation, state->key->keys,
						   list_nth(plan->fdw_private, FdwScanPrivateKeyless));
		create_requests(state, econtext);
	}
	MemoryContextSwitchTo(previous);
	state->next_request = state->next_lookup = 0;
	state->next_page.request = NULL;
	state->tokens = NULL;
	state->document = NULL;
	state->started = true;
}

static void
start(ImageBuilderScan *state, ScanRequest *request)
{
	bool		shared;

	request->lookup = statement_lookup(state->client, request->request, state, &shared);
	if (shared)
		state->stats.cache_hits++;
}

/*
 * Start the look-ups of the next requests: as many as may be under way at once, or more
 * if all rows will be taken.  Of lists of which not all rows may be taken, start one at
 * a time.
 */
static void
look_ahead(ForeignScanState *node)
{
	ImageBuilderScan *state = node->fdw_state;
	int			depth = plantree_depth(&node->ss.ps, state->runs_to_end);
	int			window = state->operation->paged && depth == 1 ? 1 :
		state->client->config->max_concurrency * depth;
	int			end = Min(state->nrequests, state->next_request + window);

	for (; state->next_lookup < end; state->next_lookup++)
		start(state, &state->requests[state->next_lookup]);
}

static void
leave_list(ImageBuilderScan *state)
{
	state->next_page.request = NULL;
	if (state->tokens)
		hash_destroy(state->tokens);
	state->tokens = NULL;
}

/*
 * True unless a page's token is one that an earlier page of the list has had: then
 * raise HV00M, or warn.
 */
static bool
check_token(ImageBuilderScan *state, const Request *page)
{
	uint64		hash = hash_bytes_extended((const unsigned char *) page->token,
										   strlen(page->token), 0);
	bool		found;

	if (state->tokens == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = ctl.entrysize = sizeof(hash);
		ctl.hcxt = state->key_context;
		state->tokens = hash_create("imagebuilder_fdw tokens", 64, &ctl,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	hash_search(state->tokens, &hash, HASH_ENTER, &found);
	if (found)
		ereport(lookup_warns(state->client) ? WARNING : ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
				 errmsg("could not %s: its nextToken has been there before",
						request_action(page)),
				 errdetail("The service would return the same pages for ever.")));
	return !found;
}

/*
 * Start the look-up of the page after the current one, if there is such a page, and let
 * libcurl send it while the current page's rows are taken.
 */
static void
start_next_page(ImageBuilderScan *state)
{
	MemoryContext previous = MemoryContextSwitchTo(state->key_context);

	state->next_page.request = request_next(state->request, state->document,
											lookup_warns(state->client) ? WARNING : ERROR);
	if (state->next_page.request && check_token(state, state->next_page.request))
	{
		start(state, &state->next_page);
		lookup_wait(0);
	}
	else
		leave_list(state);
	MemoryContextSwitchTo(previous);
}

/* Leave the current response, and free its memory if no scan will ask for it again. */
static void
leave_document(ImageBuilderScan *state)
{
	state->document = NULL;
	if (state->reads_once && state->client->nscans == 1)
		statement_forget(state->client, state->request, &state->stats);
	if (state->request->page > 1)
		pfree(state->request);
	state->request = NULL;
}

/* Return what to return the rows of next; NULL after the last. */
static ScanRequest *
next_to_read(ForeignScanState *node)
{
	ImageBuilderScan *state = node->fdw_state;

	if (state->next_page.request)
		return &state->next_page;
	if (state->next_request == state->nrequests)
		return NULL;
	look_ahead(node);
	return &state->requests[state->next_request];
}

/* Have the rows of the current response read, whose account a column may need. */
static void
start_rows(ImageBuilderScan *state)
{
	if (row_reader_needs_account(state->reader))
	{
		Target		target = request_target(state->request);

		lookup_account(state->client, &target, request_action(state->request), state->account);
	}
	row_reader_start(state->reader, state->request, state->document, state->account);
}

/*
 * Go on to the next page, or the next request, whose look-up finds something.  Returns
 * false after the last, or, with "blocked" set, if an asynchronous scan would have to
 * wait.
 */
static bool
next_document(ForeignScanState *node)
{
	ImageBuilderScan *state = node->fdw_state;
	ScanRequest *next;

	while ((next = next_to_read(node)) != NULL)
	{
		if (state->async && !lookup_is_settled(next->lookup))
		{
			state->blocked = true;
			return false;
		}
		state->document = lookup_finish(next->lookup);
		state->request = next->request;
		if (next == &state->next_page)
			next->request = NULL;
		else
			state->next_request++;
		if (state->document)
		{
			start_next_page(state);
			start_rows(state);
			return true;
		}
		leave_list(state);
		leave_document(state);
	}
	return false;
}

TupleTableSlot *
imagebuilderIterateForeignScan(ForeignScanState *node)
{
	ImageBuilderScan *state = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	ExecClearTuple(slot);
	if (!state->started)
		evaluate_keys(node);
	for (;;)
	{
		if (state->document == NULL && !next_document(node))
			return slot;
		if (row_reader_next(state->reader, slot))
			return ExecStoreVirtualTuple(slot);
		leave_document(state);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Return the next row for an asynchronous Append, filtered and projected; NULL after
 * the last, or with *blocked set if a response must come in first.
 */
TupleTableSlot *
scan_next_async(ForeignScanState *node, bool *blocked)
{
	ImageBuilderScan *state = node->fdw_state;
	TupleTableSlot *row;

	state->async = true;
	state->blocked = false;
	row = node->ss.ps.ExecProcNodeReal(&node->ss.ps);
	state->async = false;
	*blocked = state->blocked;
	return TupIsNull(row) ? NULL : row;
}

/* True if a scan that was blocked can go on: the look-up that it needs has ended. */
bool
scan_can_go_on(ForeignScanState *node)
{
	return lookup_is_settled(next_to_read(node)->lookup);
}

void
imagebuilderReScanForeignScan(ForeignScanState *node)
{
	ImageBuilderScan *state = node->fdw_state;

	/*
	 * The keys' parameters may have changed, so they are evaluated again; the statement
	 * keeps the responses.
	 */
	state->started = false;
}

/* Free nothing: the executor's memory context owns the scan's state. */
void
imagebuilderEndForeignScan(ForeignScanState *node)
{
}

/* ---- EXPLAIN --------------------------------------------------------------------- */

/* Show conditions of a plan below "ancestors", the nearest first; nothing for NIL. */
void
explain_conditions(const char *label, List *conditions, Plan *plan, List *ancestors,
				   ExplainState *es)
{
	List	   *context;

	if (conditions == NIL)
		return;
	context = set_deparse_context_plan(es->deparse_cxt, plan, ancestors);
	ExplainPropertyText(label,
						deparse_expression((Node *) make_ands_explicit(conditions), context,
										   list_length(es->rtable) > 1 || es->verbose, false),
						es);
}

/* Show the counters of look-ups; VERBOSE adds bytes and time. */
void
explain_stats(const LookupStats *stats, ExplainState *es)
{
	ExplainPropertyInteger("Image Builder Requests", NULL, stats->requests, es);
	ExplainPropertyInteger("Image Builder Cache Hits", NULL, stats->cache_hits, es);
	ExplainPropertyInteger("Image Builder Retries", NULL, stats->retries, es);
	if (!es->verbose)
		return;
	ExplainPropertyInteger("Image Builder Bytes Received", NULL, stats->bytes_received, es);
	ExplainPropertyFloat("Image Builder Request Time", "ms", stats->request_time, 3, es);
}

void
imagebuilderExplainForeignScan(ForeignScanState *node, ExplainState *es)
{
	const ImageBuilderScan *state = node->fdw_state;
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	List	   *ancestors = plantree_ancestors(es->pstmt, &plan->scan.plan);

	ExplainPropertyText("Image Builder Operation",
						binding_table(RelationGetRelid(node->ss.ss_currentRelation))->operation->name,
						es);
	explain_conditions("Image Builder Key", list_nth(plan->fdw_exprs, FdwScanExprsKeyQuals),
					   &plan->scan.plan, ancestors, es);
	explain_conditions("One-Time Filter", list_nth(plan->fdw_exprs, FdwScanExprsGuards),
					   &plan->scan.plan, ancestors, es);
	if (es->analyze && state)
	{
		LookupStats stats = state->stats;

		statement_stats(state->client, state, &stats);
		explain_stats(&stats, es);
	}
}
