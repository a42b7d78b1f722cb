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

#include <limits.h>

#include "lookup/lookup.h"
#include "miscadmin.h"
#include "readahead/readahead.h"
#include "utils/memutils.h"

/* Key to look up for each row, and the state of its look-ups. */
typedef struct ReadAheadKey
{
	Client	   *client;
	RowKeyState *state;
	int			nstarted;		/* look-ups started for rows not passed yet */
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
	MinimalTuple tuple;			/* freed when the row is handed on */
	List	   *lookups;		/* of RowLookup */
} ReadAheadRow;

typedef struct ReadAheadState
{
	CustomScanState css;		/* must be first */
	bool		has_effects;	/* the outer plan: see plantree_has_effects() */
	ReadAheadKey *keys;
	int			nkeys;
	List	   *clients;		/* the keys' servers, each Client once */
	MemoryContext window_context;	/* holds the window */
	List	   *window;			/* of ReadAheadRow: the row handed on last, until the join
								 * asks for the next one, and the waiting rows */
	int			at_once;		/* look-ups that may be under way: max_concurrency,
								 * summed over the clients */
	bool		runs_to_end;	/* see PlanRun.to_end */
	int			nstarted;		/* sum over all keys */
	bool		outer_done;
} ReadAheadState;

static void
begin_read_ahead(CustomScanState *node, EState *estate, int eflags)
{
	ReadAheadState *state = (ReadAheadState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	ListCell   *exprs;
	ListCell   *others;

	node->custom_ps = list_make1(ExecInitNode(linitial(scan->custom_plans), estate, eflags));
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	state->keys = palloc0(list_length(scan->custom_exprs) * sizeof(ReadAheadKey));
	/* Keys are evaluated on the outer plan's own slots, which may be of any type. */
	node->ss.ps.scanopsset = true;
	node->ss.ps.scanopsfixed = false;
	forboth(exprs, scan->custom_exprs, others, scan->custom_private)
	{
		ReadAheadKey *key = &state->keys[state->nkeys++];
		PlannedKey *planned = plan_key_from_list(lfirst(others));

		planned->exprs = linitial(lfirst(exprs));
		planned->guards = lsecond(lfirst(exprs));
		key->state = row_key_state_create(planned, &node->ss.ps);
		key->client = statement_client(estate, planned->serverid, planned->userid);
		key->client->nscans++;
		if (list_member_ptr(state->clients, key->client))
			continue;
		state->clients = lappend(state->clients, key->client);
		state->at_once += key->client->config->max_concurrency;
	}
	state->has_effects = plantree_has_effects(estate->es_plannedstmt,
											  linitial(scan->custom_plans));
	state->runs_to_end = plantree_run(estate->es_plannedstmt, &scan->scan.plan).to_end;
	state->window_context = AllocSetContextCreate(estate->es_query_cxt,
												  "imagebuilder_fdw read-ahead rows",
												  ALLOCSET_DEFAULT_SIZES);
}

/* ---- the window ----------------------------------------------------------------- */

/* Return how many look-ups, and rows, the read-ahead may be ahead of the inner side. */
static int
depth(const ReadAheadState *state)
{
	return state->at_once * plantree_depth(&state->css.ss.ps, state->runs_to_end);
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

/*
 * Return the look-ups (RowLookup) that the inner side will need for an outer row, none
 * of them started, in the current memory context.
 */
static List *
lookups_of_row(ReadAheadState *state, TupleTableSlot *slot)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;
	List	   *lookups = NIL;

	ResetExprContext(econtext);
	econtext->ecxt_scantuple = slot;
	for (int i = 0; i < state->nkeys; i++)
	{
		ReadAheadKey *key = &state->keys[i];
		MemoryContext previous = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
		List	   *requests = row_key_state_evaluate(key->state, econtext);
		ListCell   *lc;

		MemoryContextSwitchTo(previous);
		/* Cut a long list of ARNs, since the inner scan itself looks ahead in its list. */
		requests = list_truncate(requests, Min(list_length(requests), depth(state)));
		foreach(lc, requests)
		{
			RowLookup  *lookup = palloc(sizeof(RowLookup));

			lookup->key = key;
			lookup->skipped = true;
			lookup->started = false;
			lookup->request = request_copy(lfirst(lc));
			lookups = lappend(lookups, lookup);
		}
	}
	return lookups;
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
		lookup->started = statement_look_ahead(key->client, lookup->request, state);
		key->nstarted += lookup->started;
		state->nstarted += lookup->started;
	}
}

/* Withdraw a key's look-ups that exceed its limit, those of the last rows first. */
static void
withdraw_excess(ReadAheadState *state, ReadAheadKey *key)
{
	for (int i = list_length(state->window) - 1;
		 i >= 0 && key->nstarted > Max(0, limit_of(key)); i--)
	{
		const ReadAheadRow *row = list_nth(state->window, i);
		ListCell   *lc;

		foreach(lc, row->lookups)
		{
			RowLookup  *lookup = lfirst(lc);

			if (lookup->key != key || !lookup->started ||
				!statement_withdraw(key->client, lookup->request))
				continue;
			lookup->started = false;
			lookup->skipped = true;
			key->nstarted--;
			state->nstarted--;
		}
	}
}

/* Free the first row, which the join has passed; count which look-ups were needed. */
static void
pass_first_row(ReadAheadState *state)
{
	ReadAheadRow *row = linitial(state->window);
	ListCell   *lc;

	foreach(lc, row->lookups)
	{
		RowLookup  *lookup = lfirst(lc);
		ReadAheadKey *key = lookup->key;

		key->nstarted -= lookup->started;
		state->nstarted -= lookup->started;
		statement_pass(key->client, lookup->request, &key->counts);
		pfree(lookup->request);
	}
	list_free_deep(row->lookups);
	pfree(row);
	state->window = list_delete_first(state->window);
}

/* Withdraw or start the waiting rows' look-ups, as the keys' limits have changed. */
static void
adjust_window(ReadAheadState *state)
{
	ListCell   *lc;

	for (int i = 0; i < state->nkeys; i++)
		withdraw_excess(state, &state->keys[i]);
	foreach(lc, state->window)
		start_lookups(state, lfirst(lc));
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
	bool		takes_all = plantree_depth(&state->css.ss.ps, state->runs_to_end) > 1;
	int			max_rows = state->has_effects && !takes_all ? 1 : depth(state);

	while (!state->outer_done && list_length(state->window) < max_rows &&
		   (state->window == NIL || state->nstarted < depth(state)))
	{
		TupleTableSlot *slot = ExecProcNode(outer);
		ReadAheadRow *row;
		MemoryContext previous;

		if (TupIsNull(slot))
		{
			state->outer_done = true;
			break;
		}
		previous = MemoryContextSwitchTo(state->window_context);
		row = palloc(sizeof(ReadAheadRow));
		row->tuple = ExecCopySlotMinimalTuple(slot);
		row->lookups = lookups_of_row(state, slot);
		state->window = lappend(state->window, row);
		MemoryContextSwitchTo(previous);
		start_lookups(state, row);
	}
}

/* Return the scan's slot with the next outer row; empty after the last. */
static TupleTableSlot *
next_row(ReadAheadState *state)
{
	TupleTableSlot *slot = state->css.ss.ss_ScanTupleSlot;

	/* A single row that EvalPlanQual checks again needs no look-ahead. */
	if (state->css.ss.ps.state->es_epq_active)
	{
		TupleTableSlot *outer = ExecProcNode(linitial(state->css.custom_ps));

		return TupIsNull(outer) ? ExecClearTuple(slot) : ExecCopySlot(slot, outer);
	}
	if (state->window)
		pass_first_row(state);
	adjust_window(state);
	fill_window(state);
	if (state->window == NIL)
		return ExecClearTuple(slot);
	ExecForceStoreMinimalTuple(((ReadAheadRow *) linitial(state->window))->tuple, slot, true);
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

/* End a custom scan's input plan, as EndCustomScan. */
void
readahead_end_input(CustomScanState *node)
{
	ExecEndNode(linitial(node->custom_ps));
}

/* Have a custom scan's input plan run anew. */
void
readahead_rescan_input(CustomScanState *node)
{
	PlanState  *input = linitial(node->custom_ps);

	if (node->ss.ps.chgParam)
		UpdateChangedParamSet(input, node->ss.ps.chgParam);
	if (input->chgParam == NULL)
		ExecReScan(input);
}

static void
rescan_read_ahead(CustomScanState *node)
{
	ReadAheadState *state = (ReadAheadState *) node;

	while (state->window)
		pass_first_row(state);
	MemoryContextReset(state->window_context);
	state->outer_done = false;
	readahead_rescan_input(node);
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
	ListCell   *lc;

	foreach(lc, state->clients)
		statement_stats(lfirst(lc), state, &stats);
	if (es->analyze && stats.requests > 0)
		explain_stats(&stats, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = READ_AHEAD_NAME,
	.BeginCustomScan = begin_read_ahead,
	.ExecCustomScan = exec_read_ahead,
	.EndCustomScan = readahead_end_input,
	.ReScanCustomScan = rescan_read_ahead,
	.ExplainCustomScan = explain_read_ahead,
};

static Node *
create_read_ahead_state(CustomScan *scan)
{
	ReadAheadState *state = (ReadAheadState *) newNode(sizeof(ReadAheadState),
													   T_CustomScanState);

	state->css.methods = &exec_methods;
	return (Node *) state;
}

const CustomScanMethods readahead_scan_methods = {
	.CustomName = READ_AHEAD_NAME,
	.CreateCustomScanState = create_read_ahead_state,
};
