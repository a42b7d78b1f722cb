/* row_key.c: the keys that will be looked up for each outer row, at planning time. */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "optimizer/restrictinfo.h"
#include "readahead/readahead.h"

/* ---- the scans below a path ------------------------------------------------------ */

static bool
takes_none(const LimitPath *path)
{
	const Const *count = (const Const *) path->limitCount;

	return count && IsA(count, Const) && !count->constisnull &&
		DatumGetInt64(count->constvalue) == 0;
}

/*
 * Return the paths from which a path takes its rows, in its own query: not those of a
 * sub-query.  LIMIT 0 takes no rows.
 */
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
		case T_WindowAggPath:
			return list_make1(((WindowAggPath *) path)->subpath);
		case T_AggPath:
			return list_make1(((AggPath *) path)->subpath);
		case T_GroupingSetsPath:
			return list_make1(((GroupingSetsPath *) path)->subpath);
		case T_LimitPath:
			return takes_none((LimitPath *) path) ? NIL :
				list_make1(((LimitPath *) path)->subpath);
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

/* True if a path scans a foreign table of this wrapper. */
static bool
is_scan_of_ours(const Path *path)
{
	const RelOptInfo *rel = path->parent;

	return IsA(path, ForeignPath) && IS_SIMPLE_REL(rel) && rel->fdwroutine &&
		rel->fdwroutine->GetForeignPaths == imagebuilderGetForeignPaths;
}

/*
 * True if a path, or any path below it, scans a foreign table of this wrapper; looks
 * into sub-queries, too.
 */
bool
row_key_has_scan(Path *path)
{
	ListCell   *lc;

	if (is_scan_of_ours(path))
		return true;
	if (IsA(path, SubqueryScanPath))
		return row_key_has_scan(((SubqueryScanPath *) path)->subpath);
	foreach(lc, inputs_of(path))
	{
		if (row_key_has_scan(lfirst(lc)))
			return true;
	}
	return false;
}

/* ---- their keys ----------------------------------------------------------------- */

/* Translation of a sub-select's expressions to its outer query. */
typedef struct OuterQueryContext
{
	List	   *params;			/* the sub-select's parameters, PlannerParamItem */
	const Bitmapset *outer_params;	/* parameters that the outer query knows, too */
	bool		fails;			/* an expression needs the sub-select's own rows */
} OuterQueryContext;

/*
 * Return an expression of a sub-select with parameters replaced by the outer query's
 * columns that they stand for.
 */
static Node *
to_outer_query(Node *node, void *context)
{
	OuterQueryContext *outer = context;
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var) || IsA(node, PlaceHolderVar))
		outer->fails = true;
	if (!IsA(node, Param) || ((Param *) node)->paramkind != PARAM_EXEC)
		return expression_tree_mutator(node, to_outer_query, context);
	foreach(lc, outer->params)
	{
		const PlannerParamItem *item = lfirst(lc);

		if (item->paramId == ((Param *) node)->paramid)
			return copyObject(item->item);
	}
	outer->fails |= !bms_is_member(((Param *) node)->paramid, outer->outer_params);
	return node;
}

/*
 * Return the keys of a sub-select that need none of its own rows, in the outer query's
 * terms.  "params" are the sub-select's parameters, PlannerParamItem.
 */
static List *
keys_in_outer_query(PlannerInfo *subroot, List *keys, List *params)
{
	List	   *found = NIL;
	ListCell   *lc;

	foreach(lc, keys)
	{
		PlannedKey *key = lfirst(lc);
		OuterQueryContext outer = {params, subroot->outer_params, false};

		key->exprs = (List *) to_outer_query((Node *) key->exprs, &outer);
		key->guards = (List *) to_outer_query((Node *) key->guards, &outer);
		if (!outer.fails)
			found = lappend(found, key);
	}
	return found;
}

/*
 * Return the conditions that a path checks before it runs any of its inputs: guards, and
 * PostgreSQL's gating conditions (pseudoconstants).
 */
static List *
conditions_before(Path *path)
{
	if (IsA(path, NestPath) || IsA(path, MergePath) || IsA(path, HashPath))
		return extract_actual_clauses(((JoinPath *) path)->joinrestrictinfo, true);
	if (IsA(path, SubqueryScanPath))
		return list_concat(extract_actual_clauses(path->parent->baserestrictinfo, true),
						   extract_actual_clauses(path->param_info ?
												  path->param_info->ppi_clauses : NIL, true));
	return guard_clauses_of_path(path);
}

/*
 * Return the keys (PlannedKey) of all scans of this wrapper below a path, in terms of
 * the path's own query.
 */
List *
row_key_list_of_path(Path *path)
{
	List	   *keys = NIL;
	List	   *conditions = conditions_before(path);
	ListCell   *lc;

	if (is_scan_of_ours(path))
	{
		PlannedKey *key = plan_key_of_path((ForeignPath *) path);

		return key ? list_make1(key) : NIL;
	}
	if (IsA(path, SubqueryScanPath))
	{
		RelOptInfo *rel = path->parent;

		keys = keys_in_outer_query(rel->subroot,
								   row_key_list_of_path(((SubqueryScanPath *) path)->subpath),
								   rel->subplan_params);
	}
	foreach(lc, inputs_of(path))
		keys = list_concat(keys, row_key_list_of_path(lfirst(lc)));
	foreach(lc, keys)
	{
		PlannedKey *key = lfirst(lc);

		key->guards = list_concat_copy(conditions, key->guards);
	}
	return keys;
}

static List *
keys_of_subplan(PlannerInfo *root, const SubPlan *subplan)
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
	return keys_in_outer_query(subroot, row_key_list_of_path(path), params);
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
								 keys_of_subplan(walk->root, (SubPlan *) node));
	/* Skip expressions of which PostgreSQL may not evaluate all arms. */
	else if (!IsA(node, CaseExpr) && !IsA(node, CoalesceExpr) && !IsA(node, BoolExpr))
		return expression_tree_walker(node, target_walker, walk);
	return false;
}

/*
 * Return the keys (PlannedKey) of this wrapper's scans in sub-selects that the query's
 * select list evaluates for each row.
 */
List *
row_key_list_of_targets(PlannerInfo *root)
{
	TargetWalk	walk = {root, NIL};

	target_walker((Node *) root->processed_tlist, &walk);
	return walk.keys;
}

/* ---- a key and the rows that it is for ------------------------------------------ */

/*
 * True if two expressions are one column or one place-holder, whatever outer joins may
 * have nulled it: PostgreSQL 16 and later name these joins in varnullingrels, which
 * equal() compares and which a join clause may lack.
 */
static bool
is_same_value(Node *a, Node *b)
{
	if (IsA(a, Var) && IsA(b, Var))
		return ((Var *) a)->varno == ((Var *) b)->varno &&
			((Var *) a)->varattno == ((Var *) b)->varattno;
	return IsA(a, PlaceHolderVar) && IsA(b, PlaceHolderVar) &&
		((PlaceHolderVar *) a)->phid == ((PlaceHolderVar *) b)->phid;
}

/* Translation of expressions to what a path emits. */
typedef struct PathOutput
{
	List	   *targets;		/* the expressions that the path emits */
	bool		fails;			/* something is needed that the path does not emit */
} PathOutput;

/* Return an expression with its columns as a path emits them. */
static Node *
to_path_output(Node *node, void *context)
{
	PathOutput *rows = context;
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Var) && !IsA(node, PlaceHolderVar))
		return expression_tree_mutator(node, to_path_output, context);
	foreach(lc, rows->targets)
	{
		if (is_same_value(node, lfirst(lc)))
			return copyObject(lfirst(lc));
	}
	rows->fails = true;
	return node;
}

/*
 * True if a key can be looked up ahead of an outer path's rows: it comes from these
 * rows alone, and evaluating it twice does no harm.  Translates the key to the rows.
 */
bool
row_key_fits(PlannerInfo *root, PlannedKey *key, const Path *outer)
{
	PathOutput	rows = {outer->pathtarget->exprs, false};
	List	   *exprs;

	if (IS_OTHER_REL(outer->parent) && outer->parent->top_parent_relids)
		*key = *(PlannedKey *) linitial(plan_keys_to_child(root, list_make1(key), outer->parent));
	key->exprs = (List *) to_path_output((Node *) key->exprs, &rows);
	key->guards = (List *) to_path_output((Node *) key->guards, &rows);
	exprs = list_concat_copy(key->exprs, key->guards);
	return !rows.fails && !bms_is_empty(pull_varnos(root, (Node *) key->exprs)) &&
		!contain_subplans((Node *) exprs) && !contain_volatile_functions((Node *) exprs);
}
