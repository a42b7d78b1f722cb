/*
 * keyless.c: why a scan has no key, and what its statement could say instead.
 *
 * Only the planner knows the statement's shape, but the error is raised when the scan
 * is run, so that EXPLAIN works.  So the planner puts the reasons into the plan.
 */
#include "postgres.h"

#include "aws/arn.h"
#include "fdw/fdw.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/planmain.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/*
 * Reasons why a scan may have no key, as sentences of a hint; %1$s is the key column's
 * name.
 */
static const char other_condition[] = " Only =, IN and = ANY on %1$s tell what to look up: LIKE, <> and functions of it do not.";
static const char or_arms[] = " Each arm of OR must say it; beside OR, write %1$s = ANY (ARRAY(SELECT ...)) for IN (SELECT ...).";
static const char build_version[] = " What build_version_arn holds is known only afterwards: compare %1$s.";
static const char join_order[] = " FULL JOIN, and the side of LEFT or RIGHT JOIN whose rows are all kept, cannot look up row by row: turn the join around, or write %1$s = ANY (ARRAY(SELECT ...)).";
static const char no_source[] = " Of the tables joined, one must have the ARNs from elsewhere: a constant, a parameter, or a table of your own.";
static const char many_tables[] = " Of more tables than join_collapse_limit, name first the one that has the ARNs.";
static const char outer_query[] = " Where GROUP BY, DISTINCT, a window function, UNION, or a UNION ALL's arm with WHERE is between table and condition, write %1$s = ANY (ARRAY(SELECT ...)) inside, or LATERAL (SELECT ... WHERE %1$s = ... OFFSET 0).";

static bool
has_or(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return is_orclause(node) || expression_tree_walker(node, has_or, context);
}

static bool
has_key_column(const KeyContext *context, Expr *expr)
{
	return bms_overlap(binding_columns_in((Node *) expr, context->relid), context->columns);
}

/* True if a join condition, in an equivalence class or not, has a key column. */
static bool
is_joined_by_key(const KeyContext *context, RelOptInfo *rel)
{
	ListCell   *lc;

	foreach(lc, rel->joininfo)
	{
		if (has_key_column(context, lfirst_node(RestrictInfo, lc)->clause))
			return true;
	}
	foreach(lc, rel->has_eclass_joins ? context->root->eq_classes : NIL)
	{
		EquivalenceClass *class = lfirst(lc);
		ListCell   *member;

		foreach(member, bms_is_member(rel->relid, class->ec_relids) ? class->ec_members : NIL)
		{
			if (has_key_column(context, ((EquivalenceMember *) lfirst(member))->em_expr))
				return true;
		}
	}
	return false;
}

/* True if a statement has an outer join, which fixes the order of tables. */
static bool
has_outer_join(PlannerInfo *root)
{
	ListCell   *lc;

	foreach(lc, root->join_info_list)
	{
		JoinType	type = lfirst_node(SpecialJoinInfo, lc)->jointype;

		if (type == JOIN_LEFT || type == JOIN_FULL || type == JOIN_ANTI)
			return true;
	}
	return false;
}

static List *
add_reason(List *reasons, const char *reason)
{
	return lappend(reasons, makeString(pstrdup(reason)));
}

/*
 * Return the reasons (Strings) why a relation may have no key; "conditions" are the
 * scan's.  NIL: no condition could have been meant as a key.
 */
List *
keyless_reasons(const KeyContext *context, RelOptInfo *rel, List *conditions)
{
	PlannerInfo *root = context->root;
	Bitmapset  *columns = binding_columns_in((Node *) conditions, rel->relid);
	AttrNumber	build_version_arn = get_attnum(planner_rt_fetch(rel->relid, root)->relid,
											   "build_version_arn");
	bool		key = bms_overlap(columns, context->columns);
	bool		build = build_version_arn > 0 && bms_is_member(build_version_arn, columns);
	bool		joined = is_joined_by_key(context, rel);
	List	   *reasons = NIL;

	if (key)
		reasons = add_reason(reasons, has_or((Node *) conditions, NULL) ? or_arms :
							 other_condition);
	else if (build)
		reasons = add_reason(reasons, build_version);
	if (joined && !key)
		reasons = add_reason(reasons, bms_num_members(root->all_baserels) >
							 Min(join_collapse_limit, from_collapse_limit) ?
							 many_tables : has_outer_join(root) ? join_order : no_source);
	if (root->parent_root && !joined && !key && !build)
		reasons = add_reason(reasons, outer_query);
	return reasons;
}

/*
 * Return the first parameter that the keys of a scan leave open, and the name of its
 * column; NULL if the table has no such column.
 */
static const char *
open_column(Relation relation, const BoundTable *table, List *keys, int *parameter)
{
	EchoColumns echo = binding_echo_columns(table, RelationGetDescr(relation));
	int			attnum;

	*parameter = 0;
	while (list_nth(keys, *parameter))
		(*parameter)++;
	attnum = bms_next_member(echo.parameters[*parameter], -1);
	return attnum < 0 ? NULL : NameStr(TupleDescAttr(RelationGetDescr(relation), attnum - 1)->attname);
}

/*
 * Return a sentence, with a blank, about a key's values, or the table that lists ARNs for
 * it; "" if none.
 */
static char *
values_for(const Operation *operation)
{
	const SchemaTable *list = operation->builds ? schema_find_table(operation->builds) : NULL;

	if (operation->values)
		return psprintf(" The values are %s.", operation->values);
	return list && schema_operation(list)->target == TARGET_SCOPE ?
		psprintf(" The table \"%s\" lists the ARNs of builds.", list->name) : "";
}

/*
 * Raise HV002, with a hint: the WHERE clause that the table needs for the keys it leaves
 * open, where ARNs are listed, and a sentence for each reason.
 */
void
keyless_reject(Relation relation, List *keys, List *reasons)
{
	BoundTable *table = binding_table(RelationGetRelid(relation));
	int			parameter;
	const char *column = open_column(relation, table, keys, &parameter);
	const char *name = column ? column : binding_parameter_name(table, parameter);
	const char *kind = table->operation->parameters[parameter].kind;
	bool		is_arn = strcmp(kind, "text") != 0;
	StringInfoData more;
	ListCell   *lc;

	initStringInfo(&more);
	foreach(lc, reasons)
		appendStringInfo(&more, strVal(lfirst(lc)), name);
	ereport(ERROR,
			(errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
			 is_arn ?
			 errmsg("foreign table \"%s\" can be read by %s ARN only",
					RelationGetRelationName(relation), arn_kind_noun(kind)) :
			 errmsg("foreign table \"%s\" can be read by %s only",
					RelationGetRelationName(relation), name),
			 column == NULL ?
			 errhint("Add a column \"%s\" to it, or one with the option path '@%s'.",
					 name, table->operation->parameters[parameter].name) :
			 errhint("Add WHERE %s = '%s', or join on that column.%s%s", column,
					 is_arn ? arn_kind_form(kind, "aws", true) : "...",
					 values_for(table->operation), more.data)));
}
