/*
 * binding.h: which table of the schema a foreign table is, and which columns its
 * are.
 */
#ifndef IMAGEBUILDER_BINDING_H
#define IMAGEBUILDER_BINDING_H

#include "access/attnum.h"
#include "api/operation.h"
#include "compat.h"
#include "nodes/bitmapset.h"
#include "rows/path.h"
#include "rows/schema.h"

typedef struct BoundColumn
{
	const char *path;			/* NULL: the column is bound to nothing */
	SchemaType	type;
} BoundColumn;

typedef struct BoundTable
{
	Oid			relid;
	const char *name;			/* the table's name in the schema, known or not */
	const SchemaTable *table;	/* NULL if there is no such table */
	const Operation *operation; /* whose answers have the rows */
	const SchemaSource *sources;	/* the table's, or the user's own */
	int			nsources;
} BoundTable;

extern BoundTable *binding_table(Oid relid);
extern BoundColumn binding_column(const BoundTable *table, AttrNumber attnum);
extern const char *binding_key_name(const BoundTable *table);
extern Bitmapset *binding_key_columns(const BoundTable *table, int natts);
extern void binding_check_table(const BoundTable *table);
pg_noreturn extern void binding_reject_column(const BoundTable *table, AttrNumber attnum);
pg_noreturn extern void binding_reject_path(const BoundTable *table, AttrNumber attnum,
											const char *path, const char *why);

#endif							/* IMAGEBUILDER_BINDING_H */
