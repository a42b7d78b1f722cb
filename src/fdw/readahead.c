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
 * A nested loop that looks images up by its outer side's columns would wait
 * for one after another.  The same nested loop is offered with its outer side
 * wrapped in a custom scan, which holds a window of outer rows, starts the
 * look-ups that each will need, and hands the rows on unchanged and in order:
 * so any kind of join, filter, rescan or LIMIT keeps its meaning.  The inner
 * scan finds its look-up started, as it finds any that the statement shares.
 */
#include "postgres.h"

#include "compat.h"
#include "fdw/key.h"
#include "fdw/option.h"
#include "fdw/plan.h"
#include "fdw/readahead.h"
#include "lookup/statement.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "utils/guc.h"
#include "utils/memutils.h"

/* imagebuilder_fdw.enable_read_ahead */
static bool enable_read_ahead = true;

static set_join_pathlist_hook_type previous_hook = NULL;

/* What CustomScan.custom_private holds; custom_exprs: the key's expressions. */
enum ReadAheadPrivateIndex
{
	ReadAheadPrivateKey,		/* a key, see key.h */
	ReadAheadPrivateOids,		/* the inner table's server and user */
};

/* A path to look ahead of an outer path. */
typedef struct ReadAheadPath
{
	CustomPath	path;			/* must be first */
	List	   *key;
	List	   *exprs;
	Oid			serverid;
	Oid			userid;
} ReadAheadPath;

typedef struct ReadAheadState
{
	CustomScanState css;		/* must be first */
	Client	   *client;
	List	   *key;
	List	   *key_exprs;		/* of ExprState */
	MemoryContext key_context;	/* reset for each row */
	MemoryContext window_context;	/* holds the rows waiting */
	MinimalTuple *window;		/* a ring of them */
	int			size;			/* of the ring */
	int			first;			/* the next to hand on */
	int			nrows;			/* waiting */
	bool		outer_done;
} ReadAheadState;

static Plan *plan_read_ahead(PlannerInfo *root, RelOptInfo *rel,
							 CustomPath *best_path, List *tlist,
							 List *clauses, List *custom_plans);
static Node *create_read_ahead_state(CustomScan *scan);
static void begin_read_ahead(CustomScanState *node, EState *estate, int eflags);
static TupleTableSlot *exec_read_ahead(CustomScanState *node);
static void end_read_ahead(CustomScanState *node);
static void rescan_read_ahead(CustomScanState *node);

#define NAME	"Image Builder Read Ahead"

static const CustomPathMethods path_methods = {
	.CustomName = NAME,
	.PlanCustomPath = plan_read_ahead,
};

static const CustomScanMethods scan_methods = {
	.CustomName = NAME,
	.CreateCustomScanState = create_read_ahead_state,
};

static const CustomExecMethods exec_methods = {
	.CustomName = NAME,
	.BeginCustomScan = begin_read_ahead,
	.ExecCustomScan = exec_read_ahead,
	.EndCustomScan = end_read_ahead,
	.ReScanCustomScan = rescan_read_ahead,
};

/* The foreign scan of ours on a nested loop's inner side; NULL if it is none. */
static ForeignPath *
inner_scan(Path *inner)
{
	if (IsA(inner, MemoizePath))
		inner = ((MemoizePath *) inner)->subpath;
	if (!IsA(inner, ForeignPath) || inner->param_info == NULL ||
		!IS_SIMPLE_REL(inner->parent) || inner->parent->fdwroutine == NULL ||
		inner->parent->fdwroutine->GetForeignPaths != imagebuilderGetForeignPaths)
		return NULL;
	return (ForeignPath *) inner;
}

/*
 * The same look-ups may have been started further down: where the outer side
 * joins one of our tables of the same server and user on an equal key.
 */
static bool
reads_ahead_already(PlannerInfo *root, Path *outer, const ReadAheadPath *wanted)
{
	if (IsA(outer, CustomPath) && ((CustomPath *) outer)->methods == &path_methods)
	{
		ReadAheadPath *other = (ReadAheadPath *) outer;

		if (other->serverid == wanted->serverid && other->userid == wanted->userid &&
			list_length(other->exprs) == 1 && list_length(wanted->exprs) == 1 &&
			(equal(linitial(other->exprs), linitial(wanted->exprs)) ||
			 compat_exprs_known_equal(root, linitial(other->exprs),
									  linitial(wanted->exprs))))
			return true;
		return reads_ahead_already(root, linitial(other->path.custom_paths), wanted);
	}
	if (IsA(outer, NestPath))
		return reads_ahead_already(root, ((NestPath *) outer)->jpath.outerjoinpath, wanted);
	return false;
}

/*
 * A path that looks ahead of "outer" for "inner", NULL if that cannot be done:
 * the key must come from the outer rows alone, and to compute it for rows that
 * are never reached must not raise anything.
 */
static ReadAheadPath *
make_read_ahead_path(PlannerInfo *root, Path *outer, ForeignPath *inner)
{
	RelOptInfo *rel = inner->path.parent;
	ReadAheadPath *path;
	List	   *exprs;
	List	   *key;

	if (!bms_is_subset(PATH_REQ_OUTER(&inner->path), outer->parent->relids))
		return NULL;
	key = plan_extract_key(root, rel,
						   list_concat_copy(rel->baserestrictinfo,
											inner->path.param_info->ppi_clauses),
						   &exprs);
	if (key == NIL || contain_subplans((Node *) exprs) || contain_leaked_vars((Node *) exprs))
		return NULL;

	path = (ReadAheadPath *) newNode(sizeof(ReadAheadPath), T_CustomPath);
	path->path.path.pathtype = T_CustomScan;
	path->path.path.parent = outer->parent;
	path->path.path.pathtarget = outer->pathtarget;
	path->path.path.param_info = outer->param_info;
	path->path.path.rows = outer->rows;
	path->path.path.startup_cost = outer->startup_cost;
	path->path.path.total_cost = outer->total_cost + outer->rows * cpu_tuple_cost;
	compat_copy_disabled_nodes(&path->path.path, outer);
	path->path.path.pathkeys = outer->pathkeys;
	path->path.flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->path.custom_paths = list_make1(outer);
	path->path.methods = &path_methods;
	path->key = key;
	path->exprs = exprs;
	path->serverid = rel->serverid;
	path->userid = rel->userid;
	return reads_ahead_already(root, outer, path) ? NULL : path;
}

/* set_join_pathlist_hook: offer each nested loop of that kind anew. */
static void
add_read_ahead_paths(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outerrel,
					 RelOptInfo *innerrel, JoinType jointype,
					 JoinPathExtraData *extra)
{
	List	   *offers = NIL;
	ListCell   *lc;

	if (previous_hook)
		previous_hook(root, joinrel, outerrel, innerrel, jointype, extra);
	if (!enable_read_ahead)
		return;
	foreach(lc, joinrel->pathlist)
	{
		NestPath   *loop = lfirst(lc);
		ForeignPath *inner = IsA(loop, NestPath) ? inner_scan(loop->jpath.innerjoinpath) : NULL;
		Path	   *outer = inner ? loop->jpath.outerjoinpath : NULL;
		ReadAheadPath *ahead;
		NestPath   *offer;
		Cost		saved;

		/* Not its own work again, seen from the join's other side. */
		if (inner == NULL ||
			(IsA(outer, CustomPath) && ((CustomPath *) outer)->methods == &path_methods))
			continue;
		ahead = make_read_ahead_path(root, outer, inner);
		if (ahead == NULL)
			continue;
		offer = makeNode(NestPath);
		*offer = *loop;
		offer->jpath.outerjoinpath = &ahead->path.path;
		/* All but a part of the round trips is waited for together. */
		saved = Max(outer->rows, 1.0) * PLAN_LOOKUP_COST * 0.9;
		offer->jpath.path.total_cost = Max(loop->jpath.path.total_cost - saved,
										   offer->jpath.path.startup_cost +
										   loop->jpath.path.total_cost * 0.1);
		offers = lappend(offers, offer);
	}
	foreach(lc, offers)
		add_path(joinrel, lfirst(lc));
}

/* Whether two expressions are the same column, or the same place-holder. */
static bool
is_same_column(Expr *a, Expr *b)
{
	if (IsA(a, Var) && IsA(b, Var))
		return ((Var *) a)->varno == ((Var *) b)->varno &&
			((Var *) a)->varattno == ((Var *) b)->varattno;
	return IsA(a, PlaceHolderVar) && IsA(b, PlaceHolderVar) &&
		((PlaceHolderVar *) a)->phid == ((PlaceHolderVar *) b)->phid;
}

/*
 * A key's expressions over the outer rows as they are.  A join clause may know
 * nothing of the outer joins by which its columns have become null there: for
 * that 16 and later mark columns, and compare the marks.
 */
static Node *
over_outer_rows(Node *node, List *outer_targets)
{
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	foreach(lc, outer_targets)
	{
		Expr	   *target = lfirst_node(TargetEntry, lc)->expr;

		if (is_same_column((Expr *) node, target))
			return (Node *) copyObject(target);
	}
	return expression_tree_mutator(node, over_outer_rows, outer_targets);
}

/* PlanCustomPath: the scan's rows are the outer plan's. */
static Plan *
plan_read_ahead(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
				List *tlist, List *clauses, List *custom_plans)
{
	ReadAheadPath *path = (ReadAheadPath *) best_path;
	CustomScan *scan = makeNode(CustomScan);
	Plan	   *outer = linitial(custom_plans);

	(void) root;
	(void) rel;
	(void) clauses;				/* the outer plan has checked them */
	scan->scan.plan.targetlist = tlist;
	scan->scan.scanrelid = 0;
	scan->flags = best_path->flags;
	scan->custom_plans = custom_plans;
	scan->custom_scan_tlist = copyObject(outer->targetlist);
	scan->custom_exprs = (List *) over_outer_rows((Node *) path->exprs, outer->targetlist);
	scan->custom_private = list_make2(path->key,
									  list_make2_oid(path->serverid, path->userid));
	scan->methods = &scan_methods;
	return &scan->scan.plan;
}

static Node *
create_read_ahead_state(CustomScan *scan)
{
	ReadAheadState *state = (ReadAheadState *) newNode(sizeof(ReadAheadState),
													   T_CustomScanState);

	(void) scan;
	state->css.methods = &exec_methods;
	return (Node *) state;
}

static void
begin_read_ahead(CustomScanState *node, EState *estate, int eflags)
{
	ReadAheadState *state = (ReadAheadState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	List	   *oids = list_nth(scan->custom_private, ReadAheadPrivateOids);

	node->custom_ps = list_make1(ExecInitNode(linitial(scan->custom_plans), estate, eflags));
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	state->key = list_nth(scan->custom_private, ReadAheadPrivateKey);
	state->key_exprs = ExecInitExprList(scan->custom_exprs, &node->ss.ps);
	state->key_context = AllocSetContextCreate(estate->es_query_cxt,
											   "imagebuilder_fdw read-ahead key",
											   ALLOCSET_SMALL_SIZES);
	state->window_context = AllocSetContextCreate(estate->es_query_cxt,
												  "imagebuilder_fdw read-ahead rows",
												  ALLOCSET_DEFAULT_SIZES);
	state->client = statement_client(estate, linitial_oid(oids),
									 OidIsValid(lsecond_oid(oids)) ? lsecond_oid(oids) : GetUserId(),
									 option_read_config);
	state->client->nscans++;
	state->size = state->client->config.max_concurrency;
	state->window = palloc0(state->size * sizeof(MinimalTuple));
}

/* Start the look-ups that an outer row will need. */
static void
look_up_for(ReadAheadState *state, TupleTableSlot *row)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;
	MemoryContext previous;
	List	   *arns;
	ListCell   *lc;

	ResetExprContext(econtext);
	/* The expressions were made for the scan's own slot, which is virtual. */
	slot_getallattrs(row);
	econtext->ecxt_scantuple = row;
	MemoryContextReset(state->key_context);
	previous = MemoryContextSwitchTo(state->key_context);
	arns = key_evaluate(state->key, state->key_exprs, econtext);
	foreach(lc, arns)
	{
		/* What is no ARN is an error when the row is reached. */
		if (lookup_is_arn(lfirst(lc)))
			statement_look_ahead(state->client, lfirst(lc));
		/* A row's own list is the inner scan's to keep up with. */
		if (foreach_current_index(lc) + 1 == state->size)
			break;
	}
	MemoryContextSwitchTo(previous);
}

/* Take outer rows until the window is full. */
static void
fill_window(ReadAheadState *state)
{
	PlanState  *outer = linitial(state->css.custom_ps);

	while (!state->outer_done && state->nrows < state->size)
	{
		TupleTableSlot *row = ExecProcNode(outer);
		MemoryContext previous;

		if (TupIsNull(row))
		{
			state->outer_done = true;
			break;
		}
		look_up_for(state, row);
		previous = MemoryContextSwitchTo(state->window_context);
		state->window[(state->first + state->nrows++) % state->size] =
			ExecCopySlotMinimalTuple(row);
		MemoryContextSwitchTo(previous);
	}
}

/* The next outer row in the scan's slot; empty after the last. */
static TupleTableSlot *
next_row(ReadAheadState *state)
{
	TupleTableSlot *slot = state->css.ss.ss_ScanTupleSlot;
	MinimalTuple row;

	/* A row checked again alone needs no look-ahead. */
	if (state->css.ss.ps.state->es_epq_active)
	{
		TupleTableSlot *outer = ExecProcNode(linitial(state->css.custom_ps));

		return TupIsNull(outer) ? ExecClearTuple(slot) : ExecCopySlot(slot, outer);
	}
	fill_window(state);
	if (state->nrows == 0)
		return ExecClearTuple(slot);
	row = state->window[state->first];
	state->first = (state->first + 1) % state->size;
	state->nrows--;
	ExecForceStoreMinimalTuple(row, slot, true);
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
	state->first = state->nrows = 0;
	state->outer_done = false;
	if (node->ss.ps.chgParam)
		UpdateChangedParamSet(outer, node->ss.ps.chgParam);
	if (outer->chgParam == NULL)
		ExecReScan(outer);
}

/* From _PG_init: the setting, the hook, and the node that plans may hold. */
void
readahead_init(void)
{
	DefineCustomBoolVariable("imagebuilder_fdw.enable_read_ahead",
							 "Lets joins by ARN look up ahead of the rows that they join.",
							 NULL, &enable_read_ahead, true, PGC_USERSET, 0,
							 NULL, NULL, NULL);
	MarkGUCPrefixReserved("imagebuilder_fdw");
	RegisterCustomScanMethods(&scan_methods);
	previous_hook = set_join_pathlist_hook;
	set_join_pathlist_hook = add_read_ahead_paths;
}
