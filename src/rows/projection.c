/*-------------------------------------------------------------------------
 *
 * projection.c
 *		The rows that a row source makes of an answer.
 *
 * A row is the innermost item that a cursor stands on; columns are found from
 * there.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/rows/projection.c
 *
 *-------------------------------------------------------------------------
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
	NodeIndex	from = cursor->depth == 0 ? DOC_ROOT : level[-1].item;
	NodeIndex	node = member_path_follow(&step->members, doc, from);
	const DocumentNode *n;
	DocumentKind expected;

	cursor->depth++;
	level->ordinal = 0;
	level->key = DOC_ABSENT;
	level->next = level->end = 0;	/* nothing */
	if (document_is_null(doc, node))
		return;

	n = document_node(doc, node);
	expected = step->kind == LEVEL_LIST ? DOC_LIST : DOC_OBJECT;
	if (n->kind != expected)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("a JSON %s stands where the rows' %s should",
						document_kind_name(n->kind),
						document_kind_name(expected))));
	if (step->kind == LEVEL_OBJECT)
	{
		level->next = node;
		level->end = node + 1;
	}
	else
	{
		level->next = node + 1;
		level->end = n->next;
	}
}

/* Step to the level's next item, false after the last. */
static bool
advance_level(RowCursor *cursor)
{
	const Document *doc = cursor->doc;
	LevelKind	kind = cursor->path->levels[cursor->depth - 1].kind;
	CursorLevel *level = &cursor->levels[cursor->depth - 1];

	if (level->next >= level->end)
		return false;
	if (kind == LEVEL_MAP)
		level->key = level->next++;
	level->item = level->next;
	level->next = kind == LEVEL_OBJECT ? level->end :
		document_node(doc, level->item)->next;
	level->ordinal++;
	return true;
}

/*
 * Step to the next row, in document order; false after the last.  Raises
 * 22P02 where the answer has something else than the path's lists and maps.
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
 * The value that a column's path leads to from the current row; DOC_ABSENT if
 * there is none.  For paths to values of the answer only.
 */
NodeIndex
row_cursor_find(const RowCursor *cursor, const ColumnPath *path)
{
	const CursorLevel *level = &cursor->levels[cursor->depth - 1];

	switch (path->kind)
	{
		case PATH_MEMBER:
			return member_path_follow(&path->members, cursor->doc, level->item);
		case PATH_ITEM:
			return level->item;
		case PATH_RESPONSE:
			return DOC_ROOT;
		case PATH_KEY:
			level = nearest_level(cursor, cursor->depth - 1, LEVEL_MAP);
			return level ? level->key : DOC_ABSENT;
		case PATH_PARENT_MEMBER:
			level = enclosing_list(cursor);
			return level ? member_path_follow(&path->members, cursor->doc,
											  level->item) : DOC_ABSENT;
		default:
			return DOC_ABSENT;
	}
}

/* For "#" and "^#": a place, from 1; 0 where there is no such list. */
int32
row_cursor_ordinal(const RowCursor *cursor, const ColumnPath *path)
{
	const CursorLevel *level = NULL;

	if (path->kind == PATH_PARENT_ORDINAL)
		level = enclosing_list(cursor);
	else if (cursor->path->levels[cursor->depth - 1].kind == LEVEL_LIST)
		level = &cursor->levels[cursor->depth - 1];
	return level ? level->ordinal : 0;
}
