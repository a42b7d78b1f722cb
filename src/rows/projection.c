/*
 * projection.c: the rows that a row source makes of an answer.
 *
 * A row is the innermost item that a cursor stands on; columns are found from
 * there.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "rows/rows.h"

/*
 * Return a cursor for a row source, allocated in the current memory context; the path
 * must live as long.
 */
RowCursor *
row_cursor_create(const RowPath *path)
{
	RowCursor  *cursor = palloc0(sizeof(RowCursor));

	cursor->path = path;
	cursor->levels = palloc0(path->nlevels * sizeof(CursorLevel));
	return cursor;
}

/* Move a cursor before the first row of a document. */
void
row_cursor_start(RowCursor *cursor, const Document *doc)
{
	cursor->doc = doc;
	cursor->depth = 0;
}

/* True if a value at the level entered last is a string, and makes a row as such. */
static bool
is_string_row(const RowCursor *cursor, DocumentNode node)
{
	const RowPath *path = cursor->path;

	return path->takes_string && cursor->depth == path->nlevels &&
		path->levels[cursor->depth - 1].kind == LEVEL_OBJECT &&
		document_kind(cursor->doc, node) == DOC_STRING;
}

/* Enter the level below the one entered last, before the level's first item. */
static void
enter_level(RowCursor *cursor)
{
	const Document *doc = cursor->doc;
	const RowLevel *step = &cursor->path->levels[cursor->depth];
	CursorLevel *level = &cursor->levels[cursor->depth];
	DocumentNode from = cursor->depth == 0 ? doc->root : level[-1].item;
	DocumentNode node;
	DocumentKind expected;

	/*
	 * If member_path_follow() or the check of its value raises an error, the level has
	 * no items.
	 */
	cursor->depth++;
	level->ordinal = 0;
	level->key = level->next = DOC_ABSENT;
	node = member_path_follow(step->members, doc, from);
	if (document_is_null(doc, node))
		return;

	expected = step->kind == LEVEL_LIST ? DOC_LIST :
		is_string_row(cursor, node) ? DOC_STRING : DOC_OBJECT;
	if (document_kind(doc, node) != expected)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("a JSON %s stands where the rows' %s should",
						document_kind_name(document_kind(doc, node)),
						document_kind_name(expected))));
	level->next = step->kind == LEVEL_OBJECT ? node : document_first(doc, node);
}

/* Step to the next item of the level entered last; false after the last item. */
static bool
advance_level(RowCursor *cursor)
{
	const Document *doc = cursor->doc;
	LevelKind	kind = cursor->path->levels[cursor->depth - 1].kind;
	CursorLevel *level = &cursor->levels[cursor->depth - 1];

	if (level->next == DOC_ABSENT)
		return false;
	if (kind == LEVEL_MAP)
	{
		level->key = level->next;
		level->next = document_next(doc, level->key);
	}
	level->item = level->next;
	level->next = kind == LEVEL_OBJECT ? DOC_ABSENT : document_next(doc, level->item);
	level->ordinal += kind == LEVEL_LIST;
	return true;
}

/*
 * Step to the next row, in document order; false after the last.  Raises 22P02 where
 * the answer has something else than the path's lists and maps; the next call goes on
 * after that value.
 */
bool
row_cursor_next(RowCursor *cursor)
{
	if (cursor->depth == 0)
		enter_level(cursor);
	while (cursor->depth > 0)
	{
		CHECK_FOR_INTERRUPTS();
		if (!advance_level(cursor))
			cursor->depth--;
		else if (cursor->depth == cursor->path->nlevels)
			return true;
		else
			enter_level(cursor);
	}
	return false;
}

/* Return the nearest level of a kind at or above "from"; NULL if no level is of it. */
static const CursorLevel *
nearest_level(const RowCursor *cursor, int from, LevelKind kind)
{
	for (int i = from; i >= 0; i--)
	{
		if (cursor->path->levels[i].kind == kind)
			return &cursor->levels[i];
	}
	return NULL;
}

/* Return the level of the current row that a column's path is about, or NULL. */
static const CursorLevel *
level_of(const RowCursor *cursor, ColumnPathKind kind)
{
	int			own = cursor->depth - 1;

	switch (kind)
	{
		case PATH_MEMBER:
		case PATH_ITEM:
		case PATH_ORDINAL:
			return &cursor->levels[own];
		case PATH_PARENT_MEMBER:
		case PATH_PARENT_ORDINAL:
			/* "^" means the nearest list around the row's own item. */
			return nearest_level(cursor, own - 1, LEVEL_LIST);
		case PATH_KEY:
			return nearest_level(cursor, own, LEVEL_MAP);
		default:
			return NULL;
	}
}

/*
 * Return the value of the current row that a column's path leads to, or in which the
 * path's members are to be looked for; DOC_ABSENT if the row has no such value.
 */
DocumentNode
row_cursor_item(const RowCursor *cursor, ColumnPathKind kind)
{
	const CursorLevel *level = level_of(cursor, kind);

	if (kind == PATH_RESPONSE || kind == PATH_ROOT_MEMBER)
		return cursor->doc->root;
	if (level == NULL)
		return DOC_ABSENT;
	return kind == PATH_KEY ? level->key : level->item;
}

/*
 * Return the place, from 1, that "#" or "^#" stands for; 0 where the row has no such
 * list.
 */
int32
row_cursor_ordinal(const RowCursor *cursor, ColumnPathKind kind)
{
	const CursorLevel *level = level_of(cursor, kind);

	return level ? level->ordinal : 0;
}
