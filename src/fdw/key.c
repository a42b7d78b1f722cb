/*-------------------------------------------------------------------------
 *
 * key.c
 *		Key conditions: which ARNs a scan asks for.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/key.c
 *
 *-------------------------------------------------------------------------
 */
/*
 * A condition is a key condition if only finitely many ARNs can satisfy it and
 * they can be computed before the scan.  It is exact if every row of theirs
 * does satisfy it, so that it need not be checked again.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "executor/executor.h"
#include "fdw/key.h"
#include "lookup/statement.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

/* A list of what an array expression is guessed to hold if it's not known. */
#define DEFAULT_ARRAY_LENGTH	10

static List *
make_node(KeyKind kind, void *operands)
{
	return list_make2(makeInteger(kind), operands);
}

static KeyKind
node_kind(const List *node)
{
	return (KeyKind) intVal(linitial(node));
}

/* Whether it is a key column, perhaps cast between text types. */
bool
key_is_column(const KeyContext *context, Expr *expr)
{
	Var		   *var;

	while (expr && IsA(expr, RelabelType))
		expr = ((RelabelType *) expr)->arg;
	if (expr == NULL || !IsA(expr, Var))
		return false;
	var = (Var *) expr;
	return var->varno == (int) context->relid && var->varlevelsup == 0 &&
		bms_is_member(var->varattno, context->columns);
}

/* Whether it is known before the scan and stays the same during it. */
static bool
is_comparable(const KeyContext *context, Expr *expr)
{
	return !bms_is_member(context->relid, pull_varnos(context->root, (Node *) expr)) &&
		!contain_volatile_functions((Node *) expr);
}

/*
 * Whether an operator is equality of text.  Under a collation that is not
 * deterministic more ARNs can be equal than the one written.
 */
static bool
is_text_equality(Oid opno, Oid collation)
{
	switch (get_opcode(opno))
	{
		case F_TEXTEQ:
		case F_BPCHAREQ:
		case F_TEXTEQNAME:
		case F_NAMEEQTEXT:
			return !OidIsValid(collation) || get_collation_isdeterministic(collation);
		default:
			return false;
	}
}

static List *
make_comparison(KeyContext *context, KeyKind kind, Expr *operand)
{
	context->exprs = lappend(context->exprs, operand);
	return make_node(kind, makeInteger(list_length(context->exprs) - 1));
}

/* key = expr, expr = key */
static List *
extract_equal(KeyContext *context, OpExpr *op)
{
	Expr	   *left;
	Expr	   *right;

	if (list_length(op->args) != 2 || !is_text_equality(op->opno, op->inputcollid))
		return NULL;
	left = linitial(op->args);
	right = lsecond(op->args);
	if (key_is_column(context, left) && is_comparable(context, right))
		return make_comparison(context, KEY_EQUAL, right);
	if (key_is_column(context, right) && is_comparable(context, left))
		return make_comparison(context, KEY_EQUAL, left);
	return NULL;
}

/* key = ANY (array), key IN (list) */
static List *
extract_any(KeyContext *context, ScalarArrayOpExpr *op)
{
	Expr	   *array = lsecond(op->args);

	if (op->useOr && is_text_equality(op->opno, op->inputcollid) &&
		key_is_column(context, linitial(op->args)) && is_comparable(context, array))
		return make_comparison(context, KEY_ANY, array);
	return NULL;
}

/* All arms of an OR must be keys; of an AND one is enough. */
static List *
extract_arms(KeyContext *context, BoolExpr *expr, bool *exact)
{
	bool		all = expr->boolop == OR_EXPR;
	List	   *nodes = NIL;
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		List	   *node = key_extract(context, lfirst(lc), exact);

		if (node)
			nodes = lappend(nodes, node);
		else if (all)
			return NULL;
		else
			*exact = false;
	}
	return nodes ? make_node(all ? KEY_OR : KEY_AND, nodes) : NULL;
}

/*
 * The key in a condition, NULL if there is none; its expressions are added to
 * the context's.  *exact is cleared if the condition says more than the key.
 */
List *
key_extract(KeyContext *context, Expr *clause, bool *exact)
{
	int			nexprs = list_length(context->exprs);
	List	   *key = NULL;

	if (IsA(clause, OpExpr))
		key = extract_equal(context, (OpExpr *) clause);
	else if (IsA(clause, ScalarArrayOpExpr))
		key = extract_any(context, (ScalarArrayOpExpr *) clause);
	else if (IsA(clause, NullTest))
	{
		/* The column echoes an ARN, so it is never null. */
		if (((NullTest *) clause)->nulltesttype == IS_NULL &&
			key_is_column(context, ((NullTest *) clause)->arg))
			key = make_node(KEY_NOTHING, NULL);
	}
	else if (IsA(clause, BoolExpr))
	{
		BoolExpr   *expr = (BoolExpr *) clause;

		if (expr->boolop != NOT_EXPR)
			key = extract_arms(context, expr, exact);
		else if (IsA(linitial(expr->args), DistinctExpr))
			key = extract_equal(context, linitial(expr->args));
	}
	if (key == NULL)
		context->exprs = list_truncate(context->exprs, nexprs);
	return key;
}

/* How many ARNs a key is expected to give. */
double
key_estimate(PlannerInfo *root, List *key, List *exprs)
{
	double		estimate = 0;
	Node	   *array;
	ListCell   *lc;

	switch (node_kind(key))
	{
		case KEY_NOTHING:
			return 0;
		case KEY_EQUAL:
			return 1;
		case KEY_ANY:
			array = list_nth(exprs, intVal(lsecond(key)));
			if (IsA(array, Const) || IsA(array, ArrayExpr) || IsA(array, ArrayCoerceExpr))
				return compat_estimate_array_length(root, array);
			return DEFAULT_ARRAY_LENGTH;
		case KEY_AND:
			foreach(lc, (List *) lsecond(key))
			{
				double		arm = key_estimate(root, lfirst(lc), exprs);

				estimate = foreach_current_index(lc) == 0 ? arm : Min(estimate, arm);
			}
			return estimate;
		case KEY_OR:
			foreach(lc, (List *) lsecond(key))
				estimate += key_estimate(root, lfirst(lc), exprs);
			return estimate;
	}
	return estimate;
}

/* The C string of a value of one of the text types. */
static char *
text_of_datum(Datum value, Oid type)
{
	switch (type)
	{
		case NAMEOID:
			return pstrdup(NameStr(*DatumGetName(value)));
		case BPCHAROID:
			{
				/* Trailing blanks do not count when char(n) is compared. */
				char	   *string = TextDatumGetCString(value);
				size_t		length = strlen(string);

				while (length > 0 && string[length - 1] == ' ')
					string[--length] = '\0';
				return string;
			}
		default:
			return TextDatumGetCString(value);
	}
}

static List *
evaluate_array(Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Oid			type = ARR_ELEMTYPE(array);
	List	   *arns = NIL;
	int16		length;
	bool		byval;
	char		align;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	get_typlenbyvalalign(type, &length, &byval, &align);
	deconstruct_array(array, type, length, byval, align, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			arns = lappend(arns, text_of_datum(elements[i], type));
	}
	return arns;
}

/* Those of a list that are in another list too, if there is one; each once. */
static List *
intersect_distinct(List *list, List *other)
{
	HTAB	   *taken = statement_arn_table("taken", sizeof(char *), CurrentMemoryContext);
	HTAB	   *wanted = statement_arn_table("wanted", sizeof(char *), CurrentMemoryContext);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, other)
		hash_search(wanted, &lfirst(lc), HASH_ENTER, NULL);
	foreach(lc, list)
	{
		bool		found = false;

		if (other && !hash_search(wanted, &lfirst(lc), HASH_FIND, NULL))
			continue;
		hash_search(taken, &lfirst(lc), HASH_ENTER, &found);
		if (!found)
			result = lappend(result, lfirst(lc));
	}
	hash_destroy(taken);
	hash_destroy(wanted);
	return result;
}

static List *
evaluate_node(List *key, List *exprs, ExprContext *econtext)
{
	List	   *arns = NIL;
	ExprState  *expr;
	Datum		value;
	bool		isnull;
	ListCell   *lc;

	switch (node_kind(key))
	{
		case KEY_NOTHING:
			return NIL;
		case KEY_EQUAL:
		case KEY_ANY:
			expr = list_nth(exprs, intVal(lsecond(key)));
			value = ExecEvalExprSwitchContext(expr, econtext, &isnull);
			if (isnull)
				return NIL;
			if (node_kind(key) == KEY_ANY)
				return evaluate_array(value);
			return list_make1(text_of_datum(value, exprType((Node *) expr->expr)));
		case KEY_OR:
			foreach(lc, (List *) lsecond(key))
				arns = list_concat(arns, evaluate_node(lfirst(lc), exprs, econtext));
			return arns;
		case KEY_AND:
			foreach(lc, (List *) lsecond(key))
			{
				List	   *arm = evaluate_node(lfirst(lc), exprs, econtext);

				if (arm == NIL)
					return NIL;
				arns = foreach_current_index(lc) == 0 ? arm : intersect_distinct(arns, arm);
				if (arns == NIL)
					return NIL;
			}
			return arns;
	}
	return NIL;
}

/*
 * The ARNs that a key asks for, each once, in the order in which they first
 * appear; C strings in the database's encoding, in the current memory context.
 * "exprs" are the key's expressions, as ExprState.
 */
List *
key_evaluate(List *key, List *exprs, ExprContext *econtext)
{
	return intersect_distinct(evaluate_node(key, exprs, econtext), NIL);
}
