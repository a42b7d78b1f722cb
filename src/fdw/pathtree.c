/*-------------------------------------------------------------------------
 *
 * pathtree.c
 *		What a path is made of.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/pathtree.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "fdw/pathtree.h"
#include "fdw/plan.h"
#include "nodes/extensible.h"

/*
 * A custom path over another one, with the rows, the cost and the order of its
 * input.  All that it has of its own must be in custom_private: PostgreSQL copies a
 * CustomPath by its size for partitions.
 */
CustomPath *
pathtree_wrap(Path *input, const struct CustomPathMethods *methods, List *custom_private)
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
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = list_make1(input);
	path->custom_private = custom_private;
	path->methods = methods;
	return path;
}

static List *
add_input(List *inputs, Path *path, Reach reach)
{
	PathInput  *input = palloc(sizeof(PathInput));

	input->path = path;
	input->reach = reach;
	return lappend(inputs, input);
}

/* A node that takes all of its input before it has a row takes all if it is run at all. */
static Reach
taken_whole(Reach reach)
{
	return reach == REACH_MAYBE ? REACH_MAYBE : REACH_ALL;
}

/* LIMIT takes a row if it is known to be for one at least. */
static Reach
reach_of_limit(const LimitPath *path, Reach reach)
{
	const Const *count = (const Const *) path->limitCount;

	return reach != REACH_MAYBE && count && IsA(count, Const) && !count->constisnull &&
		DatumGetInt64(count->constvalue) > 0 ? REACH_FIRST : REACH_MAYBE;
}

/*
 * Append takes its inputs one after another, and of partitions perhaps none, if
 * they are pruned at run time.
 */
static List *
inputs_of_append(const Path *append, List *subpaths, Reach reach)
{
	bool		pruned = append->parent->rtekind == RTE_RELATION;
	List	   *inputs = NIL;
	ListCell   *lc;

	foreach(lc, subpaths)
		inputs = add_input(inputs, lfirst(lc),
						   pruned || (reach == REACH_FIRST && foreach_current_index(lc) > 0) ?
						   REACH_MAYBE : reach);
	return inputs;
}

static List *
inputs_of_join(const JoinPath *join, Reach reach)
{
	bool		nested = IsA(join, NestPath);

	return add_input(add_input(NIL, join->outerjoinpath, nested ? reach : REACH_MAYBE),
					 join->innerjoinpath, REACH_MAYBE);
}

/*
 * The paths (PathInput) that a path takes its rows from, in its own query: not
 * those of a sub-query.  "reach" is how much of the path itself is run.
 */
List *
pathtree_inputs(Path *path, Reach reach)
{
	List	   *inputs = NIL;
	ListCell   *lc;

	switch (nodeTag(path))
	{
		case T_MaterialPath:
			return add_input(NIL, ((MaterialPath *) path)->subpath, reach);
		case T_MemoizePath:
			return add_input(NIL, ((MemoizePath *) path)->subpath, reach);
		case T_ProjectionPath:
			return add_input(NIL, ((ProjectionPath *) path)->subpath, reach);
		case T_ProjectSetPath:
			return add_input(NIL, ((ProjectSetPath *) path)->subpath, reach);
		case T_IncrementalSortPath:
			return add_input(NIL, ((SortPath *) path)->subpath, reach);
		case T_GroupPath:
			return add_input(NIL, ((GroupPath *) path)->subpath, reach);
		case T_WindowAggPath:
			return add_input(NIL, ((WindowAggPath *) path)->subpath, reach);
		case T_SortPath:
			return add_input(NIL, ((SortPath *) path)->subpath, taken_whole(reach));
		case T_AggPath:
			return add_input(NIL, ((AggPath *) path)->subpath,
							 ((AggPath *) path)->aggstrategy == AGG_SORTED ? reach :
							 taken_whole(reach));
		case T_GroupingSetsPath:
			return add_input(NIL, ((GroupingSetsPath *) path)->subpath, reach);
		case T_LimitPath:
			return add_input(NIL, ((LimitPath *) path)->subpath,
							 reach_of_limit((LimitPath *) path, reach));
		case T_AppendPath:
			return inputs_of_append(path, ((AppendPath *) path)->subpaths, reach);
		case T_MergeAppendPath:
			return inputs_of_append(path, ((MergeAppendPath *) path)->subpaths, reach);
		case T_NestPath:
		case T_MergePath:
		case T_HashPath:
			return inputs_of_join((JoinPath *) path, reach);
		case T_CustomPath:
			foreach(lc, ((CustomPath *) path)->custom_paths)
				inputs = add_input(inputs, lfirst(lc), reach);
			return inputs;
		default:
			foreach(lc, compat_unique_input(path))
				inputs = add_input(inputs, lfirst(lc), reach);
			return inputs;
	}
}

/* Whether a path scans a foreign table of this wrapper's. */
bool
pathtree_is_scan_of_ours(const Path *path)
{
	const RelOptInfo *rel = path->parent;

	return IsA(path, ForeignPath) && IS_SIMPLE_REL(rel) && rel->fdwroutine &&
		rel->fdwroutine->GetForeignPaths == imagebuilderGetForeignPaths;
}

/* Whether such a scan is anywhere below a path, sub-queries included. */
bool
pathtree_has_scan_of_ours(Path *path)
{
	ListCell   *lc;

	if (pathtree_is_scan_of_ours(path))
		return true;
	if (IsA(path, SubqueryScanPath))
		return pathtree_has_scan_of_ours(((SubqueryScanPath *) path)->subpath);
	foreach(lc, pathtree_inputs(path, REACH_MAYBE))
	{
		if (pathtree_has_scan_of_ours(((PathInput *) lfirst(lc))->path))
			return true;
	}
	return false;
}
