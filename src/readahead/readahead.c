/*
 * readahead.c: joins that look up ahead of the rows that they join.
 *
 * The custom scan holds a window of the rows of a nested loop's outer side, starts the
 * look-ups that each row will need, and hands the rows on unchanged and in order: so
 * any kind of join, filter, rescan or LIMIT keeps its meaning.  The inner scan finds
 * its look-up started, as a scan finds any look-up that the statement shares.
 *
 * The inner side may turn out not to need a row's look-up, because of a condition that
 * this scan does not know.  So each key has a limit of look-ups: when the join has
 * passed a row whose look-up no scan has claimed, the look-up is withdrawn, or, if its
 * request was sent, counts as made in vain and lowers the limit.
 */
#include "postgres.h"

#include "compat.h"
#include "executor/executor.h"
#include "fdw/execution.h"
#include "fdw/explain.h"
#include "fdw/plantree.h"
#include "lookup/statement.h"
#include "miscadmin.h"
#include "readahead/readahead.h"
#include "readahead/row_key.h"
#include "readahead/row_key_state.h"
#include "utils/memutils.h"

/* Key to look up for each row, and the state of its look-ups. */
typedef struct ReadAheadKey
{
	Client	   *client;
	RowKeyState *state;
	int			nstarted;		/* look-ups started for rows not passed yet */
	int			nskipped;		/* look-ups not started yet for rows not passed */
	ReadAheadCounts counts;		/* outcomes of the look-ups of rows passed */
} ReadAheadKey;

/* A look-up that an outer row will need. */
typedef struct RowLookup
{
	ReadAheadKey *key;
	bool		skipped;		/* not started yet, because of a limit */
	bool		started;		/* this row started it: the statement did not have it */
	Request    *request;
} RowLookup;

/* Outer row in the window. */
typedef struct ReadAheadRow
{
	MinimalTuple tuple;
	List	   *lookups;		/* of RowLookup */
} ReadAheadRow;

typedef struct ReadAheadState
{
	CustomScanState css;		/* must be first */
	bool		has_effects;	/* the outer plan: see plantree_has_effects() */
	ReadAheadKey *keys;
	int			nkeys;
	MemoryContext key_context;	/* reset for each row */
	MemoryContext window_context;	/* holds the waiting rows */
	ReadAheadRow *window;		/* ring of waiting rows */
	int			size;			/* rows that the ring has room for */
	int			at_once;		/* look-ups that may be under way: max_concurrency,
								 * summed over the clients */
	bool		runs_to_end;	/* see plantree_runs_to_end() */
	int			first;			/* index of the next row to hand on */
	int			nrows;			/* waiting rows */
	ReadAheadRow handed_on;		/* row handed on last, without its tuple */
	int			nstarted;		/* sum over all keys */
	bool		outer_done;
} ReadAheadState;

/* True if an earlier key of the read-ahead asks this key's server as this key's user. */
static bool
asks_already(const ReadAheadState *state, const ReadAheadKey *key)
{
	for (const ReadAheadKey *other = state->keys; other < key; other++)
	{
		if (other->client == key->client)
			return true;
	}
	return false;
}

static void
begin_read_ahead(CustomScanState *node, EState *estate, int eflags)
{
	ReadAheadState *state = (ReadAheadState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	ListCell   *lc;

	node->custom_ps = list_make1(ExecInitNode(linitial(scan->custom_plans), estate, eflags));
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	state->has_effects = intVal(linitial(scan->custom_private)) != 0;
	state->keys = palloc0(list_length(scan->custom_exprs) * sizeof(ReadAheadKey));
	/* Keys are evaluated on the outer plan's own slots, which may be of any type. */
	node->ss.ps.scanopsset = true;
	node->ss.ps.scanopsfixed = false;
	foreach(lc, scan->custom_exprs)
	{
		ReadAheadKey *key = &state->keys[state->nkeys++];
		const PlannedKey *planned = plan_key_from_list(list_nth(scan->custom_private, state->nkeys));

		key->state = row_key_state_create(planned, lfirst(lc), &node->ss.ps);
		key->client = statement_client(estate, planned->serverid,
									   OidIsValid(planned->userid) ? planned->userid : GetUserId());
		key->client->nscans++;
		if (!asks_already(state, key))
			state->at_once += key->client->config->max_concurrency;
	}
	state->runs_to_end = plantree_runs_to_end(estate->es_plannedstmt, &scan->scan.plan);
	state->size = state->at_once * EXECUTION_DEPTH;
	state->window = palloc0(state->size * sizeof(ReadAheadRow));
	state->key_context = AllocSetContextCreate(estate->es_query_cxt,
											   "imagebuilder_fdw read-ahead key",
											   ALLOCSET_SMALL_SIZES);
	state->window_context = AllocSetContextCreate(estate->es_query_cxt,
												  "imagebuilder_fdw read-ahead rows",
												  ALLOCSET_DEFAULT_SIZES);
}

/* ---- the window ----------------------------------------------------------------- */

/* Return how many look-ups, and rows, the read-ahead may be ahead of the inner side. */
static int
depth(const ReadAheadState *state)
{
	return state->at_once * execution_depth(&state->css.ss.ps, state->runs_to_end);
}

/*
 * Return how many look-ups of a key may be under way: any number until one has been
 * made in vain.  From then on, each look-up in vain lowers the limit by one, and every
 * four claimed ones raise it by one.
 */
static int
limit_of(const ReadAheadKey *key)
{
	return key->counts.in_vain <= 0 ? INT_MAX :
		key->client->config->max_concurrency + key->counts.claimed / 4 - key->counts.in_vain;
}

/* Store the look-ups that the inner side will need for an outer row; start none. */
static void
add_lookups(ReadAheadState *state, ReadAheadRow *row, TupleTableSlot *slot)
{
	PlanState  *ps = &state->css.ss.ps;
	MemoryContext previous;

	row->lookups = NIL;
	ResetExprContext(ps->ps_ExprContext);
	ps->ps_ExprContext->ecxt_scantuple = slot;
	MemoryContextReset(state->key_context);
	previous = MemoryContextSwitchTo(state->key_context);
	for (int i = 0; i < state->nkeys; i++)
	{
		ReadAheadKey *key = &state->keys[i];
		List	   *requests = row_key_state_evaluate(key->state, ps->ps_ExprContext);
		ListCell   *lc;

		/* Cut a long list of ARNs, since the inner scan itself looks ahead in its list. */
		requests = list_truncate(requests, Min(list_length(requests), depth(state)));
		MemoryContextSwitchTo(state->window_context);
		foreach(lc, requests)
		{
			RowLookup  *lookup = palloc(sizeof(RowLookup));

			lookup->key = key;
			lookup->skipped = true;
			lookup->started = false;
			lookup->request = request_copy(lfirst(lc));
			row->lookups = lappend(row->lookups, lookup);
			key->nskipped++;
		}
		MemoryContextSwitchTo(state->key_context);
	}
	MemoryContextSwitchTo(previous);
}

/* Start a row's look-ups, within the read-ahead's depth and the limits of their keys. */
static void
start_lookups(ReadAheadState *state, ReadAheadRow *row)
{
	ListCell   *lc;

	foreach(lc, row->lookups)
	{
		RowLookup  *lookup = lfirst(lc);
		ReadAheadKey *key = lookup->key;

		if (!lookup->skipped || state->nstarted >= depth(state) ||
			key->nstarted >= limit_of(key))
			continue;
		lookup->skipped = false;
		key->nskipped--;
		lookup->started = statement_look_ahead(key->client, lookup->request, state);
		key->nstarted += lookup->started;
		state->nstarted += lookup->started;
	}
}

static ReadAheadRow *
waiting_row(const ReadAheadState *state, int n)
{
	return &state->window[(state->first + n) % state->size];
}

/* Withdraw a key's look-ups that exceed its limit, those of the last rows first. */
static void
withdraw_excess(ReadAheadState *state, ReadAheadKey *key)
{
	for (int i = state->nrows - 1; i >= 0 && key->nstarted > Max(0, limit_of(key)); i--)
	{
		ListCell   *lc;

		foreach(lc, waiting_row(state, i)->lookups)
		{
			RowLookup  *lookup = lfirst(lc);

			if (lookup->key != key || !lookup->started ||
				!statement_withdraw(key->client, lookup->request))
				continue;
			lookup->started = false;
			lookup->skipped = true;
			key->nskipped++;
			key->nstarted--;
			state->nstarted--;
		}
	}
}

/* Free the look-ups of a row that the join has passed; count which were needed. */
static void
pass_row(ReadAheadState *state, ReadAheadRow *row)
{
	ListCell   *lc;

	foreach(lc, row->lookups)
	{
		RowLookup  *lookup = lfirst(lc);
		ReadAheadKey *key = lookup->key;

		key->nstarted -= lookup->started;
		state->nstarted -= lookup->started;
		key->nskipped -= lookup->skipped;
		statement_pass(key->client, lookup->request, &key->counts);
		pfree(lookup->request);
	}
	list_free_deep(row->lookups);
	row->lookups = NIL;
}

/* Withdraw or start the waiting rows' look-ups, as the keys' limits have changed. */
static void
adjust_window(ReadAheadState *state)
{
	int			nskipped = 0;

	for (int i = 0; i < state->nkeys; i++)
	{
		withdraw_excess(state, &state->keys[i]);
		nskipped += state->keys[i].nskipped;
	}
	for (int i = 0; i < state->nrows && nskipped > 0; i++)
		start_lookups(state, waiting_row(state, i));
}

/*
 * Take outer rows until the look-ups started, or the rows waiting, reach the depth.
 * Takes one row at a time of an outer plan with effects, unless all of its rows will be
 * taken.
 */
static void
fill_window(ReadAheadState *state)
{
	PlanState  *outer = linitial(state->css.custom_ps);
	bool		takes_all = execution_depth(&state->css.ss.ps, state->runs_to_end) > 1;
	int			max_rows = state->has_effects && !takes_all ? 1 : depth(state);

	while (!state->outer_done && state->nrows < max_rows &&
		   (state->nrows == 0 || state->nstarted < depth(state)))
	{
		TupleTableSlot *slot = ExecProcNode(outer);
		ReadAheadRow *row;
		MemoryContext previous;

		if (TupIsNull(slot))
		{
			state->outer_done = true;
			break;
		}
		row = waiting_row(state, state->nrows);
		add_lookups(state, row, slot);
		previous = MemoryContextSwitchTo(state->window_context);
		row->tuple = ExecCopySlotMinimalTuple(slot);
		MemoryContextSwitchTo(previous);
		state->nrows++;
		start_lookups(state, row);
	}
}

/* Return the scan's slot with the next outer row; empty after the last. */
static TupleTableSlot *
next_row(ReadAheadState *state)
{
	TupleTableSlot *slot = state->css.ss.ss_ScanTupleSlot;
	ReadAheadRow *row;

	/* A single row that EvalPlanQual checks again needs no look-ahead. */
	if (state->css.ss.ps.state->es_epq_active)
	{
		TupleTableSlot *outer = ExecProcNode(linitial(state->css.custom_ps));

		return TupIsNull(outer) ? ExecClearTuple(slot) : ExecCopySlot(slot, outer);
	}
	pass_row(state, &state->handed_on);
	adjust_window(state);
	fill_window(state);
	if (state->nrows == 0)
		return ExecClearTuple(slot);
	row = waiting_row(state, 0);
	state->handed_on.lookups = row->lookups;
	state->first = (state->first + 1) % state->size;
	state->nrows--;
	ExecForceStoreMinimalTuple(row->tuple, slot, true);
	return slot;
}

static TupleTableSlot *
exec_read_ahead(CustomScanState *node)
{
	TupleTableSlot *row = next_row((ReadAheadState *) node);
	ExprContext *econtext = node->ss.ps.ps_ExprContext;

	if (TupIsNull(row) || node->ss.ps.ps_ProjInfo == NULL)
		return row;
	ResetExprContext(econtext);
	econtext->ecxt_scantuple = row;
	return ExecProject(node->ss.ps.ps_ProjInfo);
}

static void
end_read_ahead(CustomScanState *node)
{
	ExecEndNode(linitial(node->custom_ps));
}

static void
rescan_read_ahead(CustomScanState *node)
{
	ReadAheadState *state = (ReadAheadState *) node;
	PlanState  *outer = linitial(node->custom_ps);

	pass_row(state, &state->handed_on);
	for (int i = 0; i < state->nrows; i++)
		pass_row(state, waiting_row(state, i));
	MemoryContextReset(state->window_context);
	state->first = state->nrows = 0;
	state->outer_done = false;
	if (node->ss.ps.chgParam)
		UpdateChangedParamSet(outer, node->ss.ps.chgParam);
	if (outer->chgParam == NULL)
		ExecReScan(outer);
}

/*
 * Show, for EXPLAIN ANALYZE, the counters of the look-ups that no inner scan has asked
 * for, if they made any request.
 */
static void
explain_read_ahead(CustomScanState *node, List *ancestors, ExplainState *es)
{
	ReadAheadState *state = (ReadAheadState *) node;
	LookupStats stats = {0};

	(void) ancestors;
	for (int i = 0; i < state->nkeys; i++)
	{
		if (!asks_already(state, &state->keys[i]))
			statement_stats(state->keys[i].client, state, &stats);
	}
	if (es->analyze && stats.requests > 0)
		explain_stats(&stats, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = READ_AHEAD_NAME,
	.BeginCustomScan = begin_read_ahead,
	.ExecCustomScan = exec_read_ahead,
	.EndCustomScan = end_read_ahead,
	.ReScanCustomScan = rescan_read_ahead,
	.ExplainCustomScan = explain_read_ahead,
};

static Node *
create_read_ahead_state(CustomScan *scan)
{
	ReadAheadState *state = (ReadAheadState *) newNode(sizeof(ReadAheadState),
													   T_CustomScanState);

	(void) scan;
	state->css.methods = &exec_methods;
	return (Node *) state;
}

const CustomScanMethods readahead_scan_methods = {
	.CustomName = READ_AHEAD_NAME,
	.CreateCustomScanState = create_read_ahead_state,
};

/* Register the custom scan that plans may hold; called by _PG_init(). */
void
readahead_init(void)
{
	RegisterCustomScanMethods(&readahead_scan_methods);
}
