/*
 * plantree.c: how a node of a plan is run.
 *
 * A cursor, or PL/pgSQL's SELECT INTO, asks for only some rows of a plan that has no
 * LIMIT.  Only the "count" passed to ExecutorRun() says so, which ExecutorRun_hook
 * sees.
 */
#include "postgres.h"

#include "fdw/fdw.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"

/*
 * Return the plans from which a plan takes its rows: not sub-selects, which are trees
 * of their own.
 */
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
 * Return the expressions that a plan has by its node type, beside its target list and
 * conditions.  A bitmap index scan's are among its heap scan's, and fdw_recheck_quals are
 * evaluated by EvalPlanQual alone.
 */
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
			return list_make1(((ForeignScan *) plan)->fdw_exprs);
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

/* Search for the nodes above a plan. */
typedef struct AncestorSearch
{
	PlannedStmt *statement;
	Plan	   *wanted;
	bool		in_subselects;	/* search the sub-selects in expressions, too */
	List	   *ancestors;		/* the nearest first */
} AncestorSearch;

static bool find_in_subselects(AncestorSearch *search, Plan *plan);

/* True if an expression evaluates a sub-select that has the wanted plan. */
static bool
has_wanted(Node *node, void *context)
{
	AncestorSearch *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, SubPlan) &&
		find_in_subselects(search, exec_subplan_get_plan(search->statement, (SubPlan *) node)))
	{
		search->ancestors = lappend(search->ancestors, node);
		return true;
	}
	return expression_tree_walker(node, has_wanted, context);
}

/* True if the wanted plan is "plan" or below it.  Appends the nodes above the wanted one. */
static bool
find_ancestors(AncestorSearch *search, Plan *plan)
{
	bool		found;
	ListCell   *lc;

	if (plan == NULL || plan == search->wanted)
		return plan != NULL;
	found = search->in_subselects &&
		has_wanted((Node *) list_make4(plan->targetlist, plan->qual, plan->initPlan,
									   expressions_of_kind(plan)), search);
	foreach(lc, found ? NIL : inputs_of(plan))
	{
		found = find_ancestors(search, lfirst(lc));
		if (found)
			break;
	}
	if (found)
		search->ancestors = lappend(search->ancestors, plan);
	return found;
}

/*
 * As find_ancestors(), in sub-selects too.  These come last: to go through the expressions
 * of thousands of partitions, for each of them, would take long.
 */
static bool
find_in_subselects(AncestorSearch *search, Plan *plan)
{
	search->in_subselects = false;
	if (find_ancestors(search, plan))
		return true;
	search->in_subselects = true;
	return find_ancestors(search, plan);
}

/*
 * Return the nodes above a plan, the nearest first.  Above the top of a sub-select's tree
 * come its SubPlan, the plan that evaluates the SubPlan, and the nodes above that plan.
 */
List *
plantree_ancestors(PlannedStmt *statement, Plan *plan)
{
	AncestorSearch search = {.statement = statement, .wanted = plan};

	find_in_subselects(&search, statement->planTree);
	return search.ancestors;
}

/* Search for plans that have effects. */
typedef struct EffectSearch
{
	PlannedStmt *statement;
	bool		first;			/* until the plan that runs first has been searched */
	Bitmapset  *ctes;			/* plan_ids of the WITH queries searched: each is run
								 * once, however many scans read it */
} EffectSearch;

static bool has_effects(EffectSearch *search, Plan *plan);

/* True if a sub-select in an expression has effects. */
static bool
subplan_has_effects(Node *node, void *context)
{
	EffectSearch *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, SubPlan) &&
		has_effects(search, exec_subplan_get_plan(search->statement, (SubPlan *) node)))
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
	if (IsA(plan, CteScan) && !bms_is_member(((CteScan *) plan)->ctePlanId, search->ctes))
	{
		int			id = ((CteScan *) plan)->ctePlanId;

		search->ctes = bms_add_member(search->ctes, id);
		if (has_effects(search, list_nth(search->statement->subplans, id - 1)))
			return true;
	}
	exprs = list_make2(plan->targetlist, plan->qual);
	/* A function scan takes all rows of its function before it returns the first one. */
	if (!IsA(plan, FunctionScan) || !search->first)
		exprs = lappend(exprs, expressions_of_kind(plan));
	search->first = false;
	return contain_volatile_functions((Node *) exprs) ||
		subplan_has_effects((Node *) exprs, search);
}

/*
 * True if a user could observe how many rows are taken of a plan, or how often the plan
 * is run: it evaluates a volatile function for a row, or locks or writes rows.
 */
bool
plantree_has_effects(PlannedStmt *statement, Plan *plan)
{
	EffectSearch search = {.statement = statement, .first = true};

	return has_effects(&search, plan);
}

/* True if a node takes all rows of a plan below it, if the node is run to its end. */
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
			/* PostgreSQL 18 stops reading the inner side at the end of the outer side. */
		case T_NestLoop:
			return below == outerPlan(node);
		case T_HashJoin:
			/* The outer side is not read to its end if the inner side has no rows. */
			return below == innerPlan(node);
		default:
			return false;
	}
}

/* True if a node may run a plan below it again, from the plan's first row. */
static bool
may_rescan(Plan *node, Plan *below)
{
	return IsA(node, RecursiveUnion) ||
		((IsA(node, NestLoop) || IsA(node, MergeJoin)) && below == innerPlan(node));
}

/* Return how a statement runs a plan.  Sub-selects may be run any number of times. */
PlanRun
plantree_run(PlannedStmt *statement, Plan *plan)
{
	AncestorSearch search = {statement, plan, false, NIL};
	PlanRun		run;
	ListCell   *lc;

	run.once = run.to_end = find_ancestors(&search, statement->planTree);
	foreach(lc, search.ancestors)
	{
		run.once &= !may_rescan(lfirst(lc), plan);
		run.to_end &= takes_all_rows(lfirst(lc), plan);
		plan = lfirst(lc);
	}
	return run;
}

/* ---- how far the executor has been asked to run the plan ------------------------- */

/*
 * Factor on max_concurrency for looking ahead where the executor will take all rows, so
 * that no look-up can be in vain.  Rows are returned in order: a slow response holds up
 * the finished ones behind it, and with this depth further requests are sent meanwhile.
 */
#define EXECUTION_DEPTH		4

static ExecutorRun_hook_type previous_hook = NULL;

/*
 * State of the innermost query that is being run, if all of its rows were asked for;
 * else NULL.
 */
static const EState *run_to_end = NULL;

/* Note, as ExecutorRun_hook, whether all rows of a query are asked for. */
static void
note_run(COMPAT_EXECUTOR_RUN_PARAMETERS)
{
	const EState *outer = run_to_end;

	run_to_end = count == 0 ? queryDesc->estate : NULL;
	PG_TRY();
	{
		if (previous_hook)
			previous_hook(COMPAT_EXECUTOR_RUN_ARGUMENTS);
		else
			standard_ExecutorRun(COMPAT_EXECUTOR_RUN_ARGUMENTS);
	}
	PG_FINALLY();
	{
		run_to_end = outer;
	}
	PG_END_TRY();
}

/*
 * Return the factor on max_concurrency by which a node may look ahead: EXECUTION_DEPTH
 * if its plan runs to its end (see PlanRun.to_end) and the executor has been asked for
 * all rows; else 1.
 */
int
plantree_depth(const PlanState *node, bool runs_to_end)
{
	return runs_to_end && node->state == run_to_end ? EXECUTION_DEPTH : 1;
}

/* Install ExecutorRun_hook; called by _PG_init(). */
void
plantree_init(void)
{
	previous_hook = ExecutorRun_hook;
	ExecutorRun_hook = note_run;
}
