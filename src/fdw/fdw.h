/* fdw.h: planning, scanning and EXPLAIN of foreign tables. */
#ifndef IMAGEBUILDER_FDW_H
#define IMAGEBUILDER_FDW_H

#include "api/schema.h"
#include "compat.h"
#include "foreign/fdwapi.h"
#include "lookup/lookup.h"
#include "utils/hsearch.h"
#include "utils/relcache.h"

/* ---- binding.c: the table and columns of the schema that a foreign table stands for */

typedef struct BoundTable
{
	Oid			relid;
	const char *name;			/* name looked up in the schema, found or not */
	const SchemaTable *table;	/* NULL if the schema has no table of that name */
	const Operation *operation; /* operation whose responses have the rows */
	const SchemaSource *sources;	/* the schema table's, or the option "rows" */
	int			nsources;
} BoundTable;

/* Attribute numbers of the columns that repeat what a request asks for, by what it is. */
typedef struct EchoColumns
{
	Bitmapset  *parameters[MAX_PARAMETERS];
	Bitmapset  *key;			/* all of parameters */
	Bitmapset  *region;
	Bitmapset  *account;
	Bitmapset  *unchanged;		/* those of all these columns that hold any text as it is */
} EchoColumns;

extern List *imagebuilderImportForeignSchema(ImportForeignSchemaStmt *stmt, Oid serverOid);
extern BoundTable *binding_table(Oid relid);
extern SchemaColumn binding_column(const BoundTable *table, AttrNumber attnum);
extern const char *binding_parameter_name(const BoundTable *table, int parameter);
extern char *binding_key_paths(const Operation *operation);
extern bool binding_keeps_text(Oid type, int32 typmod);
extern EchoColumns binding_echo_columns(const BoundTable *table, TupleDesc tupdesc);
extern Bitmapset *binding_columns_in(Node *node, Index relid);
extern void binding_check_table(const BoundTable *table);
pg_noreturn extern void binding_reject_column(const BoundTable *table, AttrNumber attnum);
pg_noreturn extern void binding_reject_path(const BoundTable *table, AttrNumber attnum,
											const char *path, const char *why);

/* ---- key.c: keys in conditions; keyless.c: why a scan has no key */

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

/* ---- conditions.c: a scan's conditions, sorted into keys, guards and the rest */

/* Conditions of a scan, all of which must hold, sorted by their use. */
typedef struct Conditions
{
	List	   *keys;			/* for each parameter of the operation the values to ask
								 * for, see KeyKind; NIL for one that conditions leave
								 * open */
	bool		complete;		/* no parameter is left open */
	List	   *exprs;			/* the expressions that the keys refer to */
	List	   *key_quals;		/* the conditions that the keys were made of */
	List	   *guards;			/* conditions that need no row of the table */
	List	   *asked;			/* conditions that columns of EchoColumns.unchanged
								 * decide: checked before anything is sent */
	List	   *others;			/* conditions to check on each row, including "asked" and
								 * those that say more than the key */
} Conditions;

extern Conditions conditions_classify(const KeyContext *relation, List *rinfos);
extern Conditions conditions_of_partition(Relation relation, const EchoColumns *echo);
extern List *conditions_partition_guards(const KeyContext *relation,
										 const Conditions *partition, List *rinfos);
extern List *conditions_static(const KeyContext *relation, List *asked);

/* ---- plan.c: planning */

/* Indexes into ForeignScan.fdw_private. */
enum FdwScanPrivateIndex
{
	FdwScanPrivateKeys,			/* see Conditions.keys */
	FdwScanPrivateAttrs,		/* attribute numbers to fill, as integers */
	FdwScanPrivateKeyless,		/* why a key may be left open, see keyless_reasons() */
};

/* Indexes into ForeignScan.fdw_exprs, which has lists of expressions. */
enum FdwScanExprsIndex
{
	FdwScanExprsKey,			/* the expressions that the keys refer to */
	FdwScanExprsGuards,			/* conditions that need no row of the table, without
								 * PostgreSQL's gating conditions */
	FdwScanExprsKeyQuals,		/* the conditions that the keys were made of */
	FdwScanExprsAsked,			/* conditions to check on what is about to be asked for */
};

/* Keys of a planned scan: what it will look up, as far as its conditions say. */
typedef struct PlannedKey
{
	List	   *keys;			/* see Conditions.keys */
	List	   *exprs;			/* expressions that the keys refer to */
	List	   *guards;			/* conditions that must hold for any look-up */
	List	   *asked;			/* see conditions_static() */
	const Operation *operation;
	Oid			table;
	Oid			serverid;
	Oid			userid;			/* InvalidOid: the current user */
} PlannedKey;

extern List *plan_key_to_list(const PlannedKey *key);
extern PlannedKey *plan_key_from_list(List *list);
extern PlannedKey *plan_key_of_path(const ForeignPath *path);
extern List *plan_keys_to_child(PlannerInfo *root, List *keys, RelOptInfo *child_rel);
extern void imagebuilderGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel,
										  Oid foreigntableid);
extern void imagebuilderGetForeignPaths(PlannerInfo *root, RelOptInfo *baserel,
										Oid foreigntableid);
extern ForeignScan *imagebuilderGetForeignPlan(PlannerInfo *root, RelOptInfo *baserel,
											   Oid foreigntableid, ForeignPath *best_path,
											   List *tlist, List *scan_clauses,
											   Plan *outer_plan);

/* ---- key_state.c: keys in execution: the values to ask for */

/* Value of a parameter that a key yields. */
typedef struct KeyValue
{
	const char *text;			/* in the database's encoding */
	bool		from_statement;	/* a constant or parameter of the statement, not a row's */
} KeyValue;

typedef struct KeyState
{
	List	   *keys;			/* see Conditions.keys */
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

extern KeyState *key_state_create(List *keys, List *exprs, List *guards, List *asked,
								  Oid table, PlanState *parent);
extern bool key_state_admits(const KeyState *state, const char *const *values,
							 const Target *scope, const char *account);
extern List *key_state_evaluate(const KeyState *state, ExprContext *econtext,
								int *ncombinations);
extern void key_state_combination(const List *sets, int number, const KeyValue **values);

/* ---- plantree.c: how a node of a plan is run */

/* How a plan is run, if its statement is run to its end. */
typedef struct PlanRun
{
	bool		once;			/* once at most: nothing rescans the plan */
	bool		to_end;			/* all rows are taken: nothing above the plan stops early */
} PlanRun;

extern List *plantree_ancestors(PlannedStmt *statement, Plan *plan);
extern bool plantree_has_effects(PlannedStmt *statement, Plan *plan);
extern PlanRun plantree_run(PlannedStmt *statement, Plan *plan);
extern int	plantree_depth(const PlanState *node, bool runs_to_end);
extern void plantree_init(void);

/* ---- scan.c: execution of scans, and EXPLAIN; async.c: below an asynchronous Append */

extern void imagebuilderBeginForeignScan(ForeignScanState *node, int eflags);
extern TupleTableSlot *imagebuilderIterateForeignScan(ForeignScanState *node);
extern void imagebuilderReScanForeignScan(ForeignScanState *node);
extern void imagebuilderEndForeignScan(ForeignScanState *node);
extern void imagebuilderExplainForeignScan(ForeignScanState *node, ExplainState *es);
extern void explain_conditions(const char *label, List *conditions, Plan *plan,
							   List *ancestors, ExplainState *es);
extern void explain_stats(const LookupStats *stats, ExplainState *es);
extern TupleTableSlot *scan_next_async(ForeignScanState *node, bool *blocked);
extern bool scan_can_go_on(ForeignScanState *node);
extern bool imagebuilderIsForeignPathAsyncCapable(ForeignPath *path);
extern void imagebuilderForeignAsyncRequest(AsyncRequest *areq);
extern void imagebuilderForeignAsyncConfigureWait(AsyncRequest *areq);

/* ---- row_reader.c: the rows of a foreign table, out of an answer's document */

typedef struct RowReader RowReader;

extern RowReader *row_reader_create(const BoundTable *table, TupleDesc tupdesc, List *attrs,
									 bool warn);
extern bool row_reader_needs_account(const RowReader *reader);
extern void row_reader_start(RowReader *reader, const Request *request,
							 const Document *document, const char *account);
extern bool row_reader_next(RowReader *reader, TupleTableSlot *slot);

/* ---- row_error.c: errors of a row's values */

extern ErrorData *row_error_catch(void (*function) (void *argument), void *argument,
								  bool nested);
extern void row_error_report(ErrorData *error, const char *subject, const char *column,
							 const char *path, int level);

#endif							/* IMAGEBUILDER_FDW_H */
