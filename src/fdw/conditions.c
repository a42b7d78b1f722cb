/*
 * conditions.c: a foreign table's conditions, split into keys, guards and the rest.
 *
 * A guard is a condition that needs no row of the table: it compares an outer row's
 * columns, parameters and constants only.  A scan checks its guards before it makes any
 * request.  Other conditions need of a row only what the request will repeat: a scan
 * checks these on what it is about to ask for, and leaves out what no row could satisfy.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "fdw/fdw.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

/*
 * True if values that an operator calls equal give equal results in any expression.
 * They do not under a collation that is not deterministic, nor as numeric, where 1.0
 * equals 1.00.  B-tree operator classes answer this for index deduplication
 * (BTEQUALIMAGE_PROC).
 */
static bool
equality_is_bitwise(const OpExpr *op)
{
	TypeCacheEntry *type = lookup_type_cache(exprType(linitial(op->args)),
											 TYPECACHE_BTREE_OPFAMILY);
	Oid			function = !OidIsValid(type->btree_opf) ? InvalidOid :
		get_opfamily_proc(type->btree_opf, type->btree_opintype, type->btree_opintype,
						  BTEQUALIMAGE_PROC);

	return OidIsValid(function) &&
		DatumGetBool(OidFunctionCall1Coll(function, op->inputcollid,
										  ObjectIdGetDatum(type->btree_opintype)));
}

/*
 * Return, as a target list by attribute numbers, the expressions that conditions equate
 * with columns and that need no row of the relation and can replace the column in any
 * other condition.
 */
static List *
column_values(const KeyContext *context, List *rinfos)
{
	List	   *values = NIL;
	ListCell   *lc;

	foreach(lc, rinfos)
	{
		OpExpr	   *op = (OpExpr *) lfirst_node(RestrictInfo, lc)->clause;

		if (!IsA(op, OpExpr) || list_length(op->args) != 2 ||
			!op_mergejoinable(op->opno, exprType(linitial(op->args))) || !equality_is_bitwise(op))
			continue;
		for (int i = 0; i < 2; i++)
		{
			const Var  *column = key_var(list_nth(op->args, i), context->relid);
			Expr	   *other = list_nth(op->args, 1 - i);

			while (IsA(other, RelabelType))
				other = ((RelabelType *) other)->arg;
			if (column && key_is_known(context, other) &&
				exprType((Node *) other) == column->vartype)
				values = lappend(values, makeTargetEntry(other, column->varattno, NULL, false));
		}
	}
	return values;
}

typedef struct ColumnReplacement
{
	Index		relid;
	List	   *values;			/* see column_values() */
	bool		missing;		/* a column has been found that has no value */
} ColumnReplacement;

/*
 * Return an expression with columns replaced by the values that conditions equate with
 * them.
 */
static Node *
replace_columns(Node *node, void *context)
{
	ColumnReplacement *replacement = context;
	TargetEntry *value;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Var) || ((Var *) node)->varno != (int) replacement->relid)
		return expression_tree_mutator(node, replace_columns, context);
	value = get_tle_by_resno(replacement->values, ((Var *) node)->varattno);
	if (value)
		return copyObject((Node *) value->expr);
	replacement->missing = true;
	return node;
}

/*
 * Return the keys that follow from two conditions together, arn = x and x = value,
 * where x is another column of the relation.  PostgreSQL derives these two from an
 * equivalence class of arn, x and value.
 */
static List *
implied_keys(KeyContext *context, List *rinfos, List **key_quals)
{
	ColumnReplacement replacement = {
		context->relid, column_values(context, rinfos), false
	};
	List	   *keys = NIL;
	ListCell   *lc;

	foreach(lc, replacement.values ? rinfos : NIL)
	{
		bool		exact = true;
		Expr	   *clause = (Expr *)
			replace_columns((Node *) lfirst_node(RestrictInfo, lc)->clause, &replacement);
		List	   *key = key_extract(context, clause, &exact);

		if (key)
		{
			keys = lappend(keys, key);
			*key_quals = lappend(*key_quals, clause);
		}
	}
	return keys;
}

/*
 * Return what conditions say of the context's parameter; NIL if they leave it open.
 * Appends to *key_quals; sets the members of "exact", one a condition, of conditions that
 * say no more than the key.
 */
static List *
key_of_parameter(KeyContext *context, List *rinfos, List **key_quals, bool *exact)
{
	List	   *keys = NIL;
	ListCell   *lc;

	foreach(lc, rinfos)
	{
		Expr	   *clause = lfirst_node(RestrictInfo, lc)->clause;
		bool		is_exact = true;
		List	   *key = key_extract(context, clause, &is_exact);

		if (key)
		{
			keys = lappend(keys, key);
			*key_quals = list_append_unique_ptr(*key_quals, clause);
			exact[foreach_current_index(lc)] |= is_exact;
		}
	}
	if (keys == NIL)
		keys = implied_keys(context, rinfos, key_quals);
	return keys ? list_make2(makeInteger(KEY_AND), keys) : NIL;
}

/*
 * True if a condition may be checked on what is about to be asked for.  Its result must
 * depend on columns that repeat what was asked, and checking it must do no harm if no row
 * has these values, or if another condition, of a security barrier, hides the row: it
 * must neither fail nor show the values, but for conditions on Region and account alone,
 * which no barrier protects.
 */
static bool
is_asked(const KeyContext *relation, const RestrictInfo *rinfo)
{
	const EchoColumns *echo = &relation->echo;
	Node	   *clause = (Node *) rinfo->clause;
	Bitmapset  *columns;

	if (echo->unchanged == NULL || rinfo->pseudoconstant)
		return false;
	columns = binding_columns_in(clause, relation->relid);
	if (!bms_is_subset(columns, echo->unchanged) || contain_volatile_functions(clause))
		return false;
	return !contain_leaked_vars(clause) ||
		(relation->operation->target == TARGET_SCOPE &&
		 !bms_overlap(columns, echo->key) && rinfo->security_level <=
		 find_base_rel(relation->root, relation->relid)->baserestrict_min_security);
}

/* Sort the conditions of a relation's scan, given as RestrictInfos. */
Conditions
conditions_classify(const KeyContext *relation, List *rinfos)
{
	Conditions	conditions = {.complete = true};
	KeyContext	context = *relation;
	bool	   *exact;
	List	   *rest = NIL;
	ListCell   *lc;

	foreach(lc, rinfos)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (key_is_known(&context, rinfo->clause))
			conditions.guards = lappend(conditions.guards, rinfo->clause);
		else
			rest = lappend(rest, rinfo);
	}
	exact = palloc0((list_length(rest) + 1) * sizeof(bool));
	for (int i = 0; i < relation->operation->nparameters; i++)
	{
		List	   *key;

		context.columns = relation->echo.parameters[i];
		key = key_of_parameter(&context, rest, &conditions.key_quals, exact);
		conditions.keys = lappend(conditions.keys, key);
		conditions.complete &= key != NIL;
	}
	foreach(lc, rest)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (exact[foreach_current_index(lc)])
			continue;
		conditions.others = lappend(conditions.others, rinfo->clause);
		if (is_asked(relation, rinfo))
			conditions.asked = lappend(conditions.asked, rinfo->clause);
	}
	conditions.exprs = context.exprs;
	return conditions;
}

/*
 * Return the conditions of a table's partition constraint, "asked" and "others" as columns
 * of relation 1; none if the table is no partition.  PostgreSQL assumes that a foreign
 * partition's rows satisfy the constraint, but scans every partition that it does not
 * prune.
 */
Conditions
conditions_of_partition(Relation relation, const EchoColumns *echo)
{
	Conditions	conditions = {0};
	List	   *quals = relation->rd_rel->relispartition ? RelationGetPartitionQual(relation) : NIL;
	ListCell   *lc;

	foreach(lc, quals)
	{
		BooleanTest *test = makeNode(BooleanTest);

		if (!bms_is_subset(binding_columns_in(lfirst(lc), 1), echo->unchanged))
		{
			conditions.others = lappend(conditions.others, lfirst(lc));
			continue;
		}
		/* A constraint holds unless it is false. */
		test->arg = lfirst(lc);
		test->booltesttype = IS_NOT_FALSE;
		test->location = -1;
		conditions.asked = lappend(conditions.asked, expression_planner((Expr *) test));
	}
	return conditions;
}

/*
 * Return the guards that follow from a partition's constraint and the conditions of a
 * scan.  Such a guard only prevents look-ups ahead.
 */
List *
conditions_partition_guards(const KeyContext *relation, const Conditions *partition,
							List *rinfos)
{
	List	   *values = partition->others ? column_values(relation, rinfos) : NIL;
	List	   *guards = NIL;
	ListCell   *lc;

	foreach(lc, partition->others)
	{
		ColumnReplacement replacement = {1, values, false};
		Node	   *guard = replace_columns(lfirst(lc), &replacement);

		if (!replacement.missing)
			guards = lappend(guards, guard);
	}
	return guards;
}

/*
 * Return those of a scan's "asked" conditions that can be checked outside of the scan, as
 * columns of relation 1: they need no outer row.
 */
List *
conditions_static(const KeyContext *relation, List *asked)
{
	int			relid = relation->relid;
	List	   *found = NIL;
	ListCell   *lc;

	foreach(lc, asked)
	{
		Node	   *condition = lfirst(lc);

		if (key_depends_on_rows(condition, &relid))
			continue;
		condition = copyObject(condition);
		ChangeVarNodes(condition, relid, 1, 0);
		found = lappend(found, condition);
	}
	return found;
}
