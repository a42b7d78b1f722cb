/* key_state.h: a key in execution: the ARNs that are to be looked up. */
#ifndef IMAGEBUILDER_KEY_STATE_H
#define IMAGEBUILDER_KEY_STATE_H

#include "nodes/execnodes.h"

/* What a key asks for. */
typedef struct KeyValue
{
	const char *arn;			/* a C string; must be first */
	bool		said;			/* the statement itself says so: a constant or
								 * a parameter */
} KeyValue;

typedef struct KeyState
{
	List	   *key;			/* see key.h; NIL: there is none */
	List	   *exprs;			/* of ExprState */
	ExprState  *guards;			/* must be true before anything is looked up;
								 * NULL: there are none */
	ExprState  *arn_filter;		/* of the table's partition constraint, over
								 * arn_slot; NULL: none */
	TupleTableSlot *arn_slot;
	ExprContext *filter_context;
} KeyState;

extern KeyState *key_state_create(List *key, List *exprs, List *guards, List *arn_filter,
								  PlanState *parent);
extern bool key_state_guards_hold(const KeyState *state, ExprContext *econtext);
extern List *key_state_evaluate(const KeyState *state, ExprContext *econtext);
extern bool key_state_admits(const KeyState *state, const char *arn);

#endif							/* IMAGEBUILDER_KEY_STATE_H */
