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
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
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
	double		rows;			/* rows expected for a response, before filters */
	PartitionConditions partition;
	Conditions	own;			/* the relation's own conditions */
	double		selectivity;	/* selectivity of own.others */
	QualCost	quals;			/* cost of checking own.others */
	double		keys;			/* ARNs expected of own.key; -1: no key */
} RelPlan;

/* Return all clauses of a scan, including gating ones (pseudoconstants). */
static List *
clauses_of(RelOptInfo *rel, ParamPathInfo *param)
{
	List	   *clauses = NIL;
	ListCell   *lc;

	foreach(lc, rel->baserestrictinfo)
		clauses = lappend(clauses, lfirst_node(RestrictInfo, lc)->clause);
	foreach(lc, param ? param->ppi_clauses : NIL)
		clauses = lappend(clauses, lfirst_node(RestrictInfo, lc)->clause);
	return clauses;
}

/*
 * Return how many ARNs a scan's conditions are expected to ask for; -1 if they have no
 * key.
 */
static double
count_keys(PlannerInfo *root, const Conditions *conditions)
{
	return conditions->key ? key_estimate(root, conditions->key, conditions->exprs) : -1;
}

/* ---- what a path will look up ------------------------------------------------- */

/*
 * Return a key as a List that plans can be copied with; plan_key_from_list() reads the
 * List.
 */
List *
plan_key_to_list(const PlannedKey *key)
{
	List	   *list = list_make5(key->key, key->exprs, key->guards, key->arn_filter,
								  list_make2_oid(key->serverid, key->userid));

	return lappend(list, makeString(pstrdup(key->operation)));
}

PlannedKey *
plan_key_from_list(List *list)
{
	PlannedKey *key = palloc0(sizeof(PlannedKey));
	List	   *oids = list_nth(list, 4);

	key->key = linitial(list);
	key->exprs = lsecond(list);
	key->guards = lthird(list);
	key->arn_filter = lfourth(list);
	key->serverid = linitial_oid(oids);
	key->userid = lsecond_oid(oids);
	key->operation = strVal(list_nth(list, 5));
	return key;
}

/*
 * Return the key of a scan with certain conditions, as plan_key_to_list() does.  The
 * guards include PostgreSQL's gating conditions, and the conditions on an outer row
 * that follow from a partition's constraint: PostgreSQL prunes the partition for a row
 * that fails them.
 */
static List *
key_of_conditions(PlannerInfo *root, RelOptInfo *rel, const Conditions *conditions,
				  List *clauses)
{
	const RelPlan *plan = rel->fdw_private;
	PlannedKey	key = {
		.key = conditions->key,
		.exprs = conditions->exprs,
		.guards = list_concat_copy(conditions->guards,
								   conditions_partition_guards(root, rel->relid,
															   &plan->partition, clauses)),
		.arn_filter = plan->partition.arn_filter,
		.operation = plan->operation,
		.serverid = rel->serverid,
		.userid = rel->userid,
	};

	return plan_key_to_list(&key);
}

/* Return the key of a path's scan; NULL if the path has no key. */
PlannedKey *
plan_key_of_path(PlannerInfo *root, ForeignPath *path)
{
	RelOptInfo *rel = path->path.parent;
	const RelPlan *plan = rel->fdw_private;
	PlannedKey *key;

	if (path->fdw_private == NIL)
	{
		List	   *clauses = clauses_of(rel, path->path.param_info);
		Conditions	conditions = conditions_classify(&plan->key, clauses);

		path->fdw_private = key_of_conditions(root, rel, &conditions, clauses);
	}
	key = plan_key_from_list(path->fdw_private);
	return key->key ? key : NULL;
}

/*
 * Forget the key: plan_key_of_path() finds it anew in the conditions of the
 * reparameterized path.
 */
List *
imagebuilderReparameterizeForeignPathByChild(PlannerInfo *root, List *fdw_private,
											 RelOptInfo *child_rel)
{
	(void) root;
	(void) fdw_private;
	(void) child_rel;
	return NIL;
}

/* ---- sizes and paths ----------------------------------------------------------- */

void
imagebuilderGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel,
							  Oid foreigntableid)
{
	RelPlan    *plan = palloc0(sizeof(RelPlan));
	BoundTable *table = binding_table(foreigntableid);

	baserel->fdw_private = plan;
	plan->key.root = root;
	plan->key.relid = baserel->relid;
	plan->key.columns = binding_key_columns(table, baserel->max_attr);
	key_collect_said(&plan->key);
	plan->operation = table->operation->name;
	plan->rows = table->table ? table->table->rows : DEFAULT_ROWS;
	plan->partition = conditions_of_partition(foreigntableid, plan->key.columns);
	plan->own = conditions_classify(&plan->key, clauses_of(baserel, NULL));
	plan->selectivity =
		clauselist_selectivity(root, plan->own.others, baserel->relid, JOIN_INNER, NULL);
	cost_qual_eval(&plan->quals, plan->own.others, root);
	plan->keys = count_keys(root, &plan->own);

	baserel->tuples = IMAGES * plan->rows;
	baserel->rows = clamp_row_est((plan->keys < 0 ? IMAGES : plan->keys) *
								  plan->rows * plan->selectivity);
	baserel->reltarget->width = get_relation_data_width(foreigntableid, NULL);
}

/*
 * Add a path to a relation; "keys" is how many ARNs the path will look up, negative
 * without a key.
 */
static void
add_scan_path(PlannerInfo *root, RelOptInfo *rel, double keys, ParamPathInfo *param,
			  List *key)
{
	RelPlan    *plan = rel->fdw_private;
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
	}
	if (param)
		param->ppi_rows = rows;
	add_path(rel, (Path *) compat_foreign_path(root, rel, rows, keys < 0, startup, startup + run,
											   param ? param->ppi_req_outer :
											   rel->lateral_relids, key));
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

/* Return the join conditions that would be keys, were the other side's rows known. */
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
	add_scan_path(root, baserel, plan->keys, NULL,
				  key_of_conditions(root, baserel, &plan->own, clauses_of(baserel, NULL)));

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
			add_scan_path(root, baserel, count_keys(root, &conditions), param,
						  key_of_conditions(root, baserel, &conditions, clauses));
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

/*
 * True if an expression uses a value from outside of a relation's row: another
 * relation's column or a parameter of the executor.
 */
static bool
is_from_elsewhere(Node *node, void *context)
{
	const Index *relid = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varno != (int) *relid;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
		return true;
	return expression_tree_walker(node, is_from_elsewhere, context);
}

/*
 * Return those conditions that EvalPlanQual must check when another table's row has
 * been changed meanwhile, out of "quals", which the scan's rows satisfy otherwise.
 * Conditions that compare with constants are left out, since an OR of thousands takes
 * seconds to make ready.
 */
static List *
recheck_quals(RelOptInfo *rel, List *quals)
{
	List	   *recheck = NIL;
	ListCell   *lc;

	foreach(lc, quals)
	{
		if (is_from_elsewhere(lfirst(lc), &rel->relid))
			recheck = lappend(recheck, lfirst(lc));
	}
	return recheck;
}

ForeignScan *
imagebuilderGetForeignPlan(PlannerInfo *root, RelOptInfo *baserel,
						   Oid foreigntableid, ForeignPath *best_path,
						   List *tlist, List *scan_clauses, Plan *outer_plan)
{
	const RelPlan *plan = baserel->fdw_private;
	Conditions	conditions = conditions_classify(&plan->key,
												 extract_actual_clauses(scan_clauses, false));

	(void) root;
	(void) foreigntableid;
	(void) best_path;
	return make_foreignscan(tlist, conditions.others, baserel->relid,
							list_make3(conditions.exprs, conditions.guards, conditions.key_quals),
							list_make5(conditions.key,
									   needed_attributes(baserel, conditions.others),
									   plan->partition.arn_filter,
									   makeString(pstrdup(plan->operation)),
									   conditions.key ? NIL :
									   keyless_reasons(&plan->key, baserel, conditions.others)),
							NIL, recheck_quals(baserel, list_concat_copy(conditions.key_quals,
																		 conditions.guards)),
							outer_plan);
}
