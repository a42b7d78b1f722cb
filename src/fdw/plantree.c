/* plantree.c: where a node stands in a plan. */
#include "postgres.h"

#include "fdw/plantree.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"

/* The plans that a plan takes its rows from: not sub-selects, which are trees of their own. */
static List *
inputs_of(Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Append:
			return ((Append *) plan)->appendplans;
		case T_MergeAppend:
			return ((MergeAppend *) plan)->mergeplans;
		case T_SubqueryScan:
			return list_make1(((SubqueryScan *) plan)->subplan);
		case T_CustomScan:
			return ((CustomScan *) plan)->custom_plans;
		default:
			return list_make2(outerPlan(plan), innerPlan(plan));
	}
}

/*
 * Whether a plan is in the tree below another, or that itself; the nodes above
 * the wanted plan are appended to *ancestors, the nearest first.
 */
bool
plantree_find(Plan *plan, Plan *wanted, List **ancestors)
{
	ListCell   *lc;

	if (plan == NULL || plan == wanted)
		return plan != NULL;
	foreach(lc, inputs_of(plan))
	{
		if (plantree_find(lfirst(lc), wanted, ancestors))
		{
			*ancestors = lappend(*ancestors, plan);
			return true;
		}
	}
	return false;
}

/* The expressions of a plan's own kind, beside its target list and conditions. */
static List *
expressions_of_kind(Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Result:
			return list_make1(((Result *) plan)->resconstantqual);
		case T_ModifyTable:
			{
				ModifyTable *modify = (ModifyTable *) plan;

				return list_make5(modify->withCheckOptionLists, modify->returningLists,
								  modify->onConflictSet, modify->onConflictWhere,
								  modify->mergeActionLists);
			}
		case T_SampleScan:
			return list_make1(((SampleScan *) plan)->tablesample);
		case T_IndexScan:
			return list_make2(((IndexScan *) plan)->indexqualorig,
							  ((IndexScan *) plan)->indexorderbyorig);
		case T_IndexOnlyScan:
			return list_make2(((IndexOnlyScan *) plan)->indexqual,
							  ((IndexOnlyScan *) plan)->indexorderby);
		case T_BitmapIndexScan:
			return list_make1(((BitmapIndexScan *) plan)->indexqualorig);
		case T_BitmapHeapScan:
			return list_make1(((BitmapHeapScan *) plan)->bitmapqualorig);
		case T_TidScan:
			return list_make1(((TidScan *) plan)->tidquals);
		case T_TidRangeScan:
			return list_make1(((TidRangeScan *) plan)->tidrangequals);
		case T_FunctionScan:
			return list_make1(((FunctionScan *) plan)->functions);
		case T_TableFuncScan:
			return list_make1(((TableFuncScan *) plan)->tablefunc);
		case T_ValuesScan:
			return list_make1(((ValuesScan *) plan)->values_lists);
		case T_ForeignScan:
			return list_make2(((ForeignScan *) plan)->fdw_exprs,
							  ((ForeignScan *) plan)->fdw_recheck_quals);
		case T_CustomScan:
			return list_make1(((CustomScan *) plan)->custom_exprs);
		case T_NestLoop:
			return list_make1(((Join *) plan)->joinqual);
		case T_MergeJoin:
			return list_make2(((Join *) plan)->joinqual, ((MergeJoin *) plan)->mergeclauses);
		case T_HashJoin:
			return list_make2(((Join *) plan)->joinqual, ((HashJoin *) plan)->hashclauses);
		case T_Limit:
			return list_make2(((Limit *) plan)->limitOffset, ((Limit *) plan)->limitCount);
		case T_WindowAgg:
			return list_make3(((WindowAgg *) plan)->startOffset, ((WindowAgg *) plan)->endOffset,
							  ((WindowAgg *) plan)->runCondition);
		default:
			return NIL;
	}
}

/* Of the plans from "plan" down, the first that has something in its expressions; or NULL. */
Plan *
plantree_find_expression(Plan *plan, bool (*has) (Node *node, void *context), void *context)
{
	ListCell   *lc;

	if (plan == NULL)
		return NULL;
	if (has((Node *) plan->targetlist, context) || has((Node *) plan->qual, context) ||
		has((Node *) plan->initPlan, context) || has((Node *) expressions_of_kind(plan), context))
		return plan;
	foreach(lc, inputs_of(plan))
	{
		Plan	   *found = plantree_find_expression(lfirst(lc), has, context);

		if (found)
			return found;
	}
	return NULL;
}

/* A search for what has effects. */
typedef struct EffectSearch
{
	List	   *subplans;		/* of the statement, by plan_id - 1 */
	bool		first;			/* nothing that is searched has been run before */
} EffectSearch;

static bool has_effects(EffectSearch *search, Plan *plan);

/* Whether a sub-select of an expression has effects. */
static bool
subplan_has_effects(Node *node, void *context)
{
	EffectSearch *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, SubPlan) &&
		has_effects(search, list_nth(search->subplans, ((SubPlan *) node)->plan_id - 1)))
		return true;
	return expression_tree_walker(node, subplan_has_effects, context);
}

static bool
has_effects(EffectSearch *search, Plan *plan)
{
	List	   *exprs;
	ListCell   *lc;

	if (plan == NULL)
		return false;
	check_stack_depth();
	if (IsA(plan, ModifyTable) || IsA(plan, LockRows))
		return true;
	foreach(lc, inputs_of(plan))
	{
		if (has_effects(search, lfirst(lc)))
			return true;
	}
	if (IsA(plan, CteScan) &&
		has_effects(search, list_nth(search->subplans, ((CteScan *) plan)->ctePlanId - 1)))
		return true;
	exprs = list_make2(plan->targetlist, plan->qual);
	/* PostgreSQL takes all rows of a function before it has the first. */
	if (!IsA(plan, FunctionScan) || !search->first)
		exprs = lappend(exprs, expressions_of_kind(plan));
	search->first = false;
	return contain_volatile_functions((Node *) exprs) ||
		subplan_has_effects((Node *) exprs, search);
}

/*
 * Whether it shows how many rows are taken of a plan, or how often it is run: a
 * volatile function is evaluated for a row, or rows are locked or written.
 * "subplans" are the statement's, by plan_id - 1.
 */
bool
plantree_has_effects(List *subplans, Plan *plan)
{
	EffectSearch search = {.subplans = subplans,.first = true};

	return has_effects(&search, plan);
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
		case T_Sort:
		case T_IncrementalSort:
		case T_SubqueryScan:
		case T_Unique:
		case T_CustomScan:
			return true;
		case T_SetOp:
			/* PostgreSQL 18 leaves the other side when this one has no more rows. */
			return below == outerPlan(node);
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
