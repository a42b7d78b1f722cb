/*
 * key_state.c: keys in execution: the values to ask for.
 *
 * A scan evaluates its keys when it starts, and a read-ahead evaluates that scan's keys
 * earlier, for each outer row.  Both call key_state_evaluate(), so that a read-ahead
 * looks up what the scan will ask for and nothing else.
 */
#include "postgres.h"

#include <limits.h>

#include "access/table.h"
#include "catalog/pg_type.h"
#include "fdw/fdw.h"
#include "lookup/lookup.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"

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
add_value(List *values, char *text, bool from_statement)
{
	KeyValue   *value = palloc(sizeof(KeyValue));

	value->text = text;
	value->from_statement = from_statement;
	return lappend(values, value);
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
	List	   *values = NIL;
	bool		isnull;
	Datum		value = ExecEvalExprSwitchContext(expr, econtext, &isnull);
	ArrayType  *array;
	ArrayIterator iterator;

	if (isnull)
		return NIL;
	if (key_kind(node) == KEY_EQUAL)
		return add_value(NIL, text_of_datum(value, exprType((Node *) expr->expr)), from_statement);
	array = DatumGetArrayTypeP(value);
	iterator = array_create_iterator(array, 0, NULL);
	while (array_iterate(iterator, &value, &isnull))
	{
		if (!isnull)
			values = add_value(values, text_of_datum(value, ARR_ELEMTYPE(array)),
							   from_statement);
	}
	return values;
}

/* Entry of a hash table of values: starts with the table's key, a text. */
typedef struct ValueEntry
{
	const char *text;
	KeyValue   *value;
	bool		returned;
} ValueEntry;

/*
 * Return the values that are in both lists, each text once, in the first list's order;
 * from_statement is set if any repetition in either list has it.
 */
static List *
intersect(List *values, List *others)
{
	HTAB	   *table = text_table_create("imagebuilder_fdw values", sizeof(ValueEntry),
										  CurrentMemoryContext);
	List	   *result = NIL;
	ValueEntry *entry;
	bool		found;
	ListCell   *lc;

	foreach(lc, others)
	{
		KeyValue   *value = lfirst(lc);

		entry = hash_search(table, &value->text, HASH_ENTER, &found);
		if (!found)
		{
			entry->value = value;
			entry->returned = false;
		}
		entry->value->from_statement |= value->from_statement;
	}
	foreach(lc, values)
	{
		KeyValue   *value = lfirst(lc);

		entry = hash_search(table, &value->text, HASH_FIND, NULL);
		if (entry == NULL)
			continue;
		entry->value->from_statement |= value->from_statement;
		if (!entry->returned)
			result = lappend(result, entry->value);
		entry->returned = true;
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

/* ---- conditions on what is asked for --------------------------------------------- */

/* Prepare the "asked" conditions of key_state_create(). */
static void
init_asked(KeyState *state, List *conditions, Oid table, PlanState *parent)
{
	Relation	relation = table_open(table, NoLock);
	TupleDesc	tupdesc = CreateTupleDescCopy(RelationGetDescr(relation));

	table_close(relation, NoLock);
	state->echo = binding_echo_columns(binding_table(table), tupdesc);
	/* Only a foreign scan has such an account: its conditions have its relation's number. */
	state->needs_account = state->echo.account &&
		bms_overlap(state->echo.account,
					binding_columns_in((Node *) conditions, ((Scan *) parent->plan)->scanrelid));
	state->asked = ExecInitQual(conditions, parent);
	state->asked_context = CreateExprContext(parent->state);
	state->asked_context->ecxt_scantuple = MakeSingleTupleTableSlot(tupdesc, &TTSOpsVirtual);
}

/* Put a text into those of the columns that hold it as it is. */
static void
fill_columns(const KeyState *state, const Bitmapset *columns, const char *text)
{
	TupleTableSlot *slot = state->asked_context->ecxt_scantuple;
	int			attnum = -1;

	while ((attnum = bms_next_member(columns, attnum)) >= 0)
	{
		if (!bms_is_member(attnum, state->echo.unchanged))
			continue;
		slot->tts_values[attnum - 1] = CStringGetTextDatum(text);
		slot->tts_isnull[attnum - 1] = false;
	}
}

/*
 * True if rows that are asked for with these values, one a parameter, can satisfy the
 * "asked" conditions.  The columns that these need repeat what was asked, so that a row
 * of the table is known in part before there is any.  "scope" is that of an operation
 * with TARGET_SCOPE; "account" is needed only if KeyState.needs_account is set.  Raises
 * what the conditions raise.
 */
bool
key_state_admits(const KeyState *state, const char *const *values, const Target *scope,
				 const char *account)
{
	ExprContext *context = state->asked_context;
	TupleTableSlot *slot;
	MemoryContext previous;

	if (state->asked == NULL)
		return true;
	ResetExprContext(context);
	slot = ExecClearTuple(context->ecxt_scantuple);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	previous = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
	for (int i = 0; i < list_length(state->keys); i++)
		fill_columns(state, state->echo.parameters[i], values[i]);
	if (scope)
		fill_columns(state, state->echo.region, scope->region);
	if (state->needs_account)
		fill_columns(state, state->echo.account, account);
	MemoryContextSwitchTo(previous);
	ExecStoreVirtualTuple(slot);
	return ExecQual(state->asked, context);
}

/* ---- the keys -------------------------------------------------------------------- */

/*
 * Prepare keys for execution, one for each parameter of a table's operation: "exprs" are
 * the expressions that the keys refer to, "guards" conditions over the rows that "exprs"
 * are over, "asked" conditions on the table's columns (see Conditions).  Allocates in the
 * current memory context, for as long as "parent" is executed.
 */
KeyState *
key_state_create(List *keys, List *exprs, List *guards, List *asked, Oid table,
				 PlanState *parent)
{
	KeyState   *state = palloc0(sizeof(KeyState));

	state->keys = keys;
	state->exprs = ExecInitExprList(exprs, parent);
	state->guards = ExecInitQual(guards, parent);
	if (asked)
		init_asked(state, asked, table, parent);
	return state;
}

/*
 * Return the keys' values, for each key a list of KeyValues, in the current memory
 * context; *ncombinations is the number of combinations of one a key.  Each key yields a
 * value once, in order of first appearance.  No parameter may be left open, and the
 * caller must have checked the guards.
 */
List *
key_state_evaluate(const KeyState *state, ExprContext *econtext, int *ncombinations)
{
	List	   *sets = NIL;
	double		count = 1;
	ListCell   *lc;

	foreach(lc, state->keys)
	{
		List	   *values = evaluate_node(lfirst(lc), state->exprs, econtext);

		if (list_length(values) > 1)
			values = intersect(values, values);	/* drops repetitions */
		sets = lappend(sets, values);
		count *= list_length(values);
	}
	if (count >= INT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the keys' values have too many combinations")));
	*ncombinations = (int) count;
	return sets;
}

/* Put a combination, by its number from 0, into *values, one a parameter. */
void
key_state_combination(const List *sets, int number, const KeyValue **values)
{
	for (int i = list_length(sets) - 1; i >= 0; i--)
	{
		const List *set = list_nth(sets, i);

		values[i] = list_nth(set, number % list_length(set));
		number /= list_length(set);
	}
}
