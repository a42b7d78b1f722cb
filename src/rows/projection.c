/*
 * projection.c: the rows that a row source makes of an answer.
 *
 * A row is the innermost item that a cursor stands on; columns are found from
 * there.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "rows/projection.h"

/* Allocated in the current memory context, as long-lived as the path. */
RowCursor *
row_cursor_create(const RowPath *path)
{
	RowCursor  *cursor = palloc0(sizeof(RowCursor));

	cursor->path = path;
	cursor->levels = palloc0(path->nlevels * sizeof(CursorLevel));
	return cursor;
}

/* Stand before the first row of a document. */
void
row_cursor_start(RowCursor *cursor, const Document *doc)
{
	cursor->doc = doc;
	cursor->depth = 0;
}

/* Stand before the first item of the level below the one entered last. */
static void
enter_level(RowCursor *cursor)
{
	const Document *doc = cursor->doc;
	const RowLevel *step = &cursor->path->levels[cursor->depth];
	CursorLevel *level = &cursor->levels[cursor->depth];
	DocumentNode from = cursor->depth == 0 ? doc->root : level[-1].item;
	DocumentNode node;
	DocumentKind expected;

	/* Should this raise an error, the level is one without items. */
	cursor->depth++;
	level->ordinal = 0;
	level->place = 0;
	level->key = level->next = DOC_ABSENT;
	node = member_path_follow(&step->members, doc, from);
	if (document_is_null(doc, node))
		return;

	expected = step->kind == LEVEL_LIST ? DOC_LIST : DOC_OBJECT;
	if (document_kind(doc, node) != expected)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("a JSON %s stands where the rows' %s should",
						document_kind_name(document_kind(doc, node)),
						document_kind_name(expected))));
	level->next = step->kind == LEVEL_OBJECT ? node : document_first(doc, node);
}

/* Step to the level's next item, false after the last. */
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
		level->next = document_next(doc, level->key, &level->place);
	}
	level->item = level->next;
	level->next = kind == LEVEL_OBJECT ? DOC_ABSENT : document_next(doc, level->item, &level->place);
	level->ordinal++;
	return true;
}

/*
 * Step to the next row, in document order; false after the last.  Raises
 * 22P02 where the answer has something else than the path's lists and maps;
 * the next call goes on after that.
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

/* The nearest level of that kind at or above "from"; NULL if there is none. */
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

/* The list that "^" means: the nearest one around the row's own item. */
static const CursorLevel *
enclosing_list(const RowCursor *cursor)
{
	return nearest_level(cursor, cursor->depth - 2, LEVEL_LIST);
}

/*
 * The value of the current row that a column's path leads to, or that its
 * members are to be looked for in; DOC_ABSENT if there is none.
 */
DocumentNode
row_cursor_item(const RowCursor *cursor, ColumnPathKind kind)
{
	const CursorLevel *level = &cursor->levels[cursor->depth - 1];

	switch (kind)
	{
		case PATH_MEMBER:
		case PATH_ITEM:
			return level->item;
		case PATH_PARENT_MEMBER:
		case PATH_PARENT_ORDINAL:
			level = enclosing_list(cursor);
			return level ? level->item : DOC_ABSENT;
		case PATH_KEY:
			level = nearest_level(cursor, cursor->depth - 1, LEVEL_MAP);
			return level ? level->key : DOC_ABSENT;
		case PATH_RESPONSE:
		case PATH_ROOT_MEMBER:
			return cursor->doc->root;
		default:
			return DOC_ABSENT;
	}
}

/* For "#" and "^#": a place, from 1; 0 where there is no such list. */
int32
row_cursor_ordinal(const RowCursor *cursor, ColumnPathKind kind)
{
	const CursorLevel *level = NULL;

	if (kind == PATH_PARENT_ORDINAL)
		level = enclosing_list(cursor);
	else if (cursor->path->levels[cursor->depth - 1].kind == LEVEL_LIST)
		level = &cursor->levels[cursor->depth - 1];
	return level ? level->ordinal : 0;
}
