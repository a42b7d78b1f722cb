/*-------------------------------------------------------------------------
 *
 * plantree.c
 *		Where a node stands in a plan.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/plantree.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fdw/plantree.h"

static bool
find_in_plans(List *plans, Plan *wanted, List **ancestors)
{
	ListCell   *lc;

	foreach(lc, plans)
	{
		if (plantree_find(lfirst(lc), wanted, ancestors))
			return true;
	}
	return false;
}

/*
 * Whether a plan is in the tree below another, or that itself; the nodes above
 * it are appended to *ancestors, the nearest first.  Sub-selects are trees of
 * their own.
 */
bool
plantree_find(Plan *plan, Plan *wanted, List **ancestors)
{
	bool		found;

	if (plan == NULL || plan == wanted)
		return plan != NULL;
	found = plantree_find(outerPlan(plan), wanted, ancestors) ||
		plantree_find(innerPlan(plan), wanted, ancestors);
	if (!found && IsA(plan, Append))
		found = find_in_plans(((Append *) plan)->appendplans, wanted, ancestors);
	if (!found && IsA(plan, MergeAppend))
		found = find_in_plans(((MergeAppend *) plan)->mergeplans, wanted, ancestors);
	if (!found && IsA(plan, SubqueryScan))
		found = plantree_find(((SubqueryScan *) plan)->subplan, wanted, ancestors);
	if (!found && IsA(plan, CustomScan))
		found = find_in_plans(((CustomScan *) plan)->custom_plans, wanted, ancestors);
	if (found)
		*ancestors = lappend(*ancestors, plan);
	return found;
}

/*
 * Whether a node is run through once at most: not in a sub-select, and on no
 * side of a join or recursion that may be started anew.
 */
bool
plantree_runs_once(PlannedStmt *statement, Plan *plan)
{
	List	   *ancestors = NIL;
	ListCell   *lc;

	if (!plantree_find(statement->planTree, plan, &ancestors))
		return false;
	foreach(lc, ancestors)
	{
		Plan	   *above = lfirst(lc);

		if (IsA(above, RecursiveUnion) ||
			((IsA(above, NestLoop) || IsA(above, MergeJoin)) && innerPlan(above) == plan))
			return false;
		plan = above;
	}
	return true;
}

/* Whether a node takes all rows of a plan below it, if it is run to its end. */
static bool
takes_all_rows(Plan *node, Plan *below)
{
	switch (nodeTag(node))
	{
		case T_Agg:
		case T_Append:
		case T_Group:
		case T_Hash:
		case T_LockRows:
		case T_Material:
		case T_MergeAppend:
		case T_ModifyTable:
		case T_ProjectSet:
		case T_Result:
		case T_SetOp:
		case T_Sort:
		case T_IncrementalSort:
		case T_SubqueryScan:
		case T_Unique:
		case T_CustomScan:
			return true;
		case T_HashJoin:
		case T_NestLoop:
			/* A hash join's outer side is left if the inner side has no rows. */
			return below == (IsA(node, NestLoop) ? outerPlan(node) : innerPlan(node));
		default:
			return false;
	}
}

/*
 * Whether a node's rows will all be taken, if the statement is run to its end:
 * nothing above it stops early, and it is in no sub-select.
 */
bool
plantree_runs_to_end(PlannedStmt *statement, Plan *plan)
{
	List	   *ancestors = NIL;
	ListCell   *lc;

	if (!plantree_find(statement->planTree, plan, &ancestors))
		return false;
	foreach(lc, ancestors)
	{
		if (!takes_all_rows(lfirst(lc), plan))
			return false;
		plan = lfirst(lc);
	}
	return true;
}
