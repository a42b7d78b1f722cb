/*
 * readahead_key.c: the keys that will be looked up for each outer row, at planning
 * time.
 */
#include "postgres.h"

#include "compat.h"
#include "fdw/guard.h"
#include "fdw/pathtree.h"
#include "fdw/plan.h"
#include "fdw/readahead_key.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/planner.h"

/*
 * Return an expression of a sub-select with parameters replaced by the outer query's
 * columns that they stand for.
 */
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

/* True if an expression has a parameter that only the inside of a sub-select knows. */
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
 * Return the keys within a sub-select that depend on nothing else in it, in terms of
 * the outer query.  "params" are the sub-select's parameters, PlannerParamItem.
 */
static List *
keys_from_outside(PlannerInfo *subroot, List *keys, List *params)
{
	List	   *outside = NIL;
	ListCell   *lc;

	foreach(lc, keys)
	{
		PlannedKey *key = lfirst(lc);

		if (!bms_is_empty(pull_varnos(subroot, (Node *) key->exprs)) ||
			!bms_is_empty(pull_varnos(subroot, (Node *) key->guards)))
			continue;
		key->exprs = (List *) parameters_to_columns((Node *) key->exprs, params);
		key->guards = (List *) parameters_to_columns((Node *) key->guards, params);
		if (!contains_inner_param((Node *) key->exprs, subroot->outer_params) &&
			!contains_inner_param((Node *) key->guards, subroot->outer_params))
			outside = lappend(outside, key);
	}
	return outside;
}

/*
 * Return the pseudoconstant conditions: PostgreSQL checks them once, before it runs the
 * plan that they gate.
 */
static List *
gating_conditions(List *rinfos)
{
	List	   *conditions = NIL;
	ListCell   *lc;

	foreach(lc, rinfos)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (rinfo->pseudoconstant)
			conditions = lappend(conditions, rinfo->clause);
	}
	return conditions;
}

/* Return the conditions that a path checks before it runs any of its inputs. */
static List *
conditions_before(Path *path)
{
	if (IsA(path, NestPath) || IsA(path, MergePath) || IsA(path, HashPath))
		return gating_conditions(((JoinPath *) path)->joinrestrictinfo);
	if (IsA(path, SubqueryScanPath))
		return list_concat(gating_conditions(path->parent->baserestrictinfo),
						   gating_conditions(path->param_info ? path->param_info->ppi_clauses :
											 NIL));
	return guards_of_path(path);
}

/*
 * Return the keys (PlannedKey) of all scans of this wrapper below a path, in terms of
 * the path's own query.
 */
List *
row_keys_of_path(PlannerInfo *root, Path *path)
{
	List	   *keys = NIL;
	List	   *conditions = conditions_before(path);
	ListCell   *lc;

	if (pathtree_is_scan_of_ours(path))
	{
		PlannedKey *key = plan_key_of_path(root, (ForeignPath *) path);

		return key ? list_make1(key) : NIL;
	}
	if (IsA(path, SubqueryScanPath))
	{
		RelOptInfo *rel = path->parent;

		keys = keys_from_outside(rel->subroot,
								 row_keys_of_path(rel->subroot,
												  ((SubqueryScanPath *) path)->subpath),
								 rel->subplan_params);
	}
	foreach(lc, pathtree_inputs(path))
		keys = list_concat(keys, row_keys_of_path(root, lfirst(lc)));
	foreach(lc, keys)
	{
		PlannedKey *key = lfirst(lc);

		key->guards = list_concat_copy(conditions, key->guards);
	}
	return keys;
}

static List *
row_keys_of_subplan(PlannerInfo *root, const SubPlan *subplan)
{
	PlannerInfo *subroot = list_nth(root->glob->subroots, subplan->plan_id - 1);
	RelOptInfo *rel = fetch_upper_rel(subroot, UPPERREL_FINAL, NULL);
	List	   *params = NIL;
	Path	   *path;
	ListCell   *id;
	ListCell   *arg;

	/*
	 * Pick the path from which make_subplan() in PostgreSQL's subselect.c has made the
	 * plan.
	 */
	path = get_cheapest_fractional_path(rel, subplan->subLinkType == EXISTS_SUBLINK ? 1.0 :
										subplan->subLinkType == ALL_SUBLINK ||
										subplan->subLinkType == ANY_SUBLINK ? 0.5 : 0.0);
	forboth(id, subplan->parParam, arg, subplan->args)
	{
		PlannerParamItem *item = makeNode(PlannerParamItem);

		item->paramId = lfirst_int(id);
		item->item = lfirst(arg);
		params = lappend(params, item);
	}
	return keys_from_outside(subroot, row_keys_of_path(subroot, path), params);
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
	/* Skip expressions of which PostgreSQL may not evaluate all arms. */
	else if (!IsA(node, CaseExpr) && !IsA(node, CoalesceExpr) && !IsA(node, BoolExpr))
		return expression_tree_walker(node, target_walker, walk);
	return false;
}

/*
 * Return the keys (PlannedKey) of this wrapper's scans in sub-selects that "targets"
 * evaluate for each row.
 */
List *
row_keys_of_targets(PlannerInfo *root, List *targets)
{
	TargetWalk	walk = {root, NIL};

	target_walker((Node *) targets, &walk);
	return walk.keys;
}

/* ---- a key and the rows that it is for ------------------------------------------ */

/*
 * True if two expressions are one column or one place-holder, or equal but no constant
 * or parameter.
 */
static bool
is_same_expr(Node *a, Node *b)
{
	if (IsA(a, Var) && IsA(b, Var))
		return ((Var *) a)->varno == ((Var *) b)->varno &&
			((Var *) a)->varattno == ((Var *) b)->varattno;
	if (IsA(a, PlaceHolderVar) && IsA(b, PlaceHolderVar))
		return ((PlaceHolderVar *) a)->phid == ((PlaceHolderVar *) b)->phid;
	return !IsA(a, Const) && !IsA(a, Param) && equal(a, b);
}

/*
 * Return an expression over the outer rows as the outer plan emits them; "context" is
 * the plan's target list.  A join clause may know nothing of the outer joins by which
 * its columns have become null in the outer plan: PostgreSQL 16 and later mark such
 * columns, and equal() compares the marks, but is_same_expr() does not.
 */
Node *
row_key_over_rows(Node *node, void *context)
{
	List	   *targets = context;
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	foreach(lc, IsA(node, List) ? NIL : targets)
	{
		Node	   *target = (Node *) lfirst_node(TargetEntry, lc)->expr;

		if (is_same_expr(node, target))
			return (Node *) copyObject(target);
	}
	return expression_tree_mutator(node, row_key_over_rows, context);
}

/* True if an expression needs more than what a path emits. */
static bool
needs_more(Node *node, void *context)
{
	const Path *path = context;
	ListCell   *lc;

	if (node == NULL)
		return false;
	foreach(lc, IsA(node, List) ? NIL : path->pathtarget->exprs)
	{
		if (is_same_expr(node, lfirst(lc)))
			return false;
	}
	if (IsA(node, Var) || IsA(node, PlaceHolderVar))
		return true;
	return expression_tree_walker(node, needs_more, context);
}

/* Translate a key's expressions and guards from the outer side to a partition of it. */
void
row_key_to_child(PlannerInfo *root, PlannedKey *key, RelOptInfo *child_rel)
{
	key->exprs = (List *) compat_adjust_to_child(root, (Node *) key->exprs, child_rel);
	key->guards = (List *) compat_adjust_to_child(root, (Node *) key->guards, child_rel);
}

/*
 * True if a key can be looked up ahead of an outer path's rows: it comes from these
 * rows alone, and evaluating it twice does no harm.  Translates the key if the path is
 * of a partition.
 */
bool
row_key_fits(PlannerInfo *root, PlannedKey *key, const Path *outer)
{
	List	   *exprs;

	if (IS_OTHER_REL(outer->parent) && outer->parent->top_parent_relids)
		row_key_to_child(root, key, outer->parent);
	exprs = list_concat_copy(key->exprs, key->guards);
	return !bms_is_empty(pull_varnos(root, (Node *) key->exprs)) &&
		!needs_more((Node *) exprs, unconstify(Path *, outer)) &&
		!contain_subplans((Node *) exprs) && !contain_volatile_functions((Node *) exprs);
}
