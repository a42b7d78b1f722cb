/* key_state.h: a key in execution: the ARNs that are to be looked up. */
#ifndef IMAGEBUILDER_KEY_STATE_H
#define IMAGEBUILDER_KEY_STATE_H

#include "nodes/execnodes.h"

/* ARN that a key yields. */
typedef struct KeyValue
{
	const char *arn;			/* in the database's encoding */
	bool		from_statement;	/* a constant or parameter of the statement, not a row's */
} KeyValue;

typedef struct KeyState
{
	List	   *key;			/* see key.h; NIL: no key */
	List	   *exprs;			/* of ExprState */
	ExprState  *guards;			/* must be true before anything is looked up; NULL: no
								 * guards */
	ExprState  *arn_filter;		/* conditions of the table's partition constraint, over
								 * arn_slot; NULL: no conditions */
	TupleTableSlot *arn_slot;
	ExprContext *filter_context;
} KeyState;

extern KeyState *key_state_create(List *key, List *exprs, List *guards, List *arn_filter,
								  PlanState *parent);
extern bool key_state_guards_hold(const KeyState *state, ExprContext *econtext);
extern List *key_state_evaluate(const KeyState *state, ExprContext *econtext);
extern bool key_state_admits(const KeyState *state, const char *arn);

#endif							/* IMAGEBUILDER_KEY_STATE_H */
