/* key.h: key conditions: which ARNs a scan asks for. */
#ifndef IMAGEBUILDER_KEY_H
#define IMAGEBUILDER_KEY_H

#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "utils/hsearch.h"

/*
 * A key, as a tree of nodes that plans can be copied with: a list of the
 * node's KeyKind, as an Integer, and its operands.
 */
typedef enum KeyKind
{
	KEY_NOTHING,				/* no ARN */
	KEY_EQUAL,					/* an expression: its place among the key's
								 * expressions, and whether the statement
								 * itself says its value */
	KEY_ANY,					/* an array expression; operands as KEY_EQUAL's */
	KEY_AND,					/* nodes; what is in all of them */
	KEY_OR,						/* nodes; what is in any of them */
} KeyKind;

/* A node's kind. */
static inline KeyKind
key_kind(const List *node)
{
	return (KeyKind) intVal(linitial(node));
}

/* What is needed to tell a relation's key conditions. */
typedef struct KeyContext
{
	PlannerInfo *root;
	Index		relid;
	Bitmapset  *columns;		/* the key columns' attribute numbers */
	HTAB	   *said;			/* see key_collect_said() */
	List	   *exprs;			/* expressions found so far */
} KeyContext;

extern void key_collect_said(KeyContext *context);
extern List *key_extract(KeyContext *context, Expr *clause, bool *exact);
extern bool key_is_column(const KeyContext *context, Expr *expr);
extern double key_estimate(PlannerInfo *root, List *key, List *exprs);

#endif							/* IMAGEBUILDER_KEY_H */
