/*-------------------------------------------------------------------------
 *
 * explain.c
 *		What EXPLAIN shows of a scan.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/explain.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "fdw/explain.h"
#include "fdw/plantree.h"
#include "fdw/scan.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/ruleutils.h"

/* A sub-select looked for, and where it was found. */
typedef struct SubPlanSearch
{
	int			plan_id;
	SubPlan    *subplan;
	Plan	   *plan;			/* the one whose expressions it is in */
} SubPlanSearch;

static bool
find_subplan_walker(Node *node, void *context)
{
	SubPlanSearch *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, SubPlan) && ((SubPlan *) node)->plan_id == search->plan_id)
	{
		search->subplan = (SubPlan *) node;
		return true;
	}
	return expression_tree_walker(node, find_subplan_walker, search);
}

static bool
find_subplan(Plan *plan, SubPlanSearch *search)
{
	if (plan == NULL)
		return false;
	if (find_subplan_walker((Node *) plan->targetlist, search) ||
		find_subplan_walker((Node *) plan->qual, search) ||
		find_subplan_walker((Node *) plan->initPlan, search))
	{
		search->plan = plan;
		return true;
	}
	return find_subplan(outerPlan(plan), search) || find_subplan(innerPlan(plan), search);
}

/* What is above a plan, in its own tree and in those that it is a sub-select of. */
static List *
all_ancestors(PlannedStmt *statement, Plan *wanted)
{
	List	   *ancestors = NIL;
	SubPlanSearch search = {0};
	ListCell   *lc;

	if (plantree_find(statement->planTree, wanted, &ancestors))
		return ancestors;
	foreach(lc, statement->subplans)
	{
		if (!plantree_find(lfirst(lc), wanted, &ancestors))
			continue;
		search.plan_id = foreach_current_index(lc) + 1;
		if (!find_subplan(statement->planTree, &search))
			return ancestors;
		ancestors = lappend(ancestors, search.subplan);
		ancestors = lappend(ancestors, search.plan);
		return list_concat(ancestors, all_ancestors(statement, search.plan));
	}
	return ancestors;
}

static void
explain_key(ForeignScan *plan, ExplainState *es)
{
	List	   *context;
	char	   *key;

	context = set_deparse_context_plan(es->deparse_cxt, &plan->scan.plan,
									   all_ancestors(es->pstmt, &plan->scan.plan));
	key = deparse_expression((Node *) make_ands_explicit(plan->fdw_recheck_quals), context,
							 list_length(es->rtable) > 1 || es->verbose, false);
	ExplainPropertyText("Image Builder Key", key, es);
}

/* What look-ups did, for EXPLAIN ANALYZE. */
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
	LookupStats stats;

	ExplainPropertyText("Image Builder Operation", "GetImage", es);
	if (plan->fdw_recheck_quals)
		explain_key(plan, es);
	if (es->analyze && scan_stats(node, &stats))
		explain_stats(&stats, es);
}
