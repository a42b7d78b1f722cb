/* column_type.h: the types that columns of the schema have. */
#ifndef IMAGEBUILDER_COLUMN_TYPE_H
#define IMAGEBUILDER_COLUMN_TYPE_H

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

/* Return the SQL name of a column's type, as DDL takes it; not for TYPE_ANY. */
static inline const char *
column_type_name(ColumnType type)
{
	static const char *const names[] = {
		[TYPE_TEXT] = "text",
		[TYPE_BOOLEAN] = "boolean",
		[TYPE_INTEGER] = "integer",
		[TYPE_BIGINT] = "bigint",
		[TYPE_TIMESTAMPTZ] = "timestamptz",
		[TYPE_JSONB] = "jsonb",
		[TYPE_TEXT_ARRAY] = "text[]",
	};

	return names[type];
}

#endif							/* IMAGEBUILDER_COLUMN_TYPE_H */
