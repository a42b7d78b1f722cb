/*
 * row_key_state.c: a key that is evaluated for rows before the statement reaches them.
 *
 * The statement may never reach a row, so evaluating its key must have no effect: an
 * error is caught in a subtransaction, and a key that needs an init plan's result is
 * not evaluated before the statement has run the init plan.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "readahead/readahead.h"
#include "utils/resowner.h"

struct RowKeyState
{
	const Operation *operation;
	KeyState   *state;
	bool		plain;			/* evaluating the key raises no error */
	Bitmapset  *params;			/* the executor's parameters that the key needs */
	bool		ended;			/* evaluating the key has raised an error */
};

/*
 * Add an expression's executor parameters to those of a key; clear the key's "plain" at
 * any other node than a column, a constant or a binary cast.
 */
static bool
note_expression(Node *node, void *context)
{
	RowKeyState *key = context;

	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
		key->params = bms_add_member(key->params, ((Param *) node)->paramid);
	else if (!IsA(node, List) && !IsA(node, Var) && !IsA(node, Const) && !IsA(node, RelabelType))
		key->plain = false;
	return expression_tree_walker(node, note_expression, context);
}

/*
 * Prepare a planned key.  Allocates in the current memory context, for as long as
 * "parent" is executed.
 */
RowKeyState *
row_key_state_create(const PlannedKey *planned, PlanState *parent)
{
	RowKeyState *key = palloc0(sizeof(RowKeyState));

	key->plain = planned->asked == NIL;
	note_expression((Node *) planned->exprs, key);
	note_expression((Node *) planned->guards, key);
	key->operation = planned->operation;
	key->state = key_state_create(planned->keys, planned->exprs, planned->guards,
								  planned->asked, planned->table, parent);
	return key;
}

/* Return the request for a combination of values; NULL if the scan will not ask for it. */
static Request *
request_for(const RowKeyState *key, const KeyValue *const *values)
{
	const char *texts[MAX_PARAMETERS];

	for (int i = 0; i < key->operation->nparameters; i++)
	{
		texts[i] = values[i]->text;
		if (!request_fits(key->operation, i, texts[i]))
			return NULL;
	}
	return key_state_admits(key->state, texts, NULL, NULL) ?
		request_create(key->operation, NULL, texts) : NULL;
}

/* Return the requests (Request) that a key makes, in the current memory context. */
static List *
evaluate_key(const RowKeyState *key, ExprContext *econtext)
{
	List	   *requests = NIL;
	KeyCursor	cursor;
	const KeyValue *values[MAX_PARAMETERS];

	if (!ExecQual(key->state->guards, econtext))
		return NIL;
	cursor = key_state_evaluate(key->state, econtext);
	while (key_cursor_next(&cursor, values))
	{
		Request    *request = request_for(key, values);

		CHECK_FOR_INTERRUPTS();
		if (request)
			requests = lappend(requests, request);
	}
	return requests;
}

/*
 * True if an error comes from the server or the transaction, not from the evaluated
 * expressions.
 */
static bool
is_of_session(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
			return true;
		default:
			return false;
	}
}

/*
 * Return the requests (Request) of a key whose evaluation may raise an error.  The
 * statement may never reach the row, so an error is dropped, and no further row's key is
 * evaluated ahead: the inner scan raises the error if the statement reaches the row.
 */
static List *
try_key(RowKeyState *key, ExprContext *econtext)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	List	   *volatile requests = NIL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		requests = evaluate_key(key, econtext);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		if (is_of_session(error->sqlerrcode))
			ReThrowError(error);
		FreeErrorData(error);
		ReScanExprContext(econtext);
		if (key->state->asked)
			ReScanExprContext(key->state->asked_context);
		key->ended = true;
		requests = NIL;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return requests;
}

/*
 * True if a key needs the result of an init plan that has not been run: the statement
 * may never run it.
 */
static bool
waits_for_initplan(const RowKeyState *key, const ExprContext *econtext)
{
	int			paramid = -1;

	while ((paramid = bms_next_member(key->params, paramid)) >= 0)
	{
		if (econtext->ecxt_param_exec_vals[paramid].execPlan)
			return true;
	}
	return false;
}

/*
 * Return the requests (Request) for the row in "econtext", in the current memory
 * context; NIL too if the key cannot be evaluated ahead.  Raises errors of the session
 * and the transaction (classes 40, 53, 57, 58), no others.
 */
List *
row_key_state_evaluate(RowKeyState *key, ExprContext *econtext)
{
	if (key->ended || waits_for_initplan(key, econtext) ||
		(!key->plain && !compat_can_nest_transaction()))
		return NIL;
	return key->plain ? evaluate_key(key, econtext) : try_key(key, econtext);
}
