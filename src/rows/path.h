/* path.h: paths into an answer: where a table's rows and a column's value are. */
#ifndef IMAGEBUILDER_PATH_H
#define IMAGEBUILDER_PATH_H

#include "rows/document.h"

/* A chain of member names, a.b or a."b.c". */
typedef struct MemberPath
{
	int			nnames;
	const char **names;			/* in UTF-8 */
} MemberPath;

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
	MemberPath	members;
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
	MemberPath	members;		/* for PATH_MEMBER, PATH_PARENT_MEMBER and
								 * PATH_ROOT_MEMBER */
} ColumnPath;

extern RowPath *row_path_parse(const char *text, const char **error);
extern ColumnPath *column_path_parse(const char *text, const char **error);
extern DocumentNode member_path_follow(const MemberPath *path, const Document *doc,
									   DocumentNode from);

#endif							/* IMAGEBUILDER_PATH_H */
