/*-------------------------------------------------------------------------
 *
 * readahead_key.c
 *		What will be looked up for each row, before the rows are there.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/readahead_key.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "fdw/plan.h"
#include "fdw/readahead_key.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "parser/parsetree.h"

/* The paths that a path takes its rows from, in its own query. */
static List *
inputs_of(Path *path)
{
	switch (nodeTag(path))
	{
		case T_MaterialPath:
			return list_make1(((MaterialPath *) path)->subpath);
		case T_MemoizePath:
			return list_make1(((MemoizePath *) path)->subpath);
		case T_ProjectionPath:
			return list_make1(((ProjectionPath *) path)->subpath);
		case T_ProjectSetPath:
			return list_make1(((ProjectSetPath *) path)->subpath);
		case T_SortPath:
		case T_IncrementalSortPath:
			return list_make1(((SortPath *) path)->subpath);
		case T_GroupPath:
			return list_make1(((GroupPath *) path)->subpath);
		case T_AggPath:
			return list_make1(((AggPath *) path)->subpath);
		case T_GroupingSetsPath:
			return list_make1(((GroupingSetsPath *) path)->subpath);
		case T_WindowAggPath:
			return list_make1(((WindowAggPath *) path)->subpath);
		case T_LimitPath:
			return list_make1(((LimitPath *) path)->subpath);
		case T_AppendPath:
			return ((AppendPath *) path)->subpaths;
		case T_MergeAppendPath:
			return ((MergeAppendPath *) path)->subpaths;
		case T_NestPath:
		case T_MergePath:
		case T_HashPath:
			return list_make2(((JoinPath *) path)->outerjoinpath,
							  ((JoinPath *) path)->innerjoinpath);
		case T_CustomPath:
			return ((CustomPath *) path)->custom_paths;
		default:
			return compat_unique_input(path);
	}
}

static bool
is_ours(const RelOptInfo *rel)
{
	return IS_SIMPLE_REL(rel) && rel->fdwroutine &&
		rel->fdwroutine->GetForeignPaths == imagebuilderGetForeignPaths;
}

static RowKey *
key_of_path(PlannerInfo *root, ForeignPath *scan)
{
	RelOptInfo *rel = scan->path.parent;
	ParamPathInfo *param = scan->path.param_info;
	RowKey	   *key;

	if (!is_ours(rel))
		return NULL;
	key = palloc(sizeof(RowKey));
	key->key = plan_extract_key(root, rel,
								list_concat_copy(rel->baserestrictinfo,
												 param ? param->ppi_clauses : NIL),
								&key->exprs);
	key->serverid = rel->serverid;
	key->userid = rel->userid;
	return key->key ? key : NULL;
}

/* A sub-select knows columns of the query around it as parameters. */
static Node *
parameters_to_columns(Node *node, void *context)
{
	List	   *subplan_params = context;
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
	{
		foreach(lc, subplan_params)
		{
			PlannerParamItem *item = lfirst(lc);

			if (item->paramId == ((Param *) node)->paramid)
				return (Node *) copyObject(item->item);
		}
	}
	return expression_tree_mutator(node, parameters_to_columns, context);
}

/* Whether an expression has a parameter that only a sub-select's inside knows. */
static bool
contains_inner_param(Node *node, void *context)
{
	const Bitmapset *outer_params = context;

	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
		return !bms_is_member(((Param *) node)->paramid, outer_params);
	return expression_tree_walker(node, contains_inner_param, context);
}

/*
 * Keys within a sub-select, in the terms of the query around it: those that
 * depend on nothing else.  "params" are its parameters, PlannerParamItem.
 */
static List *
keys_from_outside(PlannerInfo *subroot, List *keys, List *params)
{
	List	   *outside = NIL;
	ListCell   *lc;

	foreach(lc, keys)
	{
		RowKey	   *key = lfirst(lc);

		if (!bms_is_empty(pull_varnos(subroot, (Node *) key->exprs)))
			continue;
		key->exprs = (List *) parameters_to_columns((Node *) key->exprs, params);
		if (!contains_inner_param((Node *) key->exprs, subroot->outer_params))
			outside = lappend(outside, key);
	}
	return outside;
}

/* The keys (RowKey) of all our scans below a path, in the terms of its own query. */
List *
row_keys_of_path(PlannerInfo *root, Path *path)
{
	List	   *keys = NIL;
	ListCell   *lc;

	if (IsA(path, ForeignPath))
	{
		RowKey	   *key = key_of_path(root, (ForeignPath *) path);

		return key ? list_make1(key) : NIL;
	}
	if (IsA(path, SubqueryScanPath))
	{
		RelOptInfo *rel = path->parent;

		return keys_from_outside(rel->subroot,
								 row_keys_of_path(rel->subroot,
												  ((SubqueryScanPath *) path)->subpath),
								 rel->subplan_params);
	}
	foreach(lc, inputs_of(path))
		keys = list_concat(keys, row_keys_of_path(root, lfirst(lc)));
	return keys;
}

static RowKey *
key_of_plan(PlannerInfo *root, ForeignScan *scan)
{
	RelOptInfo *rel;
	RowKey	   *key;

	if (scan->scan.scanrelid == 0)
		return NULL;
	rel = find_base_rel(root, scan->scan.scanrelid);
	if (!is_ours(rel))
		return NULL;
	key = palloc(sizeof(RowKey));
	key->key = list_nth(scan->fdw_private, FdwScanPrivateKey);
	key->exprs = scan->fdw_exprs;
	key->serverid = rel->serverid;
	key->userid = rel->userid;
	return key->key ? key : NULL;
}

/* The plans that a plan takes its rows from, in its own query. */
static List *
inputs_of_plan(Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Append:
			return ((Append *) plan)->appendplans;
		case T_MergeAppend:
			return ((MergeAppend *) plan)->mergeplans;
		case T_CustomScan:
			return ((CustomScan *) plan)->custom_plans;
		default:
			return list_make2(outerPlan(plan), innerPlan(plan));
	}
}

/* The same for a plan not yet finished, as a sub-select in an expression has. */
static List *
row_keys_of_plan(PlannerInfo *root, Plan *plan)
{
	List	   *keys = NIL;
	ListCell   *lc;

	if (plan == NULL)
		return NIL;
	if (IsA(plan, ForeignScan))
	{
		RowKey	   *key = key_of_plan(root, (ForeignScan *) plan);

		return key ? list_make1(key) : NIL;
	}
	if (IsA(plan, SubqueryScan))
	{
		RelOptInfo *rel = find_base_rel(root, ((SubqueryScan *) plan)->scan.scanrelid);

		return keys_from_outside(rel->subroot,
								 row_keys_of_plan(rel->subroot, ((SubqueryScan *) plan)->subplan),
								 rel->subplan_params);
	}
	foreach(lc, inputs_of_plan(plan))
		keys = list_concat(keys, row_keys_of_plan(root, lfirst(lc)));
	return keys;
}

static List *
row_keys_of_subplan(PlannerInfo *root, const SubPlan *subplan)
{
	PlannerInfo *subroot = list_nth(root->glob->subroots, subplan->plan_id - 1);
	List	   *params = NIL;
	ListCell   *id;
	ListCell   *arg;

	forboth(id, subplan->parParam, arg, subplan->args)
	{
		PlannerParamItem *item = makeNode(PlannerParamItem);

		item->paramId = lfirst_int(id);
		item->item = lfirst(arg);
		params = lappend(params, item);
	}
	return keys_from_outside(subroot,
							 row_keys_of_plan(subroot,
											  list_nth(root->glob->subplans,
													   subplan->plan_id - 1)),
							 params);
}

typedef struct TargetWalk
{
	PlannerInfo *root;
	List	   *keys;
} TargetWalk;

static bool
target_walker(Node *node, void *context)
{
	TargetWalk *walk = context;

	if (node == NULL)
		return false;
	if (IsA(node, SubPlan))
		walk->keys = list_concat(walk->keys,
								 row_keys_of_subplan(walk->root, (SubPlan *) node));
	/* What may not be evaluated is not looked up. */
	else if (!IsA(node, CaseExpr) && !IsA(node, CoalesceExpr) && !IsA(node, BoolExpr))
		return expression_tree_walker(node, target_walker, walk);
	return false;
}

/* The keys (RowKey) of our scans in sub-selects that each row needs. */
List *
row_keys_of_targets(PlannerInfo *root, List *targets)
{
	TargetWalk	walk = {root, NIL};

	target_walker((Node *) targets, &walk);
	return walk.keys;
}

/*
 * Whether a key can be looked up ahead of the outer rows: it must come from
 * them alone, and to compute it for rows that are never reached must not raise
 * anything, nor do anything twice.
 */
bool
row_key_is_of(PlannerInfo *root, const RowKey *key, const RelOptInfo *outer)
{
	Node	   *exprs = (Node *) key->exprs;
	Relids		relids = pull_varnos(root, exprs);

	return !bms_is_empty(relids) && bms_is_subset(relids, outer->relids) &&
		!contain_subplans(exprs) && !contain_volatile_functions(exprs) &&
		!contain_leaked_vars(exprs);
}
