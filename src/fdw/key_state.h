/* key_state.h: keys in execution: the values to ask for. */
#ifndef IMAGEBUILDER_KEY_STATE_H
#define IMAGEBUILDER_KEY_STATE_H

#include "fdw/binding.h"
#include "lookup/request.h"
#include "nodes/execnodes.h"

/* Value of a parameter that a key yields. */
typedef struct KeyValue
{
	const char *text;			/* in the database's encoding */
	bool		from_statement;	/* a constant or parameter of the statement, not a row's */
} KeyValue;

typedef struct KeyState
{
	List	   *keys;			/* one for each parameter, see key.h */
	List	   *exprs;			/* of ExprState */
	ExprState  *guards;			/* must be true before anything is looked up; NULL: no
								 * guards */
	ExprState  *asked;			/* conditions that must be true of what is asked for;
								 * NULL: none, and the members below are not set */
	ExprContext *asked_context;	/* its scan tuple is a row of the table, with the columns
								 * of "echo" alone */
	EchoColumns echo;
	bool		needs_account;	/* "asked" has a column of echo.account */
} KeyState;

/* Position in the combinations of a key's values, one for each parameter. */
typedef struct KeyCursor
{
	List	   *sets;			/* lists of KeyValue, one for each parameter */
	int			places[MAX_PARAMETERS];
	bool		ended;
} KeyCursor;

extern KeyState *key_state_create(List *keys, List *exprs, List *guards, List *asked,
								  Oid table, PlanState *parent);
extern bool key_state_admits(const KeyState *state, const char *const *values,
							 const Target *scope, const char *account);
extern KeyCursor key_state_evaluate(const KeyState *state, ExprContext *econtext);
extern bool key_cursor_next(KeyCursor *cursor, const KeyValue **values);
extern double key_cursor_count(const KeyCursor *cursor);

#endif							/* IMAGEBUILDER_KEY_STATE_H */
