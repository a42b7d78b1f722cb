/* key.h: key conditions, which say what values of a parameter a scan asks for. */
#ifndef IMAGEBUILDER_KEY_H
#define IMAGEBUILDER_KEY_H

#include "fdw/binding.h"
#include "nodes/pathnodes.h"
#include "utils/hsearch.h"
#include "utils/relcache.h"

/*
 * Kind of a node of a key.  A key is a tree of Lists, so that plans can be copied with
 * it: a node is a list of its KeyKind, as an Integer, and its operands.
 */
typedef enum KeyKind
{
	KEY_EQUAL,					/* the value of an expression; operands: its index
								 * among the key's expressions, and whether it
								 * is from the statement, see KeyValue */
	KEY_ANY,					/* the elements of an array expression; operands as
								 * KEY_EQUAL's */
	KEY_AND,					/* intersection; operand: a list of nodes */
	KEY_OR,						/* union; operand: a list of nodes, NIL for no value */
} KeyKind;

/* Return a node's kind. */
static inline KeyKind
key_kind(const List *node)
{
	return (KeyKind) intVal(linitial(node));
}

/* Relation whose conditions are sorted, and the parameter whose keys are extracted. */
typedef struct KeyContext
{
	PlannerInfo *root;
	Index		relid;
	const Operation *operation;
	EchoColumns echo;
	Bitmapset  *columns;		/* those of "echo" that repeat the parameter; of a
								 * relation's own context: any parameter */
	HTAB	   *statement_operands; /* see key_collect_statement_operands() */
	List	   *exprs;			/* expressions found so far */
} KeyContext;

extern void key_collect_statement_operands(KeyContext *context);
extern List *key_extract(KeyContext *context, Expr *clause, bool *exact);
extern Var *key_var(Expr *expr, Index relid);
extern bool key_is_column(const KeyContext *context, Expr *expr);
extern bool key_depends_on_rows(Node *node, void *relid);
extern bool key_is_known(const KeyContext *context, Expr *expr);
extern double key_estimate(PlannerInfo *root, List *key, List *exprs);
extern List *keyless_reasons(const KeyContext *context, RelOptInfo *rel, List *conditions);
pg_noreturn extern void keyless_reject(Relation relation, List *keys, List *reasons);

#endif							/* IMAGEBUILDER_KEY_H */
