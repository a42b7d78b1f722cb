/* column_type.c: the types that columns of the schema have. */
#include "postgres.h"

#include "rows/column_type.h"

static const char *const names[] = {
	[TYPE_TEXT] = "text",
	[TYPE_BOOLEAN] = "boolean",
	[TYPE_INTEGER] = "integer",
	[TYPE_BIGINT] = "bigint",
	[TYPE_TIMESTAMPTZ] = "timestamptz",
	[TYPE_JSONB] = "jsonb",
	[TYPE_TEXT_ARRAY] = "text[]",
};

/* Return the SQL name of a column's type, as DDL takes it; not for TYPE_ANY. */
const char *
column_type_name(ColumnType type)
{
	return names[type];
}
