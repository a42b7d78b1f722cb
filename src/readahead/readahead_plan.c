/*
 * readahead_plan.c: planning of joins that look up ahead of the rows that they join.
 *
 * A nested loop that looks images up by its outer side's columns would wait for one
 * look-up after another.  So the outer side is wrapped in a custom scan that looks up
 * ahead; see readahead.c.  Rows from which a query computes the sub-selects of its
 * select list are wrapped, too.
 */
#include "postgres.h"

#include "optimizer/planmain.h"
#include "readahead/readahead.h"
#include "utils/guc.h"

/* Setting imagebuilder_fdw.enable_read_ahead. */
static bool enable_read_ahead = true;

static set_join_pathlist_hook_type previous_join_hook = NULL;
static set_rel_pathlist_hook_type previous_rel_hook = NULL;

/*
 * Return the plan of a read-ahead path, as PlanCustomPath; its rows are the outer
 * plan's.  For each key, custom_exprs has a list of the key's expressions and one of its
 * guards, and custom_private has what else plan_key_to_list() returns.
 */
static Plan *
plan_read_ahead(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
				List *tlist, List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	Plan	   *outer = linitial(custom_plans);
	ListCell   *lc;

	/* The outer plan has checked the clauses. */
	scan->scan.plan.targetlist = tlist;
	scan->flags = best_path->flags;
	scan->custom_plans = custom_plans;
	scan->custom_scan_tlist = copyObject(outer->targetlist);
	foreach(lc, best_path->custom_private)
	{
		const PlannedKey *key = lfirst(lc);

		scan->custom_exprs = lappend(scan->custom_exprs, list_make2(key->exprs, key->guards));
		scan->custom_private = lappend(scan->custom_private, plan_key_to_list(key));
	}
	scan->methods = &readahead_scan_methods;
	return &scan->scan.plan;
}

static const CustomPathMethods path_methods = {
	.CustomName = READ_AHEAD_NAME,
	.PlanCustomPath = plan_read_ahead,
	.ReparameterizeCustomPathByChild = plan_keys_to_child,
};

/*
 * Return a custom path over an input path, with the input's rows, cost and order;
 * "flags" are CustomPath.flags.  Whatever else the custom path has must be in
 * custom_private: PostgreSQL copies just sizeof(CustomPath) when it reparameterizes a
 * path for a partition.
 */
Path *
readahead_wrap(Path *input, const CustomPathMethods *methods, List *custom_private,
			  uint32 flags)
{
	CustomPath *path = makeNode(CustomPath);

	path->path.pathtype = T_CustomScan;
	path->path.parent = input->parent;
	path->path.pathtarget = input->pathtarget;
	path->path.param_info = input->param_info;
	path->path.rows = input->rows;
	path->path.startup_cost = input->startup_cost;
	path->path.total_cost = input->total_cost;
	compat_copy_disabled_nodes(&path->path, input);
	path->path.pathkeys = input->pathkeys;
	path->flags = flags;
	path->custom_paths = list_make1(input);
	path->custom_private = custom_private;
	path->methods = methods;
	return &path->path;
}

static bool
is_read_ahead(const Path *path)
{
	return IsA(path, CustomPath) && ((const CustomPath *) path)->methods == &path_methods;
}

/* True if looking "other" up ahead covers all that "key" asks for. */
static bool
is_same_key(PlannerInfo *root, const PlannedKey *key, const PlannedKey *other)
{
	if (key->operation != other->operation ||
		key->serverid != other->serverid || key->userid != other->userid ||
		(other->guards && !equal(key->guards, other->guards)) ||
		(other->asked && !equal(key->asked, other->asked)))
		return false;
	if (equal(key->keys, other->keys) && equal(key->exprs, other->exprs))
		return true;
	return list_length(key->exprs) == 1 && list_length(other->exprs) == 1 &&
		(equal(linitial(key->exprs), linitial(other->exprs)) ||
		 compat_exprs_known_equal(root, linitial(key->exprs), linitial(other->exprs)));
}

static bool
is_among(PlannerInfo *root, const PlannedKey *key, List *keys)
{
	ListCell   *lc;

	foreach(lc, keys)
	{
		if (is_same_key(root, key, lfirst(lc)))
			return true;
	}
	return false;
}

/* True if a read-ahead lower in the outer side already covers this key. */
static bool
is_read_ahead_below(PlannerInfo *root, const PlannedKey *key, Path *outer)
{
	if (is_read_ahead(outer))
		return is_among(root, key, ((CustomPath *) outer)->custom_private) ||
			is_read_ahead_below(root, key, linitial(((CustomPath *) outer)->custom_paths));
	return IsA(outer, NestPath) &&
		is_read_ahead_below(root, key, ((NestPath *) outer)->jpath.outerjoinpath);
}

/* ---- paths ------------------------------------------------------------------- */

/*
 * Return those keys that can be looked up ahead of a path's rows, each once.  In UPDATE,
 * DELETE or MERGE of a partitioned or inherited table none can: paths may emit row
 * identity columns, which are of no relation that a custom scan could name.
 */
static List *
keys_to_read_ahead(PlannerInfo *root, List *keys, Path *outer)
{
	List	   *wanted = NIL;
	ListCell   *lc;

	foreach(lc, root->row_identity_vars ? NIL : keys)
	{
		PlannedKey *key = lfirst(lc);

		if (row_key_fits(root, key, outer) && !is_among(root, key, wanted) &&
			!is_read_ahead_below(root, key, outer))
			wanted = lappend(wanted, key);
	}
	return wanted;
}

/*
 * Wrap a nested loop's outer side in a read-ahead, if any key can be looked up ahead.
 * The cost stays that of the loop: with the time saved taken off, a join order that
 * makes more requests could look cheaper than one that makes fewer.
 */
static void
read_ahead_for_join(PlannerInfo *root, NestPath *loop)
{
	Path	   *outer = loop->jpath.outerjoinpath;
	List	   *keys;

	/*
	 * PostgreSQL calls change_join_paths() for either order of a join, so a loop may
	 * have been wrapped already.
	 */
	if (is_read_ahead(outer))
		return;
	keys = keys_to_read_ahead(root, row_key_list_of_path(loop->jpath.innerjoinpath), outer);
	if (keys)
		loop->jpath.outerjoinpath = readahead_wrap(outer, &path_methods, keys,
												  CUSTOMPATH_SUPPORT_PROJECTION);
}

/*
 * True if the sub-selects of a query's select list are evaluated for each row of a
 * relation: the relation is all that the query reads, and no node in between drops rows
 * or makes others of them.  Where only some rows are wanted, by LIMIT, by a LIMIT of
 * the outer query, or by a cursor, PostgreSQL evaluates sub-selects above a sort, which
 * takes all rows (make_sort_input_target() in planner.c).
 */
static bool
feeds_targets(PlannerInfo *root, const RelOptInfo *rel)
{
	const Query *query = root->parse;
	/*
	 * A join of partitions counts as the whole partitionwise join, for PostgreSQL
	 * appends it later.
	 */
	Relids		relids = IS_JOIN_REL(rel) && IS_OTHER_REL(rel) ?
		rel->top_parent_relids : rel->relids;

	return (query->commandType == CMD_SELECT || query->commandType == CMD_INSERT) &&
		bms_is_subset(root->all_baserels, relids) &&
		!query->hasAggs && !query->hasWindowFuncs && !query->hasTargetSRFs &&
		!query->groupClause && !query->groupingSets && !query->havingQual &&
		!query->distinctClause &&
		!(query->sortClause &&
		  (query->limitCount || query->limitOffset || root->tuple_fraction > 0));
}

/*
 * True if a plan must stay a scan that can run backward and in which WHERE CURRENT OF
 * finds the row.  A cursor over one relation needs that, unless it locks its rows, for
 * then WHERE CURRENT OF looks at the locks.  PostgreSQL plans cursors for a fast start,
 * of a fraction of the rows, unless cursor_tuple_fraction is 1: then nothing tells
 * cursors from other statements, and every plan of one relation must stay.
 */
static bool
must_stay_simple(PlannerInfo *root, const RelOptInfo *rel)
{
	if (!IS_SIMPLE_REL(rel) || root->parse->rowMarks)
		return false;
	while (root->parent_root)
		root = root->parent_root;
	return (root->tuple_fraction > 0 && root->tuple_fraction < 1) || cursor_tuple_fraction >= 1;
}

/*
 * Wrap a relation's paths in read-aheads for the sub-selects of the query's select
 * list, except paths that are read-aheads already.
 */
static void
read_ahead_for_targets(PlannerInfo *root, RelOptInfo *rel)
{
	List	   *found = NIL;
	bool		wrapped = false;
	ListCell   *lc;

	if (feeds_targets(root, rel) && !must_stay_simple(root, rel))
		found = row_key_list_of_targets(root);
	if (found == NIL)
		return;
	/*
	 * Make Gather paths now, so that they are wrapped with the others: PostgreSQL must
	 * not add them later.
	 */
	if (rel->partial_pathlist)
		generate_useful_gather_paths(root, rel, false);
	foreach(lc, rel->pathlist)
	{
		Path	   *path = lfirst(lc);
		List	   *keys = is_read_ahead(path) ? NIL : keys_to_read_ahead(root, found, path);

		if (keys)
			lfirst(lc) = readahead_wrap(path, &path_methods, keys,
									   CUSTOMPATH_SUPPORT_PROJECTION);
		wrapped |= keys != NIL;
	}
	if (wrapped)
		rel->partial_pathlist = NIL;
}

/*
 * Change a join's paths, as set_join_pathlist_hook: each nested loop checks its guards
 * before its inner side, and reads ahead; the paths of the query's last join also read
 * ahead for the select list.
 */
static void
change_join_paths(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outerrel,
				  RelOptInfo *innerrel, JoinType jointype, JoinPathExtraData *extra)
{
	ListCell   *lc;

	if (previous_join_hook)
		previous_join_hook(root, joinrel, outerrel, innerrel, jointype, extra);
	foreach(lc, joinrel->pathlist)
	{
		if (!IsA(lfirst(lc), NestPath))
			continue;
		guard_nested_loop(lfirst(lc));
		if (enable_read_ahead)
			read_ahead_for_join(root, lfirst(lc));
	}
	if (enable_read_ahead)
		read_ahead_for_targets(root, joinrel);
}

/*
 * Read ahead, as set_rel_pathlist_hook, for the select list of a query of one relation.
 */
static void
wrap_rel_paths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	if (previous_rel_hook)
		previous_rel_hook(root, rel, rti, rte);
	if (enable_read_ahead)
		read_ahead_for_targets(root, rel);
}

/*
 * Define the setting, install the hooks and register the custom scans that plans may
 * hold; called by _PG_init().
 */
void
readahead_plan_init(void)
{
	DefineCustomBoolVariable("imagebuilder_fdw.enable_read_ahead",
							 "Lets joins by ARN look up ahead of the rows that they join.",
							 NULL, &enable_read_ahead, true, PGC_USERSET, 0,
							 NULL, NULL, NULL);
	RegisterCustomScanMethods(&readahead_scan_methods);
	RegisterCustomScanMethods(&guard_scan_methods);
	previous_join_hook = set_join_pathlist_hook;
	set_join_pathlist_hook = change_join_paths;
	previous_rel_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = wrap_rel_paths;
}
