/* schema.c: the operations, tables and columns, and finding them. */
#include "postgres.h"

#include "api/schema.h"

#define PARAMETERS(...) \
	.parameters = (const Parameter[]) {__VA_ARGS__}, \
	.nparameters = sizeof((const Parameter[]) {__VA_ARGS__}) / sizeof(Parameter)
#define ANSWER(...)	.answer = (const char *const[]) {__VA_ARGS__, NULL}
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

static const Operation operations[] = {
#define API_OPERATIONS
#include "api/groups.inc"
#undef API_OPERATIONS
};

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

/*
 * Return the operation of a name; if no operation has the name, NULL if "missing_ok",
 * else raise XX000.
 */
const Operation *
operation_find(const char *name, bool missing_ok)
{
	for (size_t i = 0; i < lengthof(operations); i++)
	{
		if (strcmp(operations[i].name, name) == 0)
			return &operations[i];
	}
	if (!missing_ok)
		elog(ERROR, "there is no operation \"%s\"", name);
	return NULL;
}

/*
 * Return the API's name of an operation, in a fresh copy.  An entry for one of several
 * ways to call an operation adds a colon and a word, as in "ListImages:shared".
 */
char *
operation_api(const Operation *operation)
{
	return pnstrdup(operation->name, strcspn(operation->name, ":"));
}

/*
 * Return the index of the parameter whose value a column with a path, "@NAME", holds; -1
 * if the operation has no such parameter.
 */
int
operation_parameter(const Operation *operation, const char *path)
{
	for (int i = 0; *path == '@' && i < operation->nparameters; i++)
	{
		if (strcmp(path + 1, operation->parameters[i].name) == 0)
			return i;
	}
	return -1;
}

/* True if a column's path leads to a parameter of some operation. */
bool
operation_is_parameter_path(const char *path)
{
	for (size_t i = 0; i < lengthof(operations); i++)
	{
		if (operation_parameter(&operations[i], path) >= 0)
			return true;
	}
	return false;
}
