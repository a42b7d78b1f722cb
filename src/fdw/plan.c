/*
 * plan.c: planning of foreign scans.
 *
 * A foreign table is scanned by the ARNs of a key only.  A path without a key is
 * offered too, since the planner needs a path and EXPLAIN must not fail, at a cost that
 * any path with a key beats.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "compat.h"
#include "fdw/binding.h"
#include "fdw/conditions.h"
#include "fdw/key.h"
#include "fdw/keyless.h"
#include "fdw/plan.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"

/*
 * Cost of a path without a key, beyond any other path's cost.  PostgreSQL before 18
 * adds 1e10 for each node that is disabled, each time that the node is run.
 */
#define NO_KEY_COST			1.0e30

/*
 * Number of images, as far as joins are concerned.  The planner takes a column without
 * statistics to have 200 values: then each row joined finds one image.
 */
#define IMAGES				200.0

/* Rows expected for a response, if the schema does not have the table. */
#define DEFAULT_ROWS		10.0

/* State of a relation's planning, kept in RelOptInfo.fdw_private. */
typedef struct RelPlan
{
	KeyContext	key;			/* context of the relation, without expressions */
	const char *operation;		/* the operation's name */
	double		rows;			/* rows expected for an ARN, before filters */
	double		pages;			/* pages expected for an ARN */
	PartitionConditions partition;
	Conditions	own;			/* the relation's own conditions */
	double		selectivity;	/* selectivity of own.others */
	QualCost	quals;			/* cost of checking own.others */
} RelPlan;

/* Return all clauses of a scan, including gating ones (pseudoconstants). */
static List *
clauses_of(RelOptInfo *rel, ParamPathInfo *param)
{
	List	   *rinfos = list_concat_copy(rel->baserestrictinfo, param ? param->ppi_clauses : NIL);

	return list_concat(extract_actual_clauses(rinfos, false), extract_actual_clauses(rinfos, true));
}

/* ---- what a path will look up ------------------------------------------------- */

/*
 * Return a key, without its expressions and guards, as a List that plans can be copied
 * with; plan_key_from_list() reads the List.
 */
List *
plan_key_to_list(const PlannedKey *key)
{
	return list_make4(key->key, key->arn_filter, list_make2_oid(key->serverid, key->userid),
					  makeString(pstrdup(key->operation)));
}

PlannedKey *
plan_key_from_list(List *list)
{
	PlannedKey *key = palloc0(sizeof(PlannedKey));

	key->key = linitial(list);
	key->arn_filter = lsecond(list);
	key->serverid = linitial_oid(lthird(list));
	key->userid = lsecond_oid(lthird(list));
	key->operation = strVal(lfourth(list));
	return key;
}

static PlannedKey *
copy_key(const PlannedKey *key)
{
	PlannedKey *copy = palloc(sizeof(PlannedKey));

	*copy = *key;
	return copy;
}

/*
 * Return the key of a scan with certain conditions.  The guards include PostgreSQL's
 * gating conditions, and the conditions on an outer row that follow from a partition's
 * constraint: PostgreSQL prunes the partition for a row that fails them.
 */
static PlannedKey *
key_of_conditions(const RelOptInfo *rel, const Conditions *conditions, List *clauses)
{
	const RelPlan *plan = rel->fdw_private;
	PlannedKey	key = {
		.key = conditions->key,
		.exprs = conditions->exprs,
		.guards = list_concat_copy(conditions->guards,
								   conditions_partition_guards(&plan->key, &plan->partition,
															   clauses)),
		.arn_filter = plan->partition.arn_filter,
		.operation = plan->operation,
		.serverid = rel->serverid,
		.userid = rel->userid,
	};

	return copy_key(&key);
}

/* Return a copy of the key of a path's scan; NULL if the path has no key. */
PlannedKey *
plan_key_of_path(const ForeignPath *path)
{
	const PlannedKey *key = linitial(path->fdw_private);

	return key->key ? copy_key(key) : NULL;
}

/*
 * Return keys (PlannedKey) translated to a partition of the outer side, as
 * ReparameterizeForeignPathByChild and ReparameterizeCustomPathByChild.
 */
List *
plan_keys_to_child(PlannerInfo *root, List *keys, RelOptInfo *child_rel)
{
	List	   *translated = NIL;
	ListCell   *lc;

	foreach(lc, keys)
	{
		PlannedKey *key = copy_key(lfirst(lc));

		key->exprs = (List *) compat_adjust_to_child(root, (Node *) key->exprs, child_rel);
		key->guards = (List *) compat_adjust_to_child(root, (Node *) key->guards, child_rel);
		translated = lappend(translated, key);
	}
	return translated;
}

/* ---- sizes and paths ----------------------------------------------------------- */

void
imagebuilderGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel,
							  Oid foreigntableid)
{
	RelPlan    *plan = palloc0(sizeof(RelPlan));
	BoundTable *table = binding_table(foreigntableid);
	double		keys;

	baserel->fdw_private = plan;
	plan->key.root = root;
	plan->key.relid = baserel->relid;
	plan->key.columns = binding_key_columns(table, baserel->max_attr);
	key_collect_statement_operands(&plan->key);
	plan->operation = table->operation->name;
	plan->rows = table->table ? table->table->rows : DEFAULT_ROWS;
	plan->pages = table->operation->page_size > 0 ?
		Max(1, plan->rows / table->operation->page_size) : 1;
	plan->partition = conditions_of_partition(foreigntableid, plan->key.columns);
	plan->own = conditions_classify(&plan->key, clauses_of(baserel, NULL));
	plan->selectivity =
		clauselist_selectivity(root, plan->own.others, baserel->relid, JOIN_INNER, NULL);
	cost_qual_eval(&plan->quals, plan->own.others, root);

	baserel->tuples = IMAGES * plan->rows;
	keys = key_estimate(root, plan->own.key, plan->own.exprs);
	baserel->rows = clamp_row_est((keys < 0 ? IMAGES : keys) * plan->rows * plan->selectivity);
	baserel->reltarget->width = get_relation_data_width(foreigntableid, NULL);
}

/* Add a path to a relation; "conditions" are those in "clauses". */
static void
add_scan_path(PlannerInfo *root, RelOptInfo *rel, ParamPathInfo *param,
			  const Conditions *conditions, List *clauses)
{
	const RelPlan *plan = rel->fdw_private;
	PlannedKey *key = key_of_conditions(rel, conditions, clauses);
	double		keys = key_estimate(root, conditions->key, conditions->exprs);
	double		tuples = Max(keys, 0) * plan->rows;
	double		rows = param ? clamp_row_est(tuples * plan->selectivity) : rel->rows;
	QualCost	quals = plan->quals;
	Cost		startup = quals.startup + rel->reltarget->cost.startup;
	Cost		run = tuples * (cpu_tuple_cost + quals.per_tuple) +
		rows * rel->reltarget->cost.per_tuple;

	if (keys < 0)
		startup += NO_KEY_COST;
	else if (keys > 0)
	{
		/*
		 * A read-ahead overlaps the look-ups of a join's inner scans, as a scan
		 * overlaps those of a list.
		 */
		startup += param ? PLAN_LOOKUP_COST / PLAN_LOOKUPS_AT_ONCE : PLAN_LOOKUP_COST;
		run += (keys - 1) * PLAN_LOOKUP_COST / PLAN_LOOKUPS_AT_ONCE;
		/* The pages of a list are asked for one after another. */
		run += keys * (plan->pages - 1) * PLAN_LOOKUP_COST;
	}
	if (param)
		param->ppi_rows = rows;
	add_path(rel, (Path *) compat_foreign_path(root, rel, rows, keys < 0, startup, startup + run,
											   param ? param->ppi_req_outer :
											   rel->lateral_relids, list_make1(key)));
}

/*
 * True if an equivalence class's member is a key column; called by
 * generate_implied_equalities_for_column().
 */
static bool
is_key_member(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec,
			  EquivalenceMember *em, void *arg)
{
	(void) root;
	(void) rel;
	(void) ec;
	return key_is_column(arg, em->em_expr);
}

/* Return the join conditions that are keys once the other side gives parameters. */
static List *
join_conditions(PlannerInfo *root, RelOptInfo *rel)
{
	const RelPlan *plan = rel->fdw_private;
	KeyContext	context = plan->key;
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
	const RelPlan *plan = baserel->fdw_private;
	List	   *params = NIL;
	ListCell   *lc;

	(void) foreigntableid;
	add_scan_path(root, baserel, NULL, &plan->own, clauses_of(baserel, NULL));

	foreach(lc, join_conditions(root, baserel))
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		Relids		outer = bms_union(rinfo->clause_relids, baserel->lateral_relids);

		outer = bms_del_member(outer, baserel->relid);
		if (!bms_is_empty(outer))
			params = list_append_unique_ptr(params,
											get_baserel_parampathinfo(root, baserel, outer));
	}
	foreach(lc, params)
	{
		ParamPathInfo *param = lfirst(lc);
		List	   *clauses = clauses_of(baserel, param);
		Conditions	conditions = conditions_classify(&plan->key, clauses);

		/*
		 * PostgreSQL may have picked another equality of an equivalence class for these
		 * clauses, one that is no key.
		 */
		if (conditions.key)
			add_scan_path(root, baserel, param, &conditions, clauses);
	}
}

/* Return the attribute numbers that a scan must fill, as a list of integers. */
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
	const RelPlan *plan = baserel->fdw_private;
	Conditions	conditions = conditions_classify(&plan->key,
												 extract_actual_clauses(scan_clauses, false));
	List	   *recheck_quals = NIL;

	(void) foreigntableid;
	(void) best_path;
	/* EvalPlanQual checks conditions again only in statements that lock or write rows. */
	if (root->rowMarks)
		recheck_quals = list_concat_copy(conditions.key_quals, conditions.guards);
	return make_foreignscan(tlist, conditions.others, baserel->relid,
							list_make3(conditions.exprs, conditions.guards, conditions.key_quals),
							list_make5(conditions.key,
									   needed_attributes(baserel, conditions.others),
									   plan->partition.arn_filter,
									   makeString(pstrdup(plan->operation)),
									   conditions.key ? NIL :
									   keyless_reasons(&plan->key, baserel, conditions.others)),
							NIL, recheck_quals, outer_plan);
}
