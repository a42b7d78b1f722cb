/*
 * key_state.c: a key in execution: the ARNs that are to be looked up.
 *
 * A scan evaluates its key when it starts, and a read-ahead evaluates that scan's key
 * earlier, for each outer row.  Both call key_state_evaluate(), so that a read-ahead
 * looks up what the scan will ask for and nothing else.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "compat.h"
#include "executor/executor.h"
#include "fdw/key.h"
#include "fdw/key_state.h"
#include "lookup/text_table.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* Return a value of one of the text types as a C string. */
static char *
text_of_datum(Datum value, Oid type)
{
	switch (type)
	{
		case NAMEOID:
			return pstrdup(NameStr(*DatumGetName(value)));
		case BPCHAROID:
			{
				char	   *string = TextDatumGetCString(value);

				/* Trailing blanks do not count when char(n) is compared. */
				string[bpchartruelen(string, strlen(string))] = '\0';
				return string;
			}
		default:
			return TextDatumGetCString(value);
	}
}

static List *
add_value(List *values, char *arn, bool from_statement)
{
	KeyValue   *value = palloc(sizeof(KeyValue));

	value->arn = arn;
	value->from_statement = from_statement;
	return lappend(values, value);
}

static List *
evaluate_array(Datum datum, bool from_statement)
{
	ArrayType  *array = DatumGetArrayTypeP(datum);
	ArrayIterator iterator = array_create_iterator(array, 0, NULL);
	List	   *values = NIL;
	Datum		element;
	bool		isnull;

	while (array_iterate(iterator, &element, &isnull))
	{
		if (!isnull)
			values = add_value(values, text_of_datum(element, ARR_ELEMTYPE(array)),
							   from_statement);
	}
	return values;
}

/*
 * Return the value (KeyValue) of a key's expression, or those of its array; NULLs yield
 * no value.
 */
static List *
evaluate_comparison(List *node, List *exprs, ExprContext *econtext)
{
	ExprState  *expr = list_nth(exprs, intVal(lsecond(node)));
	bool		from_statement = intVal(lthird(node)) != 0;
	bool		isnull;
	Datum		value = ExecEvalExprSwitchContext(expr, econtext, &isnull);

	if (isnull)
		return NIL;
	if (key_kind(node) == KEY_ANY)
		return evaluate_array(value, from_statement);
	return add_value(NIL, text_of_datum(value, exprType((Node *) expr->expr)), from_statement);
}

/* Entry of a hash table of arn_table(): starts with the table's key, an ARN. */
typedef struct ArnEntry
{
	const char *arn;
	KeyValue   *value;
} ArnEntry;

/* Return a hash table of a list's ARNs; appends the first value of each to *distinct. */
static HTAB *
arn_table(List *values, List **distinct)
{
	HTAB	   *table = text_table_create("imagebuilder_fdw ARNs", sizeof(ArnEntry),
										  CurrentMemoryContext);
	ListCell   *lc;

	foreach(lc, values)
	{
		KeyValue   *value = lfirst(lc);
		bool		found;
		ArnEntry   *entry = hash_search(table, &value->arn, HASH_ENTER, &found);

		if (found)
			entry->value->from_statement |= value->from_statement;
		else
		{
			entry->value = value;
			*distinct = lappend(*distinct, value);
		}
	}
	return table;
}

/* Return a list without repeated ARNs; from_statement is set if any repetition has it. */
static List *
distinct(List *values)
{
	List	   *result = NIL;

	if (list_length(values) <= 1)
		return values;
	hash_destroy(arn_table(values, &result));
	return result;
}

/* Return the ARNs that are in both lists; from_statement is set if either has it. */
static List *
intersect(List *values, List *others)
{
	List	   *distinct_others = NIL;
	HTAB	   *table = arn_table(others, &distinct_others);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, values)
	{
		KeyValue   *value = lfirst(lc);
		ArnEntry   *other = hash_search(table, &value->arn, HASH_FIND, NULL);

		if (other == NULL)
			continue;
		value->from_statement |= other->value->from_statement;
		result = lappend(result, value);
	}
	hash_destroy(table);
	return result;
}

static List *
evaluate_node(List *key, List *exprs, ExprContext *econtext)
{
	List	   *values = NIL;
	ListCell   *lc;

	switch (key_kind(key))
	{
		case KEY_NOTHING:
			return NIL;
		case KEY_EQUAL:
		case KEY_ANY:
			return evaluate_comparison(key, exprs, econtext);
		case KEY_OR:
			foreach(lc, (List *) lsecond(key))
				values = list_concat(values, evaluate_node(lfirst(lc), exprs, econtext));
			return values;
		case KEY_AND:
			foreach(lc, (List *) lsecond(key))
			{
				List	   *arm = evaluate_node(lfirst(lc), exprs, econtext);

				values = foreach_current_index(lc) == 0 ? arm : intersect(values, arm);
				if (values == NIL)
					return NIL;
			}
			return values;
	}
	return NIL;
}

/*
 * Prepare a key for execution: "exprs" are the expressions that the key refers to,
 * "guards" conditions over the rows that "exprs" are over, "arn_filter" conditions on
 * an ARN (see PartitionConditions).  Allocates in the current memory context, for as
 * long as "parent" is executed.
 */
KeyState *
key_state_create(List *key, List *exprs, List *guards, List *arn_filter, PlanState *parent)
{
	KeyState   *state = palloc0(sizeof(KeyState));
	EState	   *estate = parent->state;
	Expr	   *arn = (Expr *) makeNullConst(TEXTOID, -1, InvalidOid);

	state->key = key;
	state->exprs = ExecInitExprList(exprs, parent);
	state->guards = ExecInitQual(guards, parent);
	if (arn_filter == NIL)
		return state;
	state->arn_slot =
		MakeSingleTupleTableSlot(ExecTypeFromTL(list_make1(makeTargetEntry(arn, 1, "arn", false))),
								 &TTSOpsVirtual);
	state->arn_filter = ExecPrepareCheck(arn_filter, estate);
	state->filter_context = CreateExprContext(estate);
	state->filter_context->ecxt_scantuple = state->arn_slot;
	return state;
}

/* True if the guards hold, the conditions that need no row of the table. */
bool
key_state_guards_hold(const KeyState *state, ExprContext *econtext)
{
	return state->guards == NULL || ExecQual(state->guards, econtext);
}

/*
 * Return the ARNs of a key, as a list of KeyValue, each ARN once, in order of first
 * appearance; in the database's encoding and the current memory context.  There must be
 * a key, and the caller must have checked the guards.
 */
List *
key_state_evaluate(const KeyState *state, ExprContext *econtext)
{
	return distinct(evaluate_node(state->key, state->exprs, econtext));
}

/* True unless the table is a partition whose constraint excludes rows of an ARN. */
bool
key_state_admits(const KeyState *state, const char *arn)
{
	MemoryContext previous;

	if (state->arn_filter == NULL)
		return true;
	ResetExprContext(state->filter_context);
	ExecClearTuple(state->arn_slot);
	previous = MemoryContextSwitchTo(state->filter_context->ecxt_per_tuple_memory);
	state->arn_slot->tts_values[0] = CStringGetTextDatum(arn);
	MemoryContextSwitchTo(previous);
	state->arn_slot->tts_isnull[0] = false;
	ExecStoreVirtualTuple(state->arn_slot);
	return ExecCheck(state->arn_filter, state->filter_context);
}
