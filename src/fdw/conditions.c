/*
 * conditions.c: a foreign table's conditions, split into key, guards and the rest.
 *
 * A guard is a condition that needs no row of the table: it compares an outer row's
 * columns, parameters and constants only.  A scan checks its guards before it makes any
 * request.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fdw/conditions.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

/* Column and an expression that a condition equates with it. */
typedef struct ColumnValue
{
	AttrNumber	attnum;
	Expr	   *value;			/* has no column of the relation */
} ColumnValue;

static Expr *
strip_relabel(Expr *expr)
{
	while (expr && IsA(expr, RelabelType))
		expr = ((RelabelType *) expr)->arg;
	return expr;
}

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

static List *
add_value(List *values, AttrNumber attnum, Expr *expr)
{
	ColumnValue *value = palloc(sizeof(ColumnValue));

	value->attnum = attnum;
	value->value = expr;
	return lappend(values, value);
}

/*
 * Return the conditions column = expression (as ColumnValue) whose expression needs no
 * row of the relation and can replace the column in any other condition.
 */
static List *
column_values(const KeyContext *context, List *clauses)
{
	List	   *values = NIL;
	ListCell   *lc;

	foreach(lc, clauses)
	{
		OpExpr	   *op = lfirst(lc);

		if (!IsA(op, OpExpr) || list_length(op->args) != 2 ||
			!op_mergejoinable(op->opno, exprType(linitial(op->args))) || !equality_is_bitwise(op))
			continue;
		for (int i = 0; i < 2; i++)
		{
			const Var  *column = key_var(list_nth(op->args, i), context->relid);
			Expr	   *other = strip_relabel(list_nth(op->args, 1 - i));

			if (column && key_is_known(context, other) &&
				exprType((Node *) other) == column->vartype)
				values = add_value(values, column->varattno, other);
		}
	}
	return values;
}

typedef struct ColumnReplacement
{
	Index		relid;
	List	   *values;			/* of ColumnValue */
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
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Var) || ((Var *) node)->varno != (int) replacement->relid)
		return expression_tree_mutator(node, replace_columns, context);
	foreach(lc, replacement->values)
	{
		ColumnValue *value = lfirst(lc);

		if (value->attnum == ((Var *) node)->varattno)
			return (Node *) copyObject(value->value);
	}
	replacement->missing = true;
	return node;
}

/*
 * Return those conditions of a partition's constraint whose columns all have values, with
 * the columns replaced; append the others to *others.
 */
static List *
replace_in_conditions(List *values, List *conditions, List **others)
{
	List	   *done = NIL;
	ListCell   *lc;

	foreach(lc, conditions)
	{
		/* A partition constraint's columns are relation 1's. */
		ColumnReplacement replacement = {1, values, false};
		Node	   *condition = replace_columns(lfirst(lc), &replacement);

		if (replacement.missing)
			*others = lappend(*others, lfirst(lc));
		else
			done = lappend(done, condition);
	}
	return done;
}

/*
 * Return the keys that follow from two conditions together, arn = x and x = value,
 * where x is another column of the relation.  PostgreSQL derives these two from an
 * equivalence class of arn, x and value.
 */
static List *
implied_keys(KeyContext *context, List *clauses, List **key_quals)
{
	ColumnReplacement replacement = {
		context->relid, column_values(context, clauses), false
	};
	List	   *keys = NIL;
	ListCell   *lc;

	foreach(lc, replacement.values ? clauses : NIL)
	{
		bool		exact = true;
		Expr	   *clause = (Expr *) replace_columns(lfirst(lc), &replacement);
		List	   *key = key_extract(context, clause, &exact);

		if (key)
		{
			keys = lappend(keys, key);
			*key_quals = lappend(*key_quals, clause);
		}
	}
	return keys;
}

/* Sort the conditions of a relation's scan, given as clauses without RestrictInfo. */
Conditions
conditions_classify(const KeyContext *relation, List *clauses)
{
	Conditions	conditions = {0};
	KeyContext	context = *relation;
	List	   *keys = NIL;
	ListCell   *lc;

	foreach(lc, clauses)
	{
		Expr	   *clause = lfirst(lc);
		bool		exact = true;
		List	   *key;

		if (key_is_known(&context, clause))
		{
			conditions.guards = lappend(conditions.guards, clause);
			continue;
		}
		key = key_extract(&context, clause, &exact);
		if (key)
		{
			keys = lappend(keys, key);
			conditions.key_quals = lappend(conditions.key_quals, clause);
		}
		if (!key || !exact)
			conditions.others = lappend(conditions.others, clause);
	}
	if (keys == NIL)
		keys = implied_keys(&context, clauses, &conditions.key_quals);
	if (keys)
		conditions.key = list_make2(makeInteger(KEY_AND), keys);
	conditions.exprs = context.exprs;
	return conditions;
}

/*
 * Return the conditions of a table's partition constraint, none if the table is no
 * partition.  PostgreSQL assumes that a foreign partition's rows satisfy the
 * constraint, but scans every partition that it does not prune.
 */
PartitionConditions
conditions_of_partition(Oid table, Bitmapset *key_columns)
{
	PartitionConditions conditions = {0};
	Relation	relation = table_open(table, NoLock);
	List	   *quals = relation->rd_rel->relispartition ? RelationGetPartitionQual(relation) : NIL;
	List	   *arns = NIL;
	int			attnum = -1;

	table_close(relation, NoLock);
	while (quals && (attnum = bms_next_member(key_columns, attnum)) >= 0)
	{
		Oid			type;
		int32		typmod;
		Oid			collation;

		get_atttypetypmodcoll(table, attnum, &type, &typmod, &collation);
		if (key_keeps_value(makeVar(1, attnum, type, typmod, collation, 0)))
			arns = add_value(arns, attnum, (Expr *) makeVar(1, 1, TEXTOID, -1, collation, 0));
	}
	conditions.arn_filter = replace_in_conditions(arns, quals, &conditions.others);
	return conditions;
}

/*
 * Return the guards that follow from a partition's constraint and the conditions of a
 * scan.  Such a guard only prevents look-ups ahead.
 */
List *
conditions_partition_guards(const KeyContext *context, const PartitionConditions *partition,
							List *clauses)
{
	List	   *unknown = NIL;

	if (partition->others == NIL)
		return NIL;
	return replace_in_conditions(column_values(context, clauses), partition->others, &unknown);
}
