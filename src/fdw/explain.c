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
#include "fdw/scan.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/ruleutils.h"

static bool find_in_plans(List *plans, Plan *wanted, List **ancestors);

/*
 * The plan nodes above "wanted", the nearest first, without which the outer
 * side's columns in a condition would be shown as parameters; PostgreSQL does
 * not hand them to the wrapper.
 */
static bool
find_ancestors(Plan *plan, Plan *wanted, List **ancestors)
{
	bool		found = plan == wanted;

	if (plan == NULL)
		return false;
	if (found)
		return true;
	found = find_ancestors(outerPlan(plan), wanted, ancestors) ||
		find_ancestors(innerPlan(plan), wanted, ancestors);
	if (!found && IsA(plan, Append))
		found = find_in_plans(((Append *) plan)->appendplans, wanted, ancestors);
	if (!found && IsA(plan, MergeAppend))
		found = find_in_plans(((MergeAppend *) plan)->mergeplans, wanted, ancestors);
	if (!found && IsA(plan, SubqueryScan))
		found = find_ancestors(((SubqueryScan *) plan)->subplan, wanted, ancestors);
	if (!found && IsA(plan, CustomScan))
		found = find_in_plans(((CustomScan *) plan)->custom_plans, wanted, ancestors);
	if (found)
		*ancestors = lappend(*ancestors, plan);
	return found;
}

static bool
find_in_plans(List *plans, Plan *wanted, List **ancestors)
{
	ListCell   *lc;

	foreach(lc, plans)
	{
		if (find_ancestors(lfirst(lc), wanted, ancestors))
			return true;
	}
	return false;
}

static void
explain_key(ForeignScan *plan, ExplainState *es)
{
	List	   *ancestors = NIL;
	List	   *context;
	char	   *key;

	if (!find_ancestors(es->pstmt->planTree, &plan->scan.plan, &ancestors))
		find_in_plans(es->pstmt->subplans, &plan->scan.plan, &ancestors);
	context = set_deparse_context_plan(es->deparse_cxt, &plan->scan.plan, ancestors);
	key = deparse_expression((Node *) make_ands_explicit(plan->fdw_recheck_quals), context,
							 list_length(es->rtable) > 1 || es->verbose, false);
	ExplainPropertyText("Image Builder Key", key, es);
}

void
imagebuilderExplainForeignScan(ForeignScanState *node, ExplainState *es)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	const LookupStats *stats = scan_stats(node);

	ExplainPropertyText("Image Builder Operation", "GetImage", es);
	if (plan->fdw_recheck_quals)
		explain_key(plan, es);
	if (!es->analyze || stats == NULL)
		return;
	ExplainPropertyInteger("Image Builder Requests", NULL, stats->requests, es);
	ExplainPropertyInteger("Image Builder Cache Hits", NULL, stats->cache_hits, es);
	ExplainPropertyInteger("Image Builder Retries", NULL, stats->retries, es);
	if (!es->verbose)
		return;
	ExplainPropertyInteger("Image Builder Bytes Received", NULL, stats->bytes_received, es);
	ExplainPropertyFloat("Image Builder Request Time", "ms", stats->request_time, 3, es);
}
