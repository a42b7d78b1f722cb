/*-------------------------------------------------------------------------
 *
 * key_state.c
 *		A key in execution: the ARNs that are to be looked up.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/key_state.c
 *
 *-------------------------------------------------------------------------
 */
/*
 * A scan evaluates its key when it starts, and a read-ahead evaluates the same
 * key for each row before that: both do it here, so that a read-ahead looks up
 * what the scan will ask for and nothing else.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "compat.h"
#include "executor/executor.h"
#include "fdw/key.h"
#include "fdw/key_state.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"

/*
 * Prepare a key: "exprs" are the expressions that the key refers to, "guards"
 * conditions in the same terms, "arn_filter" conditions on an ARN (see
 * conditions.h).  Allocates in the current memory context, for as long as
 * "parent" is executed.
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

/* Whether the conditions hold that need no row of the table. */
bool
key_state_guards_hold(const KeyState *state, ExprContext *econtext)
{
	return state->guards == NULL || ExecQual(state->guards, econtext);
}

/*
 * What the key asks for, as key_evaluate() has it.  The guards must hold, and
 * there must be a key.
 */
List *
key_state_evaluate(const KeyState *state, ExprContext *econtext)
{
	return key_evaluate(state->key, state->exprs, econtext);
}

/* Whether the table, if it is a partition, can have rows of an ARN. */
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
