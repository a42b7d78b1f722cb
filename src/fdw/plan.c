/*-------------------------------------------------------------------------
 *
 * plan.c
 *		Planning of foreign scans.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/plan.c
 *
 *-------------------------------------------------------------------------
 */
/*
 * There is one way to scan a table: by the ARNs of a key.  A path without one
 * is offered too, since the planner must have one and EXPLAIN must not fail,
 * at a cost that any other way beats.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "compat.h"
#include "fdw/binding.h"
#include "fdw/key.h"
#include "fdw/plan.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"

/* No key: beyond any other path's cost, the planner's disabled ones included. */
#define NO_KEY_COST			1.0e15

/*
 * How many images there are, as far as joins are concerned.  The planner takes
 * a column without statistics to have 200 values: then each row joined finds
 * one image.
 */
#define IMAGES				200.0

/* A table without a schema of ours, for the planner. */
#define DEFAULT_ROWS		10.0

/* Kept in RelOptInfo.fdw_private while a relation is planned. */
typedef struct RelPlan
{
	Bitmapset  *key_columns;
	double		rows;			/* expected for an image, filters aside */
	double		selectivity;	/* of conditions that are no keys */
	double		keys;			/* ARNs by the relation's own conditions; 0: no
								 * key */
} RelPlan;

static KeyContext
key_context(PlannerInfo *root, RelOptInfo *rel)
{
	KeyContext	context = {0};

	context.root = root;
	context.relid = rel->relid;
	context.columns = ((RelPlan *) rel->fdw_private)->key_columns;
	return context;
}

/* Several keys are one: what is in all of them. */
static List *
join_keys(List *keys)
{
	if (list_length(keys) <= 1)
		return keys ? linitial(keys) : NIL;
	return list_make2(makeInteger(KEY_AND), keys);
}

/*
 * The key in a relation's conditions, NIL if there is none, and the
 * expressions that it refers to.  The relation must have been sized.
 */
List *
plan_extract_key(PlannerInfo *root, RelOptInfo *rel, List *rinfos, List **exprs)
{
	KeyContext	context = key_context(root, rel);
	List	   *keys = NIL;
	ListCell   *lc;

	foreach(lc, rinfos)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		bool		exact = true;
		List	   *key = rinfo->pseudoconstant ? NULL :
			key_extract(&context, rinfo->clause, &exact);

		if (key)
			keys = lappend(keys, key);
	}
	*exprs = context.exprs;
	return join_keys(keys);
}

/* How many ARNs conditions ask for; negative if none of them is a key. */
static double
count_keys(PlannerInfo *root, RelOptInfo *rel, List *rinfos)
{
	List	   *exprs;
	List	   *key = plan_extract_key(root, rel, rinfos, &exprs);

	return key ? key_estimate(root, key, exprs) : -1;
}

/* Conditions that a key does not take care of. */
static List *
other_conditions(PlannerInfo *root, RelOptInfo *rel, List *rinfos)
{
	KeyContext	context = key_context(root, rel);
	List	   *others = NIL;
	ListCell   *lc;

	foreach(lc, rinfos)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		bool		exact = true;

		if (!key_extract(&context, rinfo->clause, &exact) || !exact)
			others = lappend(others, rinfo);
	}
	return others;
}

void
imagebuilderGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel,
							  Oid foreigntableid)
{
	RelPlan    *plan = palloc0(sizeof(RelPlan));
	BoundTable *table = binding_table(foreigntableid);

	baserel->fdw_private = plan;
	plan->key_columns = binding_key_columns(table, baserel->max_attr);
	plan->rows = table->table ? table->table->rows : DEFAULT_ROWS;
	plan->selectivity =
		clauselist_selectivity(root,
							   other_conditions(root, baserel, baserel->baserestrictinfo),
							   baserel->relid, JOIN_INNER, NULL);
	plan->keys = count_keys(root, baserel, baserel->baserestrictinfo);

	baserel->tuples = IMAGES * plan->rows;
	baserel->rows = clamp_row_est((plan->keys < 0 ? IMAGES : plan->keys) *
								  plan->rows * plan->selectivity);
	baserel->reltarget->width = get_relation_data_width(foreigntableid, NULL);
}

static void
add_scan_path(PlannerInfo *root, RelOptInfo *rel, double keys, ParamPathInfo *param)
{
	RelPlan    *plan = rel->fdw_private;
	double		tuples = Max(keys, 0) * plan->rows;
	double		rows = param ? clamp_row_est(tuples * plan->selectivity) : rel->rows;
	QualCost	quals = rel->baserestrictcost;
	Cost		startup = quals.startup + rel->reltarget->cost.startup;
	Cost		run = tuples * (cpu_tuple_cost + quals.per_tuple) +
		rows * rel->reltarget->cost.per_tuple;

	if (keys < 0)
		startup += NO_KEY_COST;
	else if (keys > 0)
	{
		startup += PLAN_LOOKUP_COST;
		run += (keys - 1) * PLAN_LOOKUP_COST / PLAN_LOOKUPS_AT_ONCE;
	}
	if (param)
		param->ppi_rows = rows;
	add_path(rel, (Path *) compat_foreign_path(root, rel, rows, keys < 0, startup, startup + run,
											   param ? param->ppi_req_outer :
											   rel->lateral_relids));
}

/* For generate_implied_equalities_for_column(): is it a key column? */
static bool
is_key_member(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec,
			  EquivalenceMember *em, void *arg)
{
	(void) root;
	(void) rel;
	(void) ec;
	return key_is_column(arg, em->em_expr);
}

/* Join conditions that would be keys, were the other side's rows known. */
static List *
join_conditions(PlannerInfo *root, RelOptInfo *rel)
{
	KeyContext	context = key_context(root, rel);
	List	   *conditions = NIL;
	ListCell   *lc;

	foreach(lc, rel->joininfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		bool		exact = true;

		if (join_clause_is_movable_to(rinfo, rel) &&
			key_extract(&context, rinfo->clause, &exact))
			conditions = lappend(conditions, rinfo);
	}
	if (rel->has_eclass_joins)
		conditions = list_concat(conditions,
								 generate_implied_equalities_for_column(root, rel,
																		is_key_member, &context,
																		rel->lateral_referencers));
	return conditions;
}

void
imagebuilderGetForeignPaths(PlannerInfo *root, RelOptInfo *baserel,
							Oid foreigntableid)
{
	RelPlan    *plan = baserel->fdw_private;
	List	   *params = NIL;
	ListCell   *lc;

	(void) foreigntableid;
	add_scan_path(root, baserel, plan->keys, NULL);

	foreach(lc, join_conditions(root, baserel))
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		Relids		outer = bms_union(rinfo->clause_relids, baserel->lateral_relids);
		ParamPathInfo *param;

		outer = bms_del_member(outer, baserel->relid);
		if (bms_is_empty(outer))
			continue;
		param = get_baserel_parampathinfo(root, baserel, outer);
		if (!list_member_ptr(params, param))
			params = lappend(params, param);
	}
	foreach(lc, params)
	{
		ParamPathInfo *param = lfirst(lc);
		double		keys = count_keys(root, baserel, param->ppi_clauses);

		/* The equality of an equivalence class may be another one now. */
		if (keys < 0)
			continue;
		if (plan->keys >= 0)
			keys = Min(keys, plan->keys);
		add_scan_path(root, baserel, keys, param);
	}
}

/* The attributes that a scan must fill, as integers. */
static List *
needed_attributes(RelOptInfo *rel, List *quals)
{
	Bitmapset  *used = NULL;
	List	   *attrs = NIL;
	bool		whole_row;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &used);
	pull_varattnos((Node *) quals, rel->relid, &used);
	whole_row = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used);
	for (int attnum = 1; attnum <= rel->max_attr; attnum++)
	{
		if (whole_row || bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, used))
			attrs = lappend_int(attrs, attnum);
	}
	return attrs;
}

ForeignScan *
imagebuilderGetForeignPlan(PlannerInfo *root, RelOptInfo *baserel,
						   Oid foreigntableid, ForeignPath *best_path,
						   List *tlist, List *scan_clauses, Plan *outer_plan)
{
	KeyContext	context = key_context(root, baserel);
	List	   *keys = NIL;
	List	   *key_quals = NIL;
	List	   *other_quals = NIL;
	List	   *key;
	ListCell   *lc;

	(void) foreigntableid;
	(void) best_path;
	foreach(lc, extract_actual_clauses(scan_clauses, false))
	{
		Expr	   *clause = lfirst(lc);
		bool		exact = true;

		key = key_extract(&context, clause, &exact);
		if (key)
		{
			keys = lappend(keys, key);
			key_quals = lappend(key_quals, clause);
		}
		if (!key || !exact)
			other_quals = lappend(other_quals, clause);
	}

	return make_foreignscan(tlist, other_quals, baserel->relid, context.exprs,
							list_make2(join_keys(keys), needed_attributes(baserel, other_quals)),
							NIL, key_quals, outer_plan);
}
