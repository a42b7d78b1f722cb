/*-------------------------------------------------------------------------
 *
 * harmless.c
 *		Expressions that cannot raise an error.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/harmless.c
 *
 *-------------------------------------------------------------------------
 */
/*
 * A read-ahead evaluates expressions for rows that the statement may never
 * reach, so an error there would be one that the statement does not have.
 * PostgreSQL promises that leakproof functions raise none; the functions by
 * which people make an ARN out of other columns are listed here, with what
 * their arguments must be.  Want of memory, and results beyond 1 GB, are left
 * out of account.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fdw/harmless.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* Whether a list of arguments keeps a function from raising an error. */
typedef bool (*ArgumentsCheck) (List *args);

/* Types whose values can always be written as text. */
static bool
has_harmless_output(Node *expr)
{
	switch (exprType(expr))
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
		case CHAROID:
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case OIDOID:
		case UUIDOID:
		case JSONOID:
		case JSONBOID:
			return true;
		default:
			return false;
	}
}

static bool
can_be_written(List *args)
{
	ListCell   *lc;

	foreach(lc, args)
	{
		if (!has_harmless_output(lfirst(lc)))
			return false;
	}
	return true;
}

/* An argument's value, if it is a constant that is not null; else NULL. */
static const Const *
constant_argument(List *args, int n)
{
	Node	   *arg = list_length(args) > n ? list_nth(args, n) : NULL;

	return arg && IsA(arg, Const) && !((Const *) arg)->constisnull ? (Const *) arg : NULL;
}

/* varchar(n) and char(n): an explicit cast cuts, an implicit one may refuse. */
static bool
is_explicit_cast(List *args)
{
	const Const *is_explicit = constant_argument(args, 2);

	return is_explicit && DatumGetBool(is_explicit->constvalue);
}

/* substr(text, int, int) refuses a negative length. */
static bool
has_good_length(List *args)
{
	const Const *length = constant_argument(args, 2);

	return length && DatumGetInt32(length->constvalue) >= 0;
}

/* split_part(text, text, int) refuses field 0. */
static bool
has_good_field(List *args)
{
	const Const *field = constant_argument(args, 2);

	return field && DatumGetInt32(field->constvalue) != 0;
}

/* LIKE refuses a pattern that ends with an escape character. */
static bool
has_good_pattern(List *args)
{
	const Const *pattern = constant_argument(args, 1);

	return pattern && strchr(TextDatumGetCString(pattern->constvalue), '\\') == NULL;
}

/* format(text, VARIADIC "any") with a format of nothing but %s and %%. */
static bool
has_good_format(List *args)
{
	const Const *format = constant_argument(args, 0);
	int			wanted = 0;

	if (format == NULL || !can_be_written(args))
		return false;
	for (const char *p = TextDatumGetCString(format->constvalue); *p; p++)
	{
		if (*p != '%')
			continue;
		p++;
		if (*p == 's')
			wanted++;
		else if (*p != '%')
			return false;
	}
	return wanted < list_length(args);
}

static const struct
{
	Oid			function;
	ArgumentsCheck check;		/* NULL: any arguments will do */
}			harmless_functions[] = {
	{F_TEXTCAT, NULL},
	{F_CONCAT, can_be_written},
	{F_CONCAT_WS, can_be_written},
	{F_FORMAT_TEXT_ANY, has_good_format},
	{F_LOWER_TEXT, NULL},
	{F_UPPER_TEXT, NULL},
	{F_BTRIM_TEXT, NULL},
	{F_BTRIM_TEXT_TEXT, NULL},
	{F_LTRIM_TEXT, NULL},
	{F_LTRIM_TEXT_TEXT, NULL},
	{F_RTRIM_TEXT, NULL},
	{F_RTRIM_TEXT_TEXT, NULL},
	{F_REPLACE, NULL},
	{F_LEFT, NULL},
	{F_RIGHT, NULL},
	{F_SPLIT_PART, has_good_field},
	{F_SUBSTR_TEXT_INT4, NULL},
	{F_SUBSTR_TEXT_INT4_INT4, has_good_length},
	{F_SUBSTRING_TEXT_INT4, NULL},
	{F_SUBSTRING_TEXT_INT4_INT4, has_good_length},
	{F_TEXTLIKE, has_good_pattern},
	{F_TEXTNLIKE, has_good_pattern},
	{F_TEXT_BPCHAR, NULL},
	{F_TEXT_NAME, NULL},
	{F_NAME_TEXT, NULL},
	{F_BPCHAR_NAME, NULL},
	{F_VARCHAR_NAME, NULL},
	{F_TEXT_CHAR, NULL},
	{F_BPCHAR_BPCHAR_INT4_BOOL, is_explicit_cast},
	{F_VARCHAR_VARCHAR_INT4_BOOL, is_explicit_cast},
	/* Not json's: a json may hold escapes that only reading it refuses. */
	{F_JSONB_OBJECT_FIELD, NULL},
	{F_JSONB_OBJECT_FIELD_TEXT, NULL},
	{F_JSONB_ARRAY_ELEMENT, NULL},
	{F_JSONB_ARRAY_ELEMENT_TEXT, NULL},
	{F_JSONB_EXTRACT_PATH, NULL},
	{F_JSONB_EXTRACT_PATH_TEXT, NULL},
};

/* Whether arguments have a collation that PostgreSQL could not determine. */
static bool
lacks_collation(List *args, Oid collation)
{
	ListCell   *lc;

	foreach(lc, OidIsValid(collation) ? NIL : args)
	{
		if (type_is_collatable(exprType(lfirst(lc))))
			return true;
	}
	return false;
}

/*
 * Whether a call cannot raise an error.  Functions that depend on a collation
 * raise one if it is indeterminate or, some of them, not deterministic.
 */
static bool
is_harmless_call(Oid function, List *args, Oid collation, bool variadic)
{
	if (lacks_collation(args, collation))
		return false;
	if (get_func_leakproof(function))
		return true;
	for (size_t i = 0; i < lengthof(harmless_functions); i++)
	{
		ArgumentsCheck check = harmless_functions[i].check;

		if (harmless_functions[i].function != function)
			continue;
		return (!OidIsValid(collation) || get_collation_isdeterministic(collation)) &&
			(check == NULL || (!variadic && check(args)));
	}
	return false;
}

static bool
is_harmless_operator(Node *node)
{
	if (IsA(node, ScalarArrayOpExpr))
	{
		ScalarArrayOpExpr *op = (ScalarArrayOpExpr *) node;

		return is_harmless_call(get_opcode(op->opno), op->args, op->inputcollid, false);
	}
	else
	{
		OpExpr	   *op = (OpExpr *) node;	/* DistinctExpr and NullIfExpr are OpExpr */

		return is_harmless_call(get_opcode(op->opno), op->args, op->inputcollid, false);
	}
}

/* Whether an expression may raise an error; for expression_tree_walker(). */
static bool
is_harmful(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_List:
		case T_Var:
		case T_Const:
		case T_Param:
		case T_PlaceHolderVar:
		case T_RelabelType:
		case T_CollateExpr:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CaseTestExpr:
		case T_CoalesceExpr:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_FieldSelect:
			break;
		case T_ArrayExpr:
			/* Arrays in an array must have the same dimensions. */
			if (((ArrayExpr *) node)->multidims)
				return true;
			break;
		case T_FuncExpr:
			{
				FuncExpr   *call = (FuncExpr *) node;

				if (!is_harmless_call(call->funcid, call->args, call->inputcollid,
									  call->funcvariadic))
					return true;
				break;
			}
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
			if (!is_harmless_operator(node))
				return true;
			break;
		case T_CoerceViaIO:
			{
				CoerceViaIO *cast = (CoerceViaIO *) node;

				if ((cast->resulttype != TEXTOID && cast->resulttype != VARCHAROID) ||
					!has_harmless_output((Node *) cast->arg))
					return true;
				break;
			}
		case T_SubscriptingRef:
			if (((SubscriptingRef *) node)->refassgnexpr ||
				!type_is_array(((SubscriptingRef *) node)->refcontainertype))
				return true;
			break;
		default:
			return true;
	}
	return expression_tree_walker(node, is_harmful, context);
}

/* Whether an expression, or a list of them, cannot raise an error whatever the row. */
bool
expression_is_harmless(Node *expr)
{
	return !is_harmful(expr, NULL);
}
