/* explain.c: what EXPLAIN shows of a scan. */
#include "postgres.h"

#include "fdw/fdw.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

/* Search for the nodes above a plan. */
typedef struct AncestorSearch
{
	List	   *subplans;		/* of the statement, by plan_id - 1 */
	Plan	   *wanted;
	List	   *ancestors;		/* the nearest first */
} AncestorSearch;

static bool find_ancestors(Plan *top, AncestorSearch *search);

/* True if an expression evaluates a sub-select that has the wanted plan. */
static bool
has_wanted(Node *node, void *context)
{
	AncestorSearch *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, SubPlan) &&
		find_ancestors(list_nth(search->subplans, ((SubPlan *) node)->plan_id - 1), search))
	{
		search->ancestors = lappend(search->ancestors, node);
		return true;
	}
	return expression_tree_walker(node, has_wanted, context);
}

/*
 * True if the wanted plan is "top" or below it.  Appends the nodes above the wanted
 * plan.  Above the top of a sub-select's tree come its SubPlan, the plan that evaluates
 * the SubPlan, and the nodes above that plan.
 */
static bool
find_ancestors(Plan *top, AncestorSearch *search)
{
	Plan	   *evaluator;

	if (plantree_find(top, search->wanted, &search->ancestors))
		return true;
	evaluator = plantree_find_expression(top, has_wanted, search);
	if (evaluator == NULL)
		return false;
	search->ancestors = lappend(search->ancestors, evaluator);
	return plantree_find(top, evaluator, &search->ancestors);
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
	AncestorSearch search = {es->pstmt->subplans, &plan->scan.plan, NIL};
	LookupStats stats;

	find_ancestors(es->pstmt->planTree, &search);
	ExplainPropertyText("Image Builder Operation",
						binding_table(RelationGetRelid(node->ss.ss_currentRelation))->operation->name,
						es);
	explain_conditions("Image Builder Key", list_nth(plan->fdw_exprs, FdwScanExprsKeyQuals),
					   &plan->scan.plan, search.ancestors, es);
	explain_conditions("One-Time Filter", list_nth(plan->fdw_exprs, FdwScanExprsGuards),
					   &plan->scan.plan, search.ancestors, es);
	if (es->analyze && scan_stats(node, &stats))
		explain_stats(&stats, es);
}
