/*
 * plan.c: planning of foreign scans.
 *
 * A scan needs a value for each parameter of its operation.  A path that leaves one open
 * is offered too, since the planner needs a path and EXPLAIN must not fail, at a cost that
 * any other path beats.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "fdw/fdw.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "rewrite/rewriteManip.h"
#include "utils/rel.h"

/*
 * Cost of a path that leaves a parameter open, beyond any other path's cost.  PostgreSQL
 * before 18 adds 1e10 for each node that is disabled, each time that the node is run.
 */
#define NO_KEY_COST			1.0e30

/*
 * Cost of a look-up's round trip over the network, in the planner's units: the default
 * of postgres_fdw's fdw_startup_cost.
 */
#define LOOKUP_COST			100.0

/*
 * Look-ups that the planner takes to be under way at once: the default of
 * max_concurrency.
 */
#define LOOKUPS_AT_ONCE		16.0

/*
 * Number of values of a parameter, images say, as far as joins are concerned.  The planner
 * takes a column without statistics to have 200 values: then each row joined finds one
 * image.
 */
#define VALUES				200.0

/* Rows expected for a response, or pages of a list, of a table that is not in the schema. */
#define DEFAULT_ROWS		10.0

/* State of a relation's planning, kept in RelOptInfo.fdw_private. */
typedef struct RelPlan
{
	KeyContext	context;		/* of no parameter */
	double		rows;			/* rows expected for a request, before filters */
	double		pages;			/* pages expected for a request */
	Conditions	partition;		/* see conditions_of_partition() */
	Conditions	own;			/* the relation's own conditions */
	double		selectivity;	/* selectivity of own.others */
	QualCost	quals;			/* cost of checking own.others */
} RelPlan;

/* ---- what a path will look up ------------------------------------------------- */

/*
 * Return keys, without their expressions and guards, as a List that plans can be copied
 * with; plan_key_from_list() reads the List.
 */
List *
plan_key_to_list(const PlannedKey *key)
{
	return list_make4(key->keys, key->asked,
					  list_make3_oid(key->table, key->serverid, key->userid),
					  makeString(pstrdup(key->operation->name)));
}

PlannedKey *
plan_key_from_list(List *list)
{
	PlannedKey *key = palloc0(sizeof(PlannedKey));

	key->keys = linitial(list);
	key->asked = lsecond(list);
	key->table = linitial_oid(lthird(list));
	key->serverid = lsecond_oid(lthird(list));
	key->userid = lthird_oid(lthird(list));
	key->operation = operation_find(strVal(lfourth(list)), false);
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
 * Return the keys of a scan with certain conditions.  The guards include PostgreSQL's
 * gating conditions, and the conditions on an outer row that follow from a partition's
 * constraint: PostgreSQL prunes the partition for a row that fails them.
 */
static PlannedKey *
key_of_conditions(const RelOptInfo *rel, Oid table, const Conditions *conditions, List *rinfos)
{
	const RelPlan *plan = rel->fdw_private;
	PlannedKey *key = palloc(sizeof(PlannedKey));

	key->keys = conditions->keys;
	key->exprs = conditions->exprs;
	key->guards = list_concat_copy(conditions->guards,
								   conditions_partition_guards(&plan->context,
															   &plan->partition, rinfos));
	key->asked = list_concat(conditions_static(&plan->context, conditions->asked),
							 plan->partition.asked);
	key->operation = plan->context.operation;
	key->table = table;
	key->serverid = rel->serverid;
	key->userid = rel->userid;
	return key;
}

/*
 * Return a copy of the keys of a path's scan; NULL if the scan leaves one open, or does not
 * make its requests by keys alone.
 */
PlannedKey *
plan_key_of_path(const ForeignPath *path)
{
	const PlannedKey *key = linitial(path->fdw_private);

	return key->operation->target == TARGET_ARN && !list_member_ptr(key->keys, NIL) ?
		copy_key(key) : NULL;
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

/* Return how many requests a scan is expected to make; 0 if a parameter is left open. */
static double
estimate_requests(PlannerInfo *root, const Conditions *conditions)
{
	double		requests = 1;
	ListCell   *lc;

	foreach(lc, conditions->keys)
		requests *= lfirst(lc) ? key_estimate(root, lfirst(lc), conditions->exprs) : 0;
	return requests;
}

void
imagebuilderGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel,
							  Oid foreigntableid)
{
	RelPlan    *plan = palloc0(sizeof(RelPlan));
	Relation	relation = table_open(foreigntableid, NoLock);
	BoundTable *table = binding_table(foreigntableid);
	KeyContext *context = &plan->context;
	double		tuples;

	baserel->fdw_private = plan;
	context->operation = table->operation;
	context->echo = binding_echo_columns(table, RelationGetDescr(relation));
	context->root = root;
	context->relid = baserel->relid;
	context->columns = context->echo.key;
	key_collect_statement_operands(context);
	plan->rows = table->table ? table->table->rows :
		DEFAULT_ROWS * Max(1, table->operation->page_size);
	plan->pages = table->operation->page_size > 0 ?
		Max(1, plan->rows / table->operation->page_size) : 1;
	plan->partition = conditions_of_partition(relation, &context->echo);
	table_close(relation, NoLock);
	plan->own = conditions_classify(context, baserel->baserestrictinfo);
	plan->selectivity =
		clauselist_selectivity(root, plan->own.others, baserel->relid, JOIN_INNER, NULL);
	cost_qual_eval(&plan->quals, plan->own.others, root);

	baserel->tuples = (table->operation->nparameters > 0 ? VALUES : 1) * plan->rows;
	tuples = plan->own.complete ? estimate_requests(root, &plan->own) * plan->rows :
		baserel->tuples;
	baserel->rows = clamp_row_est(tuples * plan->selectivity);
	baserel->reltarget->width = get_relation_data_width(foreigntableid, NULL);
}

/* Add a path to a relation; "conditions" are those in "rinfos". */
static void
add_scan_path(PlannerInfo *root, RelOptInfo *rel, Oid table, ParamPathInfo *param,
			  const Conditions *conditions, List *rinfos)
{
	const RelPlan *plan = rel->fdw_private;
	PlannedKey *key = key_of_conditions(rel, table, conditions, rinfos);
	double		requests = estimate_requests(root, conditions);
	double		tuples = requests * plan->rows;
	double		rows = param ? clamp_row_est(tuples * plan->selectivity) : rel->rows;
	QualCost	quals = plan->quals;
	Cost		startup = quals.startup + rel->reltarget->cost.startup;
	Cost		run = tuples * (cpu_tuple_cost + quals.per_tuple) +
		rows * rel->reltarget->cost.per_tuple;

	if (!conditions->complete)
		startup += NO_KEY_COST;
	else if (requests > 0)
	{
		/*
		 * A read-ahead overlaps the look-ups of a join's inner scans, as a scan
		 * overlaps those of a list.
		 */
		startup += param ? LOOKUP_COST / LOOKUPS_AT_ONCE : LOOKUP_COST;
		run += (requests - 1) * LOOKUP_COST / LOOKUPS_AT_ONCE;
		/* The pages of a list are asked for one after another. */
		run += requests * (plan->pages - 1) * LOOKUP_COST;
	}
	if (param)
		param->ppi_rows = rows;
	add_path(rel, (Path *) compat_foreign_path(root, rel, rows, !conditions->complete, startup,
											   startup + run,
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
	return key_is_column(arg, em->em_expr);
}

/* Return the join conditions that are keys once the other side gives parameters. */
static List *
join_conditions(PlannerInfo *root, RelOptInfo *rel)
{
	const RelPlan *plan = rel->fdw_private;
	KeyContext	context = plan->context;
	List	   *conditions = NIL;
	ListCell   *lc;

	foreach(lc, rel->joininfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		bool		exact = true;

		if (join_clause_is_movable_to(rinfo, rel) && key_extract(&context, rinfo->clause, &exact))
			conditions = lappend(conditions, rinfo);
	}
	/* PostgreSQL stops at the first equivalence class, and so takes one parameter a call. */
	for (int i = 0; rel->has_eclass_joins && i < plan->context.operation->nparameters; i++)
	{
		context.columns = plan->context.echo.parameters[i];
		conditions = list_concat(conditions,
								 generate_implied_equalities_for_column(root, rel,
																		is_key_member, &context,
																		rel->lateral_referencers));
	}
	return conditions;
}

/*
 * Return the sets of other relations whose rows may give a relation's scan its keys, as
 * ParamPathInfos: those of each join condition, and, since an operation may have several
 * parameters, all of them together.
 */
static List *
sets_of_outer_relations(PlannerInfo *root, RelOptInfo *rel)
{
	List	   *params = NIL;
	Relids		all = NULL;
	ListCell   *lc;

	foreach(lc, join_conditions(root, rel))
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		Relids		outer = bms_union(rinfo->clause_relids, rel->lateral_relids);

		outer = bms_del_member(outer, rel->relid);
		if (bms_is_empty(outer))
			continue;
		params = list_append_unique_ptr(params, get_baserel_parampathinfo(root, rel, outer));
		all = bms_add_members(all, outer);
	}
	if (list_length(params) > 1 &&
		((RelPlan *) rel->fdw_private)->context.operation->nparameters > 1)
		params = list_append_unique_ptr(params, get_baserel_parampathinfo(root, rel, all));
	return params;
}

void
imagebuilderGetForeignPaths(PlannerInfo *root, RelOptInfo *baserel,
							Oid foreigntableid)
{
	const RelPlan *plan = baserel->fdw_private;
	ListCell   *lc;

	add_scan_path(root, baserel, foreigntableid, NULL, &plan->own, baserel->baserestrictinfo);
	foreach(lc, sets_of_outer_relations(root, baserel))
	{
		ParamPathInfo *param = lfirst(lc);
		List	   *rinfos = list_concat_copy(baserel->baserestrictinfo, param->ppi_clauses);
		Conditions	conditions = conditions_classify(&plan->context, rinfos);

		/*
		 * PostgreSQL may have picked another equality of an equivalence class for these
		 * conditions, one that is no key.
		 */
		if (conditions.complete)
			add_scan_path(root, baserel, foreigntableid, param, &conditions, rinfos);
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
	Conditions	conditions;
	List	   *rinfos = NIL;
	List	   *asked = copyObject(plan->partition.asked);
	List	   *recheck_quals = NIL;
	ListCell   *lc;

	foreach(lc, scan_clauses)
	{
		if (!lfirst_node(RestrictInfo, lc)->pseudoconstant)
			rinfos = lappend(rinfos, lfirst(lc));
	}
	conditions = conditions_classify(&plan->context, rinfos);
	ChangeVarNodes((Node *) asked, 1, baserel->relid, 0);
	/* EvalPlanQual checks conditions again only in statements that lock or write rows. */
	if (root->rowMarks)
		recheck_quals = list_concat_copy(conditions.key_quals, conditions.guards);
	return make_foreignscan(tlist, conditions.others, baserel->relid,
							list_make4(conditions.exprs, conditions.guards, conditions.key_quals,
									   list_concat(asked, conditions.asked)),
							list_make3(conditions.keys,
									   needed_attributes(baserel, conditions.others),
									   conditions.complete ? NIL :
									   keyless_reasons(&plan->context, baserel,
													   conditions.others)),
							NIL, recheck_quals, outer_plan);
}
