/* projection.h: the rows that a row source makes of an answer. */
#ifndef IMAGEBUILDER_PROJECTION_H
#define IMAGEBUILDER_PROJECTION_H

#include "rows/path.h"

/* Position of a cursor in one level of a row source. */
typedef struct CursorLevel
{
	DocumentNode next;			/* the element or entry to take next, if any */
	DocumentNode key;			/* the current entry's name, in a map */
	DocumentNode item;			/* the current element or entry's value */
	int32		ordinal;		/* the current element's place, from 1; 0 but in a list */
} CursorLevel;

typedef struct RowCursor
{
	const RowPath *path;
	const Document *doc;
	CursorLevel *levels;		/* as many as the path has */
	int			depth;			/* levels entered; 0 before the first row */
} RowCursor;

extern RowCursor *row_cursor_create(const RowPath *path);
extern void row_cursor_start(RowCursor *cursor, const Document *doc);
extern bool row_cursor_next(RowCursor *cursor);
extern DocumentNode row_cursor_item(const RowCursor *cursor, ColumnPathKind kind);
extern int32 row_cursor_ordinal(const RowCursor *cursor, ColumnPathKind kind);

#endif							/* IMAGEBUILDER_PROJECTION_H */
