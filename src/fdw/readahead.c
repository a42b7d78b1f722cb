/*-------------------------------------------------------------------------
 *
 * readahead.c
 *		Joins that look up ahead of the rows that they join.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/readahead.c
 *
 *-------------------------------------------------------------------------
 */
/*
 * The custom scan holds a window of the rows of a nested loop's outer side,
 * starts the look-ups that each will need, and hands the rows on unchanged and
 * in order: so any kind of join, filter, rescan or LIMIT keeps its meaning.
 * The inner scan finds its look-up started, as it finds any that the statement
 * shares.
 */
#include "postgres.h"

#include "compat.h"
#include "executor/executor.h"
#include "fdw/execution.h"
#include "fdw/explain.h"
#include "fdw/key.h"
#include "fdw/key_state.h"
#include "fdw/option.h"
#include "fdw/plantree.h"
#include "fdw/readahead.h"
#include "fdw/readahead_key.h"
#include "lookup/statement.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* What to look up for each row. */
typedef struct ReadAheadKey
{
	Client	   *client;
	KeyState   *state;
	bool		whole;			/* may raise an error: only if all rows are
								 * taken */
} ReadAheadKey;

/* An outer row. */
typedef struct ReadAheadRow
{
	MinimalTuple tuple;
	int			nlookups;		/* started for it */
} ReadAheadRow;

typedef struct ReadAheadState
{
	CustomScanState css;		/* must be first */
	ReadAheadKey *keys;
	int			nkeys;
	MemoryContext key_context;	/* reset for each row */
	MemoryContext window_context;	/* holds the rows waiting */
	ReadAheadRow *window;		/* a ring of them */
	int			size;			/* of the ring */
	int			at_once;		/* look-ups that may be under way */
	bool		runs_to_end;	/* so far as the plan goes */
	int			first;			/* the next to hand on */
	int			nrows;			/* waiting */
	int			nlookups;		/* started for them */
	bool		outer_done;
} ReadAheadState;

static Node *create_read_ahead_state(CustomScan *scan);
static void begin_read_ahead(CustomScanState *node, EState *estate, int eflags);
static TupleTableSlot *exec_read_ahead(CustomScanState *node);
static void end_read_ahead(CustomScanState *node);
static void rescan_read_ahead(CustomScanState *node);
static void explain_read_ahead(CustomScanState *node, List *ancestors,
							   ExplainState *es);

const CustomScanMethods readahead_scan_methods = {
	.CustomName = READ_AHEAD_NAME,
	.CreateCustomScanState = create_read_ahead_state,
};

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

/* Whether a key before it asks the same server as the same user. */
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
	ListCell   *exprs;
	ListCell   *private;

	node->custom_ps = list_make1(ExecInitNode(linitial(scan->custom_plans), estate, eflags));
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	state->keys = palloc0(list_length(scan->custom_private) * sizeof(ReadAheadKey));
	/* Keys are evaluated on the outer plan's own slots, of whatever kind. */
	node->ss.ps.scanopsset = true;
	node->ss.ps.scanopsfixed = false;
	forboth(exprs, scan->custom_exprs, private, scan->custom_private)
	{
		ReadAheadKey *key = &state->keys[state->nkeys++];
		const RowKey *planned = row_key_from_list(lfirst(private));

		key->state = key_state_create(planned->key,
									  list_nth(lfirst(exprs), ReadAheadExprsKey),
									  list_nth(lfirst(exprs), ReadAheadExprsGuards),
									  planned->arn_filter, &node->ss.ps);
		key->whole = planned->whole;
		key->client = statement_client(estate, planned->serverid,
									   OidIsValid(planned->userid) ? planned->userid : GetUserId(),
									   option_read_config);
		key->client->nscans++;
		if (!asks_already(state, key))
			state->at_once += key->client->config.max_concurrency;
	}
	state->runs_to_end = plantree_runs_to_end(estate->es_plannedstmt, &scan->scan.plan);
	state->size = Max(1, state->at_once * EXECUTION_DEPTH);
	state->window = palloc0(state->size * sizeof(ReadAheadRow));
	state->key_context = AllocSetContextCreate(estate->es_query_cxt,
											   "imagebuilder_fdw read-ahead key",
											   ALLOCSET_SMALL_SIZES);
	state->window_context = AllocSetContextCreate(estate->es_query_cxt,
												  "imagebuilder_fdw read-ahead rows",
												  ALLOCSET_DEFAULT_SIZES);
}

/* Start what a key asks for of an outer row; returns how many look-ups. */
static int
look_up_key(const ReadAheadState *state, const ReadAheadKey *key, ExprContext *econtext,
			int limit)
{
	int			started = 0;
	ListCell   *lc;

	if (!key_state_guards_hold(key->state, econtext))
		return 0;
	foreach(lc, key_state_evaluate(key->state, econtext))
	{
		const KeyValue *value = lfirst(lc);

		/* A row's own list is the inner scan's to keep up with. */
		if (started == limit)
			break;
		if (lookup_is_arn(value->arn) && key_state_admits(key->state, value->arn) &&
			statement_look_ahead(key->client, value->arn, state))
			started++;
	}
	return started;
}

/* Whether all outer rows will be taken. */
static bool
takes_all_rows(const ReadAheadState *state)
{
	return execution_depth(&state->css.ss.ps, state->runs_to_end) > 1;
}

/* How many look-ups, and rows, the read-ahead may be ahead of the inner side. */
static int
depth(const ReadAheadState *state)
{
	return Max(1, state->at_once * execution_depth(&state->css.ss.ps, state->runs_to_end));
}

/* Start the look-ups that an outer row will need; returns how many. */
static int
look_up_for(ReadAheadState *state, TupleTableSlot *row)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;
	MemoryContext previous;
	int			started = 0;

	ResetExprContext(econtext);
	econtext->ecxt_scantuple = row;
	MemoryContextReset(state->key_context);
	previous = MemoryContextSwitchTo(state->key_context);
	for (int i = 0; i < state->nkeys; i++)
	{
		if (state->keys[i].whole && !takes_all_rows(state))
			continue;
		started += look_up_key(state, &state->keys[i], econtext,
							   Max(1, depth(state) - state->nlookups - started));
	}
	MemoryContextSwitchTo(previous);
	return started;
}

/* Take outer rows until as many look-ups are started as may be, or rows waiting. */
static void
fill_window(ReadAheadState *state)
{
	PlanState  *outer = linitial(state->css.custom_ps);

	while (!state->outer_done && state->nrows < depth(state) && state->nlookups < depth(state))
	{
		TupleTableSlot *slot = ExecProcNode(outer);
		ReadAheadRow *row;
		MemoryContext previous;

		if (TupIsNull(slot))
		{
			state->outer_done = true;
			break;
		}
		row = &state->window[(state->first + state->nrows++) % state->size];
		row->nlookups = look_up_for(state, slot);
		state->nlookups += row->nlookups;
		previous = MemoryContextSwitchTo(state->window_context);
		row->tuple = ExecCopySlotMinimalTuple(slot);
		MemoryContextSwitchTo(previous);
	}
}

/* The next outer row in the scan's slot; empty after the last. */
static TupleTableSlot *
next_row(ReadAheadState *state)
{
	TupleTableSlot *slot = state->css.ss.ss_ScanTupleSlot;
	ReadAheadRow *row;

	/* A row checked again alone needs no look-ahead. */
	if (state->css.ss.ps.state->es_epq_active)
	{
		TupleTableSlot *outer = ExecProcNode(linitial(state->css.custom_ps));

		return TupIsNull(outer) ? ExecClearTuple(slot) : ExecCopySlot(slot, outer);
	}
	fill_window(state);
	if (state->nrows == 0)
		return ExecClearTuple(slot);
	row = &state->window[state->first];
	state->first = (state->first + 1) % state->size;
	state->nrows--;
	state->nlookups -= row->nlookups;
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

	MemoryContextReset(state->window_context);
	state->first = state->nrows = state->nlookups = 0;
	state->outer_done = false;
	if (node->ss.ps.chgParam)
		UpdateChangedParamSet(outer, node->ss.ps.chgParam);
	if (outer->chgParam == NULL)
		ExecReScan(outer);
}

/* ANALYZE: what was looked up for rows that no scan was asked about, if anything. */
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

/* From _PG_init: the node that plans may hold. */
void
readahead_init(void)
{
	RegisterCustomScanMethods(&readahead_scan_methods);
}
