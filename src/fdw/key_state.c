/*
 * key_state.c: keys in execution: the values to ask for.
 *
 * A scan evaluates its keys when it starts, and a read-ahead evaluates that scan's keys
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
add_value(List *values, char *text, bool from_statement)
{
	KeyValue   *value = palloc(sizeof(KeyValue));

	value->text = text;
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

/* Entry of a hash table of value_table(): starts with the table's key, a text. */
typedef struct ValueEntry
{
	const char *text;
	KeyValue   *value;
} ValueEntry;

/* Return a hash table of a list's texts; appends the first value of each to *distinct. */
static HTAB *
value_table(List *values, List **distinct)
{
	HTAB	   *table = text_table_create("imagebuilder_fdw values", sizeof(ValueEntry),
										  CurrentMemoryContext);
	ListCell   *lc;

	foreach(lc, values)
	{
		KeyValue   *value = lfirst(lc);
		bool		found;
		ValueEntry   *entry = hash_search(table, &value->text, HASH_ENTER, &found);

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

/* Return a list without repeated texts; from_statement is set if any repetition has it. */
static List *
distinct(List *values)
{
	List	   *result = NIL;

	if (list_length(values) <= 1)
		return values;
	hash_destroy(value_table(values, &result));
	return result;
}

/* Return the values that are in both lists; from_statement is set if either has it. */
static List *
intersect(List *values, List *others)
{
	List	   *distinct_others = NIL;
	HTAB	   *table = value_table(others, &distinct_others);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, values)
	{
		KeyValue   *value = lfirst(lc);
		ValueEntry   *other = hash_search(table, &value->text, HASH_FIND, NULL);

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
	state->asked = asked ? asked_create(asked, table, parent) : NULL;
	return state;
}

/* True if the guards hold, the conditions that need no row of the table. */
bool
key_state_guards_hold(const KeyState *state, ExprContext *econtext)
{
	return state->guards == NULL || ExecQual(state->guards, econtext);
}

/*
 * Return a cursor before the first combination of the keys' values, in the current memory
 * context.  Each key yields a value once, in order of first appearance, in the database's
 * encoding.  No parameter may be left open, and the caller must have checked the guards.
 */
KeyCursor
key_state_evaluate(const KeyState *state, ExprContext *econtext)
{
	KeyCursor	cursor = {0};
	ListCell   *lc;

	foreach(lc, state->keys)
	{
		List	   *values = distinct(evaluate_node(lfirst(lc), state->exprs, econtext));

		cursor.sets = lappend(cursor.sets, values);
		cursor.ended |= values == NIL;
	}
	return cursor;
}

/* Return how many combinations there are. */
double
key_cursor_count(const KeyCursor *cursor)
{
	double		count = 1;
	ListCell   *lc;

	foreach(lc, cursor->sets)
		count *= list_length(lfirst(lc));
	return count;
}

/* Put the next combination, a value a parameter, into *values; false after the last. */
bool
key_cursor_next(KeyCursor *cursor, const KeyValue **values)
{
	int			n = list_length(cursor->sets);

	if (cursor->ended)
		return false;
	for (int i = 0; i < n; i++)
		values[i] = list_nth(list_nth(cursor->sets, i), cursor->places[i]);
	for (int i = n - 1; i >= 0; i--)
	{
		if (++cursor->places[i] < list_length(list_nth(cursor->sets, i)))
			return true;
		cursor->places[i] = 0;
	}
	cursor->ended = true;
	return true;
}
