/* rows.h: rows out of an answer: paths, cursors, and conversion of values to SQL. */
#ifndef IMAGEBUILDER_ROWS_H
#define IMAGEBUILDER_ROWS_H

#include "api/schema.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "rows/document.h"

/*
 * Kind of a level of a row source.  A level follows members, and then makes rows of
 * what is there; a row source has a level for each list or map that it goes through.
 * "image.a[].b[]" has two levels; the empty path has one, that makes one row of the
 * root.
 */
typedef enum LevelKind
{
	LEVEL_OBJECT,				/* the value itself, unless absent or null */
	LEVEL_LIST,					/* x[]: each element */
	LEVEL_MAP,					/* x{}: each entry */
} LevelKind;

typedef struct RowLevel
{
	List	   *members;		/* names, in UTF-8: of a.b or a."b.c" */
	LevelKind	kind;
} RowLevel;

typedef struct RowPath
{
	const char *text;			/* as written */
	bool		takes_string;	/* a last level of LEVEL_OBJECT may lead to a string */
	int			nlevels;
	RowLevel   *levels;
} RowPath;

/* Origin of a column's value, seen from its row's item. */
typedef enum ColumnPathKind
{
	PATH_MEMBER,				/* a.b */
	PATH_ITEM,					/* . */
	PATH_ORDINAL,				/* # */
	PATH_PARENT_MEMBER,			/* ^a.b */
	PATH_ROOT_MEMBER,			/* /a.b */
	PATH_PARENT_ORDINAL,		/* ^# */
	PATH_KEY,					/* @key */
	PATH_PARAMETER,				/* @NAME: what the request asks for */
	PATH_SOURCE,				/* @source */
	PATH_RESPONSE,				/* @response */
	PATH_REGION,				/* @region: the Region that was asked */
	PATH_ACCOUNT,				/* @account: the account as which it was asked */
} ColumnPathKind;

/* Conversion of the string at the end of a path. */
typedef enum PathSuffix
{
	SUFFIX_NONE,
	SUFFIX_JSON,				/* a@json: the JSON that it holds */
	SUFFIX_VERSION,				/* a@version: of an ARN, without its build */
} PathSuffix;

typedef struct ColumnPath
{
	const char *text;			/* as written */
	ColumnPathKind kind;
	PathSuffix	suffix;
	List	   *members;		/* names, in UTF-8, for PATH_MEMBER, PATH_PARENT_MEMBER
								 * and PATH_ROOT_MEMBER */
} ColumnPath;

/*
 * Tree of the members that columns need of an item: each node is a member, its children
 * are members of that member.  The root stands for the item itself.
 */
typedef struct MemberTree
{
	const char *name;			/* in UTF-8; NULL for the root */
	size_t		length;			/* bytes in name */
	DocumentNode found;			/* in the item searched last; DOC_ABSENT, DOC_MISPLACED */
	struct MemberTree *children;	/* the first child */
	struct MemberTree *sibling; /* the parent's next child */
} MemberTree;

/* Value of "found" where the parent is neither an object nor null. */
#define DOC_MISPLACED	((DocumentNode) (PG_UINT32_MAX - 1))

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

/*
 * Conversion of JSON values to one SQL type; made once for a column, used for each
 * value.
 */
typedef struct Converter
{
	ColumnType	expected;		/* what the API's model promises */
	Oid			type;			/* as the column is declared */
	Oid			base_type;		/* the declared type without domains */
	int32		typmod;
	char		category;		/* a TYPCATEGORY_ */
	FmgrInfo	input;			/* the declared type's input function */
	Oid			ioparam;
	struct Converter *element;	/* of an array type; else NULL */
} Converter;

/* in path.c */
extern RowPath *row_path_parse(const char *text, const char **error);
extern ColumnPath *column_path_parse(const char *text, const char **error);
extern DocumentNode member_path_follow(const List *names, const Document *doc,
									   DocumentNode from);
extern MemberTree *member_tree_add(MemberTree *root, const List *names);
extern void member_tree_find(MemberTree *root, const Document *doc, DocumentNode item);

/* in projection.c */
extern RowCursor *row_cursor_create(const RowPath *path);
extern void row_cursor_start(RowCursor *cursor, const Document *doc);
extern bool row_cursor_next(RowCursor *cursor);
extern DocumentNode row_cursor_item(const RowCursor *cursor, ColumnPathKind kind);
extern int32 row_cursor_ordinal(const RowCursor *cursor, ColumnPathKind kind);

/* in value.c */
extern Converter *converter_create(ColumnType expected, Oid type, int32 typmod);
extern bool converter_fails_cleanly(const Converter *converter);
extern Datum converter_convert(Converter *converter, const Document *doc,
							   DocumentNode node);
extern Datum converter_from_text(Converter *converter, const char *text);

#endif							/* IMAGEBUILDER_ROWS_H */
