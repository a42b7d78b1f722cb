/* schema.h: the declarative description of all foreign tables and columns. */
#ifndef IMAGEBUILDER_SCHEMA_H
#define IMAGEBUILDER_SCHEMA_H

#include "api/operation.h"

/* Type of a column: what JSON value it takes, and its SQL type. */
typedef enum ColumnType
{
	TYPE_ANY,					/* a path of the user's own: no expectation */
	TYPE_TEXT,
	TYPE_BOOLEAN,
	TYPE_INTEGER,
	TYPE_BIGINT,
	TYPE_TIMESTAMPTZ,
	TYPE_JSONB,
	TYPE_TEXT_ARRAY,
} ColumnType;

typedef struct SchemaColumn
{
	const char *name;
	ColumnType	type;
	const char *path;			/* as column_path_parse() takes it */
} SchemaColumn;

typedef struct SchemaSource
{
	const char *label;			/* value of @source; NULL for a table with one source */
	const char *rows;			/* as row_path_parse() takes it */
} SchemaSource;

typedef struct SchemaTable
{
	const char *name;
	const char *operation;		/* operation whose response has the rows; NULL:
								 * GetImage */
	double		rows;			/* rows expected for an ARN, for the planner */
	const SchemaSource *sources;
	int			nsources;
	const SchemaColumn *columns;
	int			ncolumns;
} SchemaTable;

extern const SchemaTable schema_tables[];
extern const int schema_ntables;
extern const char *const column_type_names[];

extern const Operation *schema_operation(const SchemaTable *table);
extern const SchemaTable *schema_find_table(const char *name);
extern const SchemaColumn *schema_find_column(const SchemaTable *table,
											  const char *name);

#endif							/* IMAGEBUILDER_SCHEMA_H */
