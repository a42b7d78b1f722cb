/*
 * row_reader.c: the rows of a foreign table, out of an answer's document.
 *
 * A reader goes through the table's row sources, and the rows of each; only the columns
 * that the query needs are bound and converted.
 *
 * A value that all rows of an image, a source or an enclosing item have in common is
 * found and converted once for them, not once a row: the service decides how many rows
 * a response has, and how long such a value is.
 */
#include "postgres.h"

#include "aws/arn.h"
#include "fdw/fdw.h"
#include "rows/rows.h"
#include "utils/memutils.h"

/* Column to fill. */
typedef struct ReaderColumn
{
	AttrNumber	attnum;
	const char *name;
	ColumnPath *path;
	int			parameter;		/* for PATH_PARAMETER */
	Converter  *converter;
	MemberTree *member;			/* for PATH_MEMBER and PATH_PARENT_MEMBER */

	MemoryContext shared;		/* holds the members below; NULL: rows have no value of it
								 * in common */
	int64		group;			/* value_group() of "value", or "error"; -1: none */
	Datum		value;
	bool		isnull;
	const char *error;			/* why the value cannot be read, or NULL */
	int			sqlstate;		/* of "error" */
} ReaderColumn;

struct RowReader
{
	ReaderColumn *columns;
	int			ncolumns;
	MemberTree	members;		/* members that columns need of the row's item */
	MemberTree	parent_members; /* members that columns need of the enclosing list's
								 * item */
	const BoundTable *table;
	RowCursor **cursors;		/* one for each of the table's row sources */
	bool		warn;			/* warn of rows that cannot be read; else they are
								 * errors */
	bool		needs_account;	/* a column has PATH_ACCOUNT */
	bool		fails_cleanly;	/* converter_fails_cleanly(), of all columns */
	MemoryContext row_context;	/* holds the current row's values */

	const Request *request;		/* request whose response is being read */
	const char *account;		/* as which it was asked, for PATH_ACCOUNT */
	const Document *document;
	int			source;			/* index of the current row source */
	DocumentNode parent;		/* item whose parent_members have been found */

	TupleTableSlot *slot;		/* to be filled with the next row */
	bool		found;			/* there is a next row */
	ReaderColumn *column;		/* for errors: the column being filled; NULL: none, the
								 * row is being searched for */
};

/* Bind the next of a reader's columns. */
static void
bind_column(RowReader *reader, const BoundTable *table, Form_pg_attribute attr)
{
	AttrNumber	attnum = attr->attnum;
	ReaderColumn *column = &reader->columns[reader->ncolumns++];
	SchemaColumn bound = binding_column(table, attnum);
	const char *error = NULL;

	if (bound.path == NULL)
		binding_reject_column(table, attnum);
	column->attnum = attnum;
	column->name = NameStr(attr->attname);
	column->path = column_path_parse(bound.path, &error);
	if (column->path == NULL)
		binding_reject_path(table, attnum, bound.path, error);
	reader->needs_account |= column->path->kind == PATH_ACCOUNT;
	column->parameter = operation_parameter(table->operation, bound.path);
	if (column->path->kind == PATH_PARAMETER && column->parameter < 0)
		binding_reject_path(table, attnum, bound.path, binding_key_paths(table->operation));
	if (column->path->kind == PATH_MEMBER)
		column->member = member_tree_add(&reader->members, column->path->members);
	else if (column->path->kind == PATH_PARENT_MEMBER)
		column->member = member_tree_add(&reader->parent_members, column->path->members);
	column->converter = converter_create(bound.type, attr->atttypid, attr->atttypmod);
	reader->fails_cleanly &= converter_fails_cleanly(column->converter);
	if (column->path->kind != PATH_MEMBER && column->path->kind != PATH_ITEM &&
		column->path->kind != PATH_ORDINAL)
		column->shared = AllocSetContextCreate(CurrentMemoryContext,
											   "imagebuilder_fdw shared value",
											   ALLOCSET_SMALL_SIZES);
}

/*
 * True if a table's row source may lead to a string: one of the user's own may, and one
 * of the schema's if a column takes the row's item itself.
 */
static bool
takes_string(const BoundTable *table)
{
	const SchemaTable *schema = table->table;

	if (schema == NULL || table->sources != schema->sources)
		return true;
	for (int i = 0; i < schema->ncolumns; i++)
	{
		if (*schema->columns[i].path == '.')
			return true;
	}
	return false;
}

static void
bind_sources(RowReader *reader, const BoundTable *table)
{
	reader->cursors = palloc(table->nsources * sizeof(RowCursor *));
	for (int i = 0; i < table->nsources; i++)
	{
		const char *error = NULL;
		RowPath    *path = row_path_parse(table->sources[i].rows, &error);

		if (path == NULL)
			binding_reject_path(table, InvalidAttrNumber, table->sources[i].rows, error);
		path->takes_string = takes_string(table);
		reader->cursors[i] = row_cursor_create(path);
	}
}

/*
 * Prepare to read a table's rows, in the current memory context, which must have "table",
 * too.  "attrs" are the attribute numbers of the columns to fill; all others are NULL.
 * "warn": rows that cannot be read are warned of and left out.
 */
RowReader *
row_reader_create(const BoundTable *table, TupleDesc tupdesc, List *attrs, bool warn)
{
	RowReader  *reader = palloc0(sizeof(RowReader));
	ListCell   *lc;

	reader->table = table;
	reader->warn = warn;
	reader->fails_cleanly = true;
	reader->columns = palloc0(list_length(attrs) * sizeof(ReaderColumn));
	foreach(lc, attrs)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, lfirst_int(lc) - 1);

		if (!attr->attisdropped)
			bind_column(reader, table, attr);
	}
	bind_sources(reader, table);
	reader->row_context = AllocSetContextCreate(CurrentMemoryContext, "imagebuilder_fdw row",
												ALLOCSET_DEFAULT_SIZES);
	return reader;
}

static void
forget_shared(RowReader *reader)
{
	for (int i = 0; i < reader->ncolumns; i++)
	{
		reader->columns[i].group = -1;
		if (reader->columns[i].shared)
			MemoryContextReset(reader->columns[i].shared);
	}
	reader->parent = DOC_ABSENT;
}

/* True if a column needs the account as which requests are made. */
bool
row_reader_needs_account(const RowReader *reader)
{
	return reader->needs_account;
}

/*
 * Go to the start of a document, the response to a request; both must live until its
 * last row has been read, as must "account", the one as which the request was made, if
 * row_reader_needs_account().
 */
void
row_reader_start(RowReader *reader, const Request *request, const Document *document,
				 const char *account)
{
	forget_shared(reader);
	reader->account = account;
	reader->request = request;
	reader->document = document;
	reader->source = 0;
	row_cursor_start(reader->cursors[0], document);
}

/* Go on to the document's next row; false after the last. */
static bool
next_row(RowReader *reader)
{
	reader->column = NULL;
	for (;;)
	{
		if (row_cursor_next(reader->cursors[reader->source]))
			return true;
		if (++reader->source == reader->table->nsources)
			return false;
		row_cursor_start(reader->cursors[reader->source], reader->document);
	}
}

/*
 * Find the members that columns need of the row's item and of the enclosing list's
 * item.
 */
static void
find_members(RowReader *reader)
{
	const RowCursor *cursor = reader->cursors[reader->source];
	DocumentNode parent = row_cursor_item(cursor, PATH_PARENT_MEMBER);

	member_tree_find(&reader->members, reader->document, row_cursor_item(cursor, PATH_MEMBER));
	if (parent == DOC_ABSENT || parent != reader->parent)
		member_tree_find(&reader->parent_members, reader->document, parent);
	reader->parent = parent;
}

/*
 * Return the ARN that a string holds without its build; any other text as it is.
 * Raises 22P02 for a value that is no string.
 */
static char *
version_of(const Document *document, DocumentNode node)
{
	char	   *text;
	Arn			arn;

	if (document_kind(document, node) != DOC_STRING)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("a JSON %s stands where an ARN should",
						document_kind_name(document_kind(document, node)))));
	text = document_text(document, node);
	if (arn_parse(text, &arn) && arn.build)
		*strrchr(text, '/') = '\0';
	return text;
}

static Datum
convert(const RowReader *reader, const ReaderColumn *column, bool *isnull)
{
	const RowCursor *cursor = reader->cursors[reader->source];
	const Document *document = reader->document;
	ColumnPathKind kind = column->path->kind;
	DocumentNode node = DOC_ABSENT;
	const char *text = NULL;
	int32		ordinal;

	switch (kind)
	{
		case PATH_PARAMETER:
			text = reader->request->values[column->parameter];
			break;
		case PATH_REGION:
			text = request_target(reader->request).region;
			break;
		case PATH_ACCOUNT:
			text = reader->account;
			break;
		case PATH_SOURCE:
			text = reader->table->sources[reader->source].label;
			break;
		case PATH_ORDINAL:
		case PATH_PARENT_ORDINAL:
			ordinal = row_cursor_ordinal(cursor, kind);
			text = ordinal == 0 ? NULL : psprintf("%d", ordinal);
			break;
		case PATH_MEMBER:
		case PATH_PARENT_MEMBER:
			node = column->member->found;
			/* member_path_follow() raises the error: it names the value in the way. */
			if (node == DOC_MISPLACED)
				node = member_path_follow(column->path->members, document,
										  row_cursor_item(cursor, kind));
			break;
		case PATH_ROOT_MEMBER:
			node = member_path_follow(column->path->members, document, document->root);
			break;
		default:
			node = row_cursor_item(cursor, kind);
			break;
	}
	*isnull = text == NULL && document_is_null(document, node);
	if (!*isnull && column->path->suffix == SUFFIX_VERSION)
		text = version_of(document, node);
	if (text)
		return converter_from_text(column->converter, text);
	if (!*isnull && column->path->suffix == SUFFIX_JSON)
	{
		document = document_within(document, node);
		node = document->root;
		*isnull = document_is_null(document, node);
	}
	return *isnull ? (Datum) 0 : converter_convert(column->converter, document, node);
}

/*
 * Return the group of rows that share a shared column's value: all of a document's, those
 * of a row source, or those of an enclosing item.
 */
static int64
value_group(const RowReader *reader, const ReaderColumn *column)
{
	switch (column->path->kind)
	{
		case PATH_PARAMETER:
		case PATH_RESPONSE:
		case PATH_REGION:
		case PATH_ACCOUNT:
		case PATH_ROOT_MEMBER:
			return 0;
		case PATH_SOURCE:
			return reader->source;
		default:
			return row_cursor_item(reader->cursors[reader->source], column->path->kind);
	}
}

/*
 * Convert a shared column's value for the first of the rows that share it.  Raises the
 * first row's error for the others, too.
 */
static void
share_value(const RowReader *reader, ReaderColumn *column)
{
	int64		group = value_group(reader, column);
	MemoryContext previous;

	if (column->group == group)
	{
		if (column->error)
			ereport(ERROR,
					(errcode(column->sqlstate), errmsg_internal("%s", column->error)));
		return;
	}
	column->group = -1;
	column->error = NULL;
	MemoryContextReset(column->shared);
	previous = MemoryContextSwitchTo(column->shared);
	column->value = convert(reader, column, &column->isnull);
	MemoryContextSwitchTo(previous);
	column->group = group;
}

/* Find the document's next row, and fill the reader's slot with its values. */
static void
read_row(void *argument)
{
	RowReader  *reader = argument;
	TupleTableSlot *slot = reader->slot;

	reader->found = next_row(reader);
	if (!reader->found)
		return;
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	find_members(reader);
	for (int i = 0; i < reader->ncolumns; i++)
	{
		ReaderColumn *column = &reader->columns[i];
		Datum	   *value = &slot->tts_values[column->attnum - 1];
		bool	   *isnull = &slot->tts_isnull[column->attnum - 1];

		reader->column = column;
		if (!column->shared)
		{
			*value = convert(reader, column, isnull);
			continue;
		}
		share_value(reader, column);
		*value = column->value;
		*isnull = column->isnull;
	}
}

/*
 * Report the current row's error; keep the error with a shared column, for the rows that
 * share the value.
 */
static void
report_error(const RowReader *reader, ErrorData *error, int level)
{
	ReaderColumn *column = reader->column;

	if (column && column->shared && column->group < 0)
	{
		column->error = MemoryContextStrdup(column->shared, error->message);
		column->sqlstate = error->sqlerrcode;
		column->group = value_group(reader, column);
	}
	row_error_report(error, request_subject(reader->request), column ? column->name : NULL,
					 column ? column->path->text :
					 reader->cursors[reader->source]->path->text, level);
}

/*
 * Read the document's next row into a cleared slot, not stored yet, whose values live
 * until the next call; false after the last.
 *
 * For a row that cannot be read, raises HV004, or an SQLSTATE that row_error.c keeps,
 * with the image, the path and the column; or warns of the row, and goes on to the next
 * one.
 */
bool
row_reader_next(RowReader *reader, TupleTableSlot *slot)
{
	reader->slot = slot;
	for (;;)
	{
		/*
		 * An error that is caught, and not passed on, takes a subtransaction, unless no
		 * column's conversion leaves anything behind.  PostgreSQL before 17 allows no
		 * subtransaction while the plan has parallel workers: then errors stay errors.
		 */
		bool		may_go_on = reader->warn &&
			(reader->fails_cleanly || compat_can_nest_transaction());
		MemoryContext previous;
		ErrorData  *error;

		MemoryContextReset(reader->row_context);
		previous = MemoryContextSwitchTo(reader->row_context);
		error = row_error_catch(read_row, reader, may_go_on && !reader->fails_cleanly);
		if (error)
			report_error(reader, error, may_go_on ? WARNING : ERROR);
		MemoryContextSwitchTo(previous);
		if (!error)
		{
			if (!reader->found)
				forget_shared(reader);
			return reader->found;
		}
	}
}
