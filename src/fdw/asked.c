/*
 * asked.c: conditions that are checked on what a request is about to ask for.
 *
 * The columns that they need repeat what was asked, so that a row of the table is known
 * in part before there is any: see Conditions.asked.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "executor/executor.h"
#include "fdw/asked.h"
#include "fdw/binding.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/rel.h"

struct AskedState
{
	ExprState  *conditions;
	ExprContext *context;
	TupleTableSlot *slot;		/* row of the table, with the columns of "echo" alone */
	EchoColumns echo;
	int			nparameters;
	bool		needs_account;
};

/* True if a condition has one of a relation's columns. */
static bool
has_column(Node *node, void *columns)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return bms_is_member(((Var *) node)->varattno, columns);
	return expression_tree_walker(node, has_column, columns);
}

/*
 * Prepare the conditions on a table's columns, which must be of EchoColumns.unchanged, in
 * the current memory context, for as long as "parent" is executed.
 */
AskedState *
asked_create(List *conditions, Oid table, PlanState *parent)
{
	AskedState *state = palloc0(sizeof(AskedState));
	Relation	relation = table_open(table, NoLock);
	const BoundTable *bound = binding_table(table);

	state->echo = binding_echo_columns(bound, RelationGetNumberOfAttributes(relation));
	state->nparameters = bound->operation->nparameters;
	state->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(RelationGetDescr(relation)),
										   &TTSOpsVirtual);
	table_close(relation, NoLock);
	state->conditions = ExecInitQual(conditions, parent);
	state->context = CreateExprContext(parent->state);
	state->context->ecxt_scantuple = state->slot;
	state->needs_account = state->echo.account &&
		has_column((Node *) conditions, state->echo.account);
	return state;
}

/* True if the conditions need the account as which requests are made. */
bool
asked_needs_account(const AskedState *state)
{
	return state->needs_account;
}

/* Put a text into columns of the slot. */
static void
fill(AskedState *state, const Bitmapset *columns, const char *text)
{
	int			attnum = -1;

	while ((attnum = bms_next_member(columns, attnum)) >= 0)
	{
		if (!bms_is_member(attnum, state->echo.unchanged))
			continue;
		state->slot->tts_values[attnum - 1] = CStringGetTextDatum(text);
		state->slot->tts_isnull[attnum - 1] = false;
	}
}

/*
 * True if rows that are asked for with these values, one a parameter, can satisfy the
 * conditions.  "scope" is that of an operation with TARGET_SCOPE; "account" is needed
 * only if asked_needs_account().  Raises what the conditions raise.
 */
bool
asked_admits(AskedState *state, const char *const *values, const Target *scope,
			 const char *account)
{
	TupleTableSlot *slot = state->slot;
	MemoryContext previous;

	ResetExprContext(state->context);
	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	previous = MemoryContextSwitchTo(state->context->ecxt_per_tuple_memory);
	for (int i = 0; i < state->nparameters; i++)
		fill(state, state->echo.parameters[i], values[i]);
	if (scope)
		fill(state, state->echo.region, scope->region);
	if (state->needs_account)
		fill(state, state->echo.account, account);
	MemoryContextSwitchTo(previous);
	ExecStoreVirtualTuple(slot);
	return ExecQual(state->conditions, state->context);
}

/* Free what an error has left behind. */
void
asked_reset(AskedState *state)
{
	ReScanExprContext(state->context);
}
