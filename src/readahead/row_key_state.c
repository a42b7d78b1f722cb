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

/* Evaluation of a key for a row. */
typedef struct Evaluation
{
	const RowKeyState *key;
	ExprContext *econtext;
	List	   *requests;		/* the requests (Request) that the key makes */
} Evaluation;

static void
evaluate_key(void *argument)
{
	Evaluation *evaluation = argument;
	const RowKeyState *key = evaluation->key;
	const KeyValue *values[MAX_PARAMETERS];
	const List *sets;
	int			ncombinations;

	if (!ExecQual(key->state->guards, evaluation->econtext))
		return;
	sets = key_state_evaluate(key->state, evaluation->econtext, &ncombinations);
	for (int i = 0; i < ncombinations; i++)
	{
		Request    *request;

		CHECK_FOR_INTERRUPTS();
		key_state_combination(sets, i, values);
		request = request_for(key, values);
		if (request)
			evaluation->requests = lappend(evaluation->requests, request);
	}
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
 * Return the requests (Request) for the row in "econtext", in its memory; NIL too if the
 * key cannot be evaluated ahead.  Raises errors of the session and the transaction, see
 * row_error_catch().  After any other error no further row's key is evaluated ahead: the
 * inner scan raises the error if the statement reaches the row.
 */
List *
row_key_state_evaluate(RowKeyState *key, ExprContext *econtext)
{
	Evaluation	evaluation = {key, econtext, NIL};

	if (key->ended || waits_for_initplan(key, econtext) ||
		(!key->plain && !compat_can_nest_transaction()))
		return NIL;
	if (key->plain)
		evaluate_key(&evaluation);
	else if (row_error_catch(evaluate_key, &evaluation, true))
	{
		ReScanExprContext(econtext);
		if (key->state->asked)
			ReScanExprContext(key->state->asked_context);
		key->ended = true;
		return NIL;
	}
	return evaluation.requests;
}
