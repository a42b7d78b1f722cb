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

extern const char *column_type_name(ColumnType type);

#endif							/* IMAGEBUILDER_COLUMN_TYPE_H */
