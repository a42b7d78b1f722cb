/*-------------------------------------------------------------------------
 *
 * readahead_plan.c
 *		Planning of joins that look up ahead of the rows that they join.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/readahead_plan.c
 *
 *-------------------------------------------------------------------------
 */
/*
 * A nested loop that looks images up by its outer side's columns would wait
 * for one after another.  The same nested loop is offered with its outer side
 * wrapped in a custom scan that looks up ahead; see readahead.c.  So are the
 * rows from which a query computes sub-selects of its select list.
 */
#include "postgres.h"

#include "compat.h"
#include "fdw/plan.h"
#include "fdw/readahead.h"
#include "fdw/readahead_key.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "utils/guc.h"

/* imagebuilder_fdw.enable_read_ahead */
static bool enable_read_ahead = true;

static set_join_pathlist_hook_type previous_join_hook = NULL;
static set_rel_pathlist_hook_type previous_rel_hook = NULL;

/* A path to look ahead of an outer path. */
typedef struct ReadAheadPath
{
	CustomPath	path;			/* must be first */
	List	   *keys;			/* of RowKey */
} ReadAheadPath;

static Plan *plan_read_ahead(PlannerInfo *root, RelOptInfo *rel,
							 CustomPath *best_path, List *tlist,
							 List *clauses, List *custom_plans);

static const CustomPathMethods path_methods = {
	.CustomName = READ_AHEAD_NAME,
	.PlanCustomPath = plan_read_ahead,
};

static bool
is_read_ahead(const Path *path)
{
	return IsA(path, CustomPath) && ((const CustomPath *) path)->methods == &path_methods;
}

static bool
is_same_key(PlannerInfo *root, const RowKey *a, const RowKey *b)
{
	if (a->serverid != b->serverid || a->userid != b->userid)
		return false;
	if (equal(a->key, b->key) && equal(a->exprs, b->exprs))
		return true;
	return list_length(a->exprs) == 1 && list_length(b->exprs) == 1 &&
		(equal(linitial(a->exprs), linitial(b->exprs)) ||
		 compat_exprs_known_equal(root, linitial(a->exprs), linitial(b->exprs)));
}

static bool
is_among(PlannerInfo *root, const RowKey *key, List *keys)
{
	ListCell   *lc;

	foreach(lc, keys)
	{
		if (is_same_key(root, key, lfirst(lc)))
			return true;
	}
	return false;
}

/* Whether the same is looked up ahead further down on the outer side. */
static bool
is_read_ahead_below(PlannerInfo *root, const RowKey *key, Path *outer)
{
	if (is_read_ahead(outer))
		return is_among(root, key, ((ReadAheadPath *) outer)->keys) ||
			is_read_ahead_below(root, key, linitial(((CustomPath *) outer)->custom_paths));
	return IsA(outer, NestPath) &&
		is_read_ahead_below(root, key, ((NestPath *) outer)->jpath.outerjoinpath);
}

/* ---- paths ------------------------------------------------------------------- */

/* Of the keys, those that can be looked up ahead of a path's rows, each once. */
static List *
keys_to_read_ahead(PlannerInfo *root, List *keys, Path *outer)
{
	List	   *wanted = NIL;
	ListCell   *lc;

	foreach(lc, keys)
	{
		RowKey	   *key = lfirst(lc);

		if (row_key_is_of(root, key, outer->parent) && !is_among(root, key, wanted) &&
			!is_read_ahead_below(root, key, outer))
			wanted = lappend(wanted, key);
	}
	return wanted;
}

/* A path that looks keys up ahead of the rows of "outer". */
static Path *
make_read_ahead_path(Path *outer, List *keys)
{
	ReadAheadPath *path = (ReadAheadPath *) newNode(sizeof(ReadAheadPath), T_CustomPath);

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
	path->keys = keys;
	return &path->path.path;
}

/* What is saved by a path's look-ups: so many are waited for together. */
static Cost
saved_by(const Path *ahead)
{
	return Max(ahead->rows, 1.0) * list_length(((const ReadAheadPath *) ahead)->keys) *
		PLAN_LOOKUP_COST * (1 - 1 / PLAN_LOOKUPS_AT_ONCE);
}

/* The nested loop with its outer side wrapped; NULL if that is of no use. */
static NestPath *
make_offer(PlannerInfo *root, const NestPath *loop)
{
	Path	   *outer = loop->jpath.outerjoinpath;
	Path	   *ahead;
	List	   *keys;
	NestPath   *offer;

	/* Not its own work again, seen from the join's other side. */
	if (is_read_ahead(outer))
		return NULL;
	keys = keys_to_read_ahead(root, row_keys_of_path(root, loop->jpath.innerjoinpath), outer);
	if (keys == NIL)
		return NULL;
	ahead = make_read_ahead_path(outer, keys);
	offer = makeNode(NestPath);
	*offer = *loop;
	offer->jpath.outerjoinpath = ahead;
	offer->jpath.path.total_cost = Max(loop->jpath.path.total_cost - saved_by(ahead),
									   offer->jpath.path.startup_cost +
									   loop->jpath.path.total_cost * 0.1);
	return offer;
}

/*
 * Whether the sub-selects of a query's select list are evaluated for each row
 * of a relation: it is all that the query reads, and nothing in between drops
 * rows or makes others of them.
 */
static bool
feeds_targets(PlannerInfo *root, const RelOptInfo *rel)
{
	const Query *query = root->parse;

	return (query->commandType == CMD_SELECT || query->commandType == CMD_INSERT) &&
		bms_is_subset(root->all_baserels, rel->relids) &&
		!query->hasAggs && !query->hasWindowFuncs && !query->hasTargetSRFs &&
		!query->groupClause && !query->groupingSets && !query->havingQual &&
		!query->distinctClause &&
		!(query->sortClause && (query->limitCount || query->limitOffset));
}

/* Wrap the paths of such a relation, as far as they are not yet. */
static void
read_ahead_for_targets(PlannerInfo *root, RelOptInfo *rel)
{
	List	   *found;
	ListCell   *lc;

	if (!feeds_targets(root, rel))
		return;
	found = row_keys_of_targets(root, root->processed_tlist);
	foreach(lc, rel->pathlist)
	{
		Path	   *path = lfirst(lc);
		List	   *keys = is_read_ahead(path) ? NIL : keys_to_read_ahead(root, found, path);

		if (keys)
		{
			Path	   *ahead = make_read_ahead_path(path, keys);

			/* Better than any path, a parallel one say, that is not wrapped. */
			ahead->total_cost = Max(ahead->total_cost - saved_by(ahead),
									ahead->startup_cost);
			lfirst(lc) = ahead;
		}
	}
}

/*
 * set_join_pathlist_hook: offer each nested loop of that kind anew, and read
 * ahead of what the query makes of the last join's rows.
 */
static void
add_read_ahead_paths(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outerrel,
					 RelOptInfo *innerrel, JoinType jointype,
					 JoinPathExtraData *extra)
{
	List	   *offers = NIL;
	ListCell   *lc;

	if (previous_join_hook)
		previous_join_hook(root, joinrel, outerrel, innerrel, jointype, extra);
	if (!enable_read_ahead)
		return;
	foreach(lc, joinrel->pathlist)
	{
		NestPath   *offer = IsA(lfirst(lc), NestPath) ? make_offer(root, lfirst(lc)) : NULL;

		if (offer)
			offers = lappend(offers, offer);
	}
	foreach(lc, offers)
		add_path(joinrel, lfirst(lc));
	read_ahead_for_targets(root, joinrel);
}

/* set_rel_pathlist_hook: the same for a query of one relation. */
static void
wrap_rel_paths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	if (previous_rel_hook)
		previous_rel_hook(root, rel, rti, rte);
	if (enable_read_ahead)
		read_ahead_for_targets(root, rel);
}

/* ---- the plan ---------------------------------------------------------------- */

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
over_outer_rows(Node *node, void *context)
{
	List	   *outer_targets = context;
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	foreach(lc, outer_targets)
	{
		Expr	   *target = lfirst_node(TargetEntry, lc)->expr;

		if (is_same_column((Expr *) node, target))
			return (Node *) copyObject(target);
	}
	return expression_tree_mutator(node, over_outer_rows, context);
}

/* PlanCustomPath: the scan's rows are the outer plan's. */
static Plan *
plan_read_ahead(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
				List *tlist, List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	Plan	   *outer = linitial(custom_plans);
	ListCell   *lc;

	(void) root;
	(void) rel;
	(void) clauses;				/* the outer plan has checked them */
	scan->scan.plan.targetlist = tlist;
	scan->scan.scanrelid = 0;
	scan->flags = best_path->flags;
	scan->custom_plans = custom_plans;
	scan->custom_scan_tlist = copyObject(outer->targetlist);
	foreach(lc, ((ReadAheadPath *) best_path)->keys)
	{
		RowKey	   *key = lfirst(lc);
		List	   *exprs = (List *) over_outer_rows((Node *) key->exprs, outer->targetlist);

		scan->custom_exprs = lappend(scan->custom_exprs, exprs);
		scan->custom_private = lappend(scan->custom_private,
									   list_make2(key->key,
												  list_make2_oid(key->serverid, key->userid)));
	}
	scan->methods = &readahead_scan_methods;
	return &scan->scan.plan;
}

/* From _PG_init: the setting and the hooks. */
void
readahead_plan_init(void)
{
	DefineCustomBoolVariable("imagebuilder_fdw.enable_read_ahead",
							 "Lets joins by ARN look up ahead of the rows that they join.",
							 NULL, &enable_read_ahead, true, PGC_USERSET, 0,
							 NULL, NULL, NULL);
	MarkGUCPrefixReserved("imagebuilder_fdw");
	previous_join_hook = set_join_pathlist_hook;
	set_join_pathlist_hook = add_read_ahead_paths;
	previous_rel_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = wrap_rel_paths;
}
