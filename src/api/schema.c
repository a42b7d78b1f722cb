/* schema.c: the declarative description of all foreign tables and columns. */
#include "postgres.h"

#include "api/schema.h"

#define SOURCES(...) \
	.sources = (const SchemaSource[]) {__VA_ARGS__}, \
	.nsources = sizeof((const SchemaSource[]) {__VA_ARGS__}) / sizeof(SchemaSource)
#define COLUMNS(...) \
	.columns = (const SchemaColumn[]) {__VA_ARGS__}, \
	.ncolumns = sizeof((const SchemaColumn[]) {__VA_ARGS__}) / sizeof(SchemaColumn)

/* Columns of each table whose answer has latestVersionReferences. */
#define LATEST_VERSIONS \
	{"latest_version_arn", TYPE_TEXT, "/latestVersionReferences.latestVersionArn"}, \
	{"latest_major_version_arn", TYPE_TEXT, "/latestVersionReferences.latestMajorVersionArn"}, \
	{"latest_minor_version_arn", TYPE_TEXT, "/latestVersionReferences.latestMinorVersionArn"}, \
	{"latest_patch_version_arn", TYPE_TEXT, "/latestVersionReferences.latestPatchVersionArn"}

const SchemaTable schema_tables[] = {
#define API_TABLES
#include "api/groups.inc"
#undef API_TABLES
};

const int	schema_ntables = lengthof(schema_tables);

/* SQL names of the columns' types, as DDL takes them; TYPE_ANY has none. */
const char *const column_type_names[] = {
	[TYPE_TEXT] = "text",
	[TYPE_BOOLEAN] = "boolean",
	[TYPE_INTEGER] = "integer",
	[TYPE_BIGINT] = "bigint",
	[TYPE_TIMESTAMPTZ] = "timestamptz",
	[TYPE_JSONB] = "jsonb",
	[TYPE_TEXT_ARRAY] = "text[]",
};

/* Return the table of a name; NULL if the schema has no such table. */
const SchemaTable *
schema_find_table(const char *name)
{
	for (int i = 0; i < schema_ntables; i++)
	{
		if (strcmp(schema_tables[i].name, name) == 0)
			return &schema_tables[i];
	}
	return NULL;
}

/* Return the operation that a table asks; GetImage for one that the schema lacks (NULL). */
const Operation *
schema_operation(const SchemaTable *table)
{
	return operation_find(table && table->operation ? table->operation : "GetImage", false);
}

/* Return the column of a name; NULL if the table has no such column. */
const SchemaColumn *
schema_find_column(const SchemaTable *table, const char *name)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (strcmp(table->columns[i].name, name) == 0)
			return &table->columns[i];
	}
	return NULL;
}
