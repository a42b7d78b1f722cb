/* pathtree.c: the tree of paths that a path of the planner consists of. */
#include "postgres.h"

#include "readahead/readahead.h"

/*
 * Return a custom path over an input path, with the input's rows, cost and order;
 * "flags" are CustomPath.flags.  Whatever else the custom path has must be in
 * custom_private: PostgreSQL copies just sizeof(CustomPath) when it reparameterizes a
 * path for a partition.
 */
Path *
pathtree_wrap(Path *input, const CustomPathMethods *methods, List *custom_private,
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
List *
pathtree_inputs(Path *path)
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
bool
pathtree_is_scan_of_ours(const Path *path)
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
pathtree_has_scan_of_ours(Path *path)
{
	ListCell   *lc;

	if (pathtree_is_scan_of_ours(path))
		return true;
	if (IsA(path, SubqueryScanPath))
		return pathtree_has_scan_of_ours(((SubqueryScanPath *) path)->subpath);
	foreach(lc, pathtree_inputs(path))
	{
		if (pathtree_has_scan_of_ours(lfirst(lc)))
			return true;
	}
	return false;
}
