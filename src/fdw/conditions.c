/*
 * conditions.c: a foreign table's conditions, split into key, guards and the rest.
 *
 * A guard is a condition that needs no row of the table: it compares an outer row's
 * columns, parameters and constants only.  A scan checks its guards before it makes any
 * request.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "fdw/conditions.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

/*
 * Return one key for several that must all hold, the intersection of their ARNs; NIL
 * for no keys.
 */
static List *
join_keys(List *keys)
{
	if (list_length(keys) <= 1)
		return keys ? linitial(keys) : NIL;
	return list_make2(makeInteger(KEY_AND), keys);
}

static bool
is_guard(PlannerInfo *root, Index relid, Node *clause)
{
	return !bms_is_member(relid, pull_varnos(root, clause)) &&
		!contain_volatile_functions(clause);
}

/* ---- what columns are equal to -------------------------------------------------- */

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
 * Return the attribute number of a column of a relation, perhaps relabeled; 0 for any
 * other expression.
 */
static AttrNumber
column_of(Expr *expr, Index relid)
{
	expr = strip_relabel(expr);
	if (expr && IsA(expr, Var) && ((Var *) expr)->varno == (int) relid &&
		((Var *) expr)->varlevelsup == 0 && ((Var *) expr)->varattno > 0)
		return ((Var *) expr)->varattno;
	return 0;
}

/*
 * True if values that an operator calls equal give equal results in any expression.
 * They do not under a collation that is not deterministic, nor as numeric, where 1.0
 * equals 1.00.  B-tree operator classes answer this for index deduplication
 * (BTEQUALIMAGE_PROC).
 */
static bool
is_same_image(const OpExpr *op)
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
 * Return the equalities (ColumnValue) in a relation's conditions of its columns with
 * expressions that need no row of the relation; "same_image": only equalities by which
 * the expression can replace the column anywhere.
 */
static List *
column_values(PlannerInfo *root, Index relid, List *clauses, bool same_image)
{
	List	   *values = NIL;
	ListCell   *lc;

	foreach(lc, clauses)
	{
		OpExpr	   *op = lfirst(lc);

		if (!IsA(op, OpExpr) || list_length(op->args) != 2 ||
			!op_mergejoinable(op->opno, exprType(linitial(op->args))) ||
			(same_image && !is_same_image(op)))
			continue;
		for (int i = 0; i < 2; i++)
		{
			AttrNumber	attnum = column_of(list_nth(op->args, i), relid);
			Expr	   *other = strip_relabel(list_nth(op->args, 1 - i));

			if (attnum != 0 && is_guard(root, relid, (Node *) other) &&
				exprType((Node *) other) ==
				exprType((Node *) strip_relabel(list_nth(op->args, i))))
			{
				ColumnValue *value = palloc(sizeof(ColumnValue));

				value->attnum = attnum;
				value->value = other;
				values = lappend(values, value);
			}
		}
	}
	return values;
}

typedef struct PutValues
{
	Index		relid;
	List	   *values;			/* of ColumnValue */
} PutValues;

/*
 * Return an expression with columns replaced by the values that conditions equate with
 * them.
 */
static Node *
put_values(Node *node, void *context)
{
	const PutValues *put = context;
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	foreach(lc, IsA(node, Var) ? put->values : NIL)
	{
		ColumnValue *value = lfirst(lc);

		if (value->attnum == column_of((Expr *) node, put->relid))
			return (Node *) copyObject(value->value);
	}
	return expression_tree_mutator(node, put_values, context);
}

/* ---- conditions --------------------------------------------------------------- */

/*
 * Return the keys that follow from two conditions together, arn = x and x = value,
 * where x is another column of the relation.  PostgreSQL derives these two from an
 * equivalence class of arn, x and value.
 */
static List *
implied_keys(KeyContext *context, List *clauses, List **key_quals)
{
	PutValues	put = {
		context->relid, column_values(context->root, context->relid, clauses, true)
	};
	List	   *keys = NIL;
	ListCell   *lc;

	foreach(lc, put.values ? clauses : NIL)
	{
		bool		exact = true;
		Expr	   *clause = (Expr *) put_values(lfirst(lc), &put);
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

		if (is_guard(context.root, context.relid, (Node *) clause))
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
	conditions.key = join_keys(keys);
	conditions.exprs = context.exprs;
	return conditions;
}

/* ---- partitions ---------------------------------------------------------------- */

/* Return a constraint on key columns with each column replaced by the ARN, a text. */
static Node *
put_arn(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
		return (Node *) makeVar(1, 1, TEXTOID, -1, ((Var *) node)->varcollid, 0);
	return expression_tree_mutator(node, put_arn, context);
}

/*
 * True if a key column holds the requested ARN unchanged, as text or varchar without a
 * length.
 */
static bool
is_plain_text(Oid relid, AttrNumber attnum)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	return type == TEXTOID || (type == VARCHAROID && typmod < 0);
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
	Bitmapset  *keys = NULL;	/* columns, as pull_varattnos() numbers them */
	Relation	relation = table_open(table, NoLock);
	List	   *quals = relation->rd_rel->relispartition ? RelationGetPartitionQual(relation) : NIL;
	int			attnum = -1;
	ListCell   *lc;

	table_close(relation, NoLock);
	while (quals && (attnum = bms_next_member(key_columns, attnum)) >= 0)
	{
		if (is_plain_text(table, attnum))
			keys = bms_add_member(keys, attnum - FirstLowInvalidHeapAttributeNumber);
	}
	foreach(lc, quals)
	{
		Node	   *qual = lfirst(lc);
		Bitmapset  *used = NULL;

		pull_varattnos(qual, 1, &used);
		if (bms_is_subset(used, keys))
			conditions.arn_filter = lappend(conditions.arn_filter, put_arn(qual, NULL));
		else
			conditions.others = lappend(conditions.others, qual);
	}
	return conditions;
}

/*
 * Return the guards that follow from a partition's constraint and the conditions of a
 * scan.  Such a guard only prevents look-ups ahead, so equalities of any kind will do.
 */
List *
conditions_partition_guards(PlannerInfo *root, Index relid, const PartitionConditions *partition,
							List *clauses)
{
	PutValues	put = {1, NIL};	/* a partition constraint's columns are relation 1's */
	Bitmapset  *known = NULL;
	List	   *guards = NIL;
	ListCell   *lc;

	if (partition->others == NIL)
		return NIL;
	put.values = column_values(root, relid, clauses, false);
	foreach(lc, put.values)
		known = bms_add_member(known, ((ColumnValue *) lfirst(lc))->attnum -
							   FirstLowInvalidHeapAttributeNumber);
	foreach(lc, partition->others)
	{
		Bitmapset  *used = NULL;

		pull_varattnos(lfirst(lc), 1, &used);
		if (bms_is_subset(used, known))
			guards = lappend(guards, put_values(lfirst(lc), &put));
	}
	return guards;
}
