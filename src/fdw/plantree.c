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
