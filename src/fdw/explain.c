/* explain.c: what EXPLAIN shows of a scan. */
#include "postgres.h"

#include "compat.h"
#include "fdw/explain.h"
#include "fdw/plan.h"
#include "fdw/plantree.h"
#include "fdw/scan.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/ruleutils.h"

/* Search for the expression that evaluates a sub-select. */
typedef struct SubPlanSearch
{
	int			plan_id;
	SubPlan    *subplan;
} SubPlanSearch;

/* True if an expression evaluates the sub-select of a SubPlanSearch; sets its SubPlan. */
static bool
has_subplan(Node *node, void *context)
{
	SubPlanSearch *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, SubPlan) && ((SubPlan *) node)->plan_id == search->plan_id)
	{
		search->subplan = (SubPlan *) node;
		return true;
	}
	return expression_tree_walker(node, has_subplan, context);
}

/* Return the plan of the statement that evaluates a sub-select; NULL if none does. */
static Plan *
find_evaluator(PlannedStmt *statement, SubPlanSearch *search)
{
	Plan	   *evaluator = plantree_find_expression(statement->planTree, has_subplan, search);
	ListCell   *lc = list_head(statement->subplans);

	for (; lc && !evaluator; lc = lnext(statement->subplans, lc))
		evaluator = plantree_find_expression(lfirst(lc), has_subplan, search);
	return evaluator;
}

/*
 * Return the nodes above a plan, the nearest first.  Above the top of a sub-select's
 * tree come its SubPlan, the plan that evaluates the SubPlan, and the nodes above that
 * plan.
 */
static List *
all_ancestors(PlannedStmt *statement, Plan *wanted)
{
	List	   *ancestors = NIL;
	SubPlanSearch search = {0};
	Plan	   *evaluator;
	ListCell   *lc;

	if (plantree_find(statement->planTree, wanted, &ancestors))
		return ancestors;
	foreach(lc, statement->subplans)
	{
		if (!plantree_find(lfirst(lc), wanted, &ancestors))
			continue;
		search.plan_id = foreach_current_index(lc) + 1;
		evaluator = find_evaluator(statement, &search);
		if (evaluator == NULL)
			return ancestors;
		ancestors = lappend(ancestors, search.subplan);
		ancestors = lappend(ancestors, evaluator);
		return list_concat(ancestors, all_ancestors(statement, evaluator));
	}
	return ancestors;
}

/* Show conditions of a plan below "ancestors", the nearest first; nothing for NIL. */
void
explain_conditions(const char *label, List *conditions, Plan *plan, List *ancestors,
				   ExplainState *es)
{
	List	   *context;

	if (conditions == NIL)
		return;
	context = set_deparse_context_plan(es->deparse_cxt, plan, ancestors);
	ExplainPropertyText(label,
						deparse_expression((Node *) make_ands_explicit(conditions), context,
										   list_length(es->rtable) > 1 || es->verbose, false),
						es);
}

/* Show the counters of look-ups; VERBOSE adds bytes and time. */
void
explain_stats(const LookupStats *stats, ExplainState *es)
{
	ExplainPropertyInteger("Image Builder Requests", NULL, stats->requests, es);
	ExplainPropertyInteger("Image Builder Cache Hits", NULL, stats->cache_hits, es);
	ExplainPropertyInteger("Image Builder Retries", NULL, stats->retries, es);
	if (!es->verbose)
		return;
	ExplainPropertyInteger("Image Builder Bytes Received", NULL, stats->bytes_received, es);
	ExplainPropertyFloat("Image Builder Request Time", "ms", stats->request_time, 3, es);
}

void
imagebuilderExplainForeignScan(ForeignScanState *node, ExplainState *es)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	List	   *ancestors = all_ancestors(es->pstmt, &plan->scan.plan);
	LookupStats stats;

	ExplainPropertyText("Image Builder Operation",
						strVal(list_nth(plan->fdw_private, FdwScanPrivateOperation)), es);
	explain_conditions("Image Builder Key", list_nth(plan->fdw_exprs, FdwScanExprsKeyQuals),
					   &plan->scan.plan, ancestors, es);
	explain_conditions("One-Time Filter", list_nth(plan->fdw_exprs, FdwScanExprsGuards),
					   &plan->scan.plan, ancestors, es);
	if (es->analyze && scan_stats(node, &stats))
		explain_stats(&stats, es);
}
