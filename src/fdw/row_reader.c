/*-------------------------------------------------------------------------
 *
 * row_reader.c
 *		The rows of a foreign table, out of an image's document.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/row_reader.c
 *
 *-------------------------------------------------------------------------
 */
/*
 * A reader goes through the table's row sources, and the rows of each; only the
 * columns that the query needs are bound and converted.
 */
#include "postgres.h"

#include "fdw/row_reader.h"
#include "rows/projection.h"
#include "rows/value.h"

/* A column to fill. */
typedef struct ReaderColumn
{
	AttrNumber	attnum;
	const char *name;
	ColumnPath *path;
	Converter  *converter;
} ReaderColumn;

/* A row source. */
typedef struct ReaderSource
{
	const char *label;			/* of @source; may be NULL */
	RowCursor  *cursor;
} ReaderSource;

struct RowReader
{
	ReaderColumn *columns;
	int			ncolumns;
	ReaderSource *sources;
	int			nsources;

	const char *arn;			/* whose rows are being read */
	const Document *document;
	int			source;			/* index of the current one */

	const char *converting;		/* for errors: the path being followed */
	const char *column;			/* and the column that is for; NULL: a row */
};

static ReaderColumn *
bind_columns(const BoundTable *table, TupleDesc tupdesc, List *attrs, int *ncolumns)
{
	ReaderColumn *columns = palloc0((list_length(attrs) + 1) * sizeof(ReaderColumn));
	ListCell   *lc;

	*ncolumns = 0;
	foreach(lc, attrs)
	{
		AttrNumber	attnum = lfirst_int(lc);
		Form_pg_attribute attr = TupleDescAttr(tupdesc, attnum - 1);
		ReaderColumn *column = &columns[*ncolumns];
		const char *error = NULL;
		BoundColumn bound;

		if (attr->attisdropped)
			continue;
		bound = binding_column(table, attnum);
		if (bound.path == NULL)
			binding_reject_column(table, attnum);
		column->attnum = attnum;
		column->name = NameStr(attr->attname);
		column->path = column_path_parse(bound.path, &error);
		if (column->path == NULL)
			elog(ERROR, "path \"%s\" was not validated: %s", bound.path, error);
		column->converter = converter_create(bound.type, attr->atttypid, attr->atttypmod);
		(*ncolumns)++;
	}
	return columns;
}

static ReaderSource *
bind_sources(const BoundTable *table)
{
	ReaderSource *sources = palloc0((table->nsources + 1) * sizeof(ReaderSource));

	for (int i = 0; i < table->nsources; i++)
	{
		const char *error = NULL;
		RowPath    *path = row_path_parse(table->sources[i].rows, &error);

		if (path == NULL)
			elog(ERROR, "row source \"%s\" was not validated: %s",
				 table->sources[i].rows, error);
		sources[i].label = table->sources[i].label;
		sources[i].cursor = row_cursor_create(path);
	}
	return sources;
}

/*
 * Prepare to read a table's rows: of its columns those in "attrs", a list of
 * attribute numbers; the others are NULL.  In the current memory context.
 */
RowReader *
row_reader_create(const BoundTable *table, TupleDesc tupdesc, List *attrs)
{
	RowReader  *reader = palloc0(sizeof(RowReader));

	reader->columns = bind_columns(table, tupdesc, attrs, &reader->ncolumns);
	reader->sources = bind_sources(table);
	reader->nsources = table->nsources;
	return reader;
}

/* Go to the start of a document, the image's of an ARN; both must live as long. */
void
row_reader_start(RowReader *reader, const char *arn, const Document *document)
{
	reader->arn = arn;
	reader->document = document;
	reader->source = 0;
	row_cursor_start(reader->sources[0].cursor, document);
}

/* Go on to the document's next row; false after the last. */
static bool
next_row(RowReader *reader)
{
	reader->column = NULL;
	for (;;)
	{
		RowCursor  *cursor = reader->sources[reader->source].cursor;

		reader->converting = cursor->path->text;
		if (row_cursor_next(cursor))
			return true;
		if (++reader->source == reader->nsources)
			return false;
		row_cursor_start(reader->sources[reader->source].cursor, reader->document);
	}
}

static Datum
column_value(RowReader *reader, const ReaderColumn *column, bool *isnull)
{
	const ReaderSource *source = &reader->sources[reader->source];
	NodeIndex	node;
	int32		ordinal;

	*isnull = false;
	switch (column->path->kind)
	{
		case PATH_ARN:
			return converter_from_text(column->converter, reader->arn);
		case PATH_SOURCE:
			*isnull = source->label == NULL;
			return *isnull ? (Datum) 0 :
				converter_from_text(column->converter, source->label);
		case PATH_ORDINAL:
		case PATH_PARENT_ORDINAL:
			ordinal = row_cursor_ordinal(source->cursor, column->path);
			*isnull = ordinal == 0;
			return *isnull ? (Datum) 0 :
				converter_from_int32(column->converter, ordinal);
		default:
			node = row_cursor_find(source->cursor, column->path);
			*isnull = document_is_null(reader->document, node);
			return *isnull ? (Datum) 0 :
				converter_convert(column->converter, reader->document, node);
	}
}

/*
 * Re-raise an error about a value with the image, path and column it was.
 *
 * What does not fit becomes HV004, whatever a type's input function calls it.
 * Invalid UTF-8 (22021), characters that text or the database's encoding does
 * not have (22P05) and what is too large or too deep (54) keep their SQLSTATEs;
 * errors that are not about data pass unchanged.
 */
static void
rethrow_value_error(const RowReader *reader, MemoryContext context)
{
	ErrorData  *error;
	int			category;
	int			sqlstate;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	sqlstate = error->sqlerrcode;
	category = ERRCODE_TO_CATEGORY(sqlstate);
	if (category != ERRCODE_DATA_EXCEPTION &&
		category != ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION &&
		category != ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION &&
		category != ERRCODE_INVALID_SCHEMA_NAME &&
		category != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		PG_RE_THROW();
	FlushErrorState();
	if (sqlstate != ERRCODE_CHARACTER_NOT_IN_REPERTOIRE &&
		sqlstate != ERRCODE_UNTRANSLATABLE_CHARACTER &&
		category != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		sqlstate = ERRCODE_FDW_INVALID_DATA_TYPE;
	ereport(ERROR,
			(errcode(sqlstate),
			 reader->column ?
			 errmsg("could not read column \"%s\" of image \"%s\"", reader->column, reader->arn) :
			 errmsg("could not read the rows of image \"%s\"", reader->arn),
			 errdetail("Path \"%s\": %s.", reader->converting, error->message)));
}

static void
fill_slot(RowReader *reader, TupleTableSlot *slot)
{
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	for (int i = 0; i < reader->ncolumns; i++)
	{
		const ReaderColumn *column = &reader->columns[i];
		int			place = column->attnum - 1;

		reader->column = column->name;
		reader->converting = column->path->text;
		slot->tts_values[place] = column_value(reader, column, &slot->tts_isnull[place]);
	}
}

/*
 * The document's next row in a cleared slot, not stored yet; false after the
 * last.  Raises HV004 and the like, with the image, the path and the column.
 */
bool
row_reader_next(RowReader *reader, TupleTableSlot *slot)
{
	MemoryContext context = CurrentMemoryContext;
	bool		found = false;

	PG_TRY();
	{
		found = next_row(reader);
		if (found)
			fill_slot(reader, slot);
	}
	PG_CATCH();
	{
		rethrow_value_error(reader, context);
	}
	PG_END_TRY();
	return found;
}
