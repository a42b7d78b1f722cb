/* binding.h: the table and columns of the schema that a foreign table is bound to. */
#ifndef IMAGEBUILDER_BINDING_H
#define IMAGEBUILDER_BINDING_H

#include "access/attnum.h"
#include "api/operation.h"
#include "api/schema.h"
#include "compat.h"
#include "nodes/parsenodes.h"
#include "rows/path.h"

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

#endif							/* IMAGEBUILDER_BINDING_H */
