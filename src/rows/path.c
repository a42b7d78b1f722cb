/*-------------------------------------------------------------------------
 *
 * path.c
 *		Paths into an answer: parsing them and following them.
 *
 * The notation is the project's own: see "Paths" in README.md.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/rows/path.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "foreign_text.h"
#include "mb/pg_wchar.h"
#include "rows/path.h"

static const struct
{
	const char *text;
	ColumnPathKind kind;
}			special_paths[] = {
	{".", PATH_ITEM},
	{"#", PATH_ORDINAL},
	{"^#", PATH_PARENT_ORDINAL},
	{"@key", PATH_KEY},
	{"@arn", PATH_ARN},
	{"@source", PATH_SOURCE},
	{"@response", PATH_RESPONSE},
};

/*
 * Take "a.b.c" off *text, up to the end or the first bracket.
 *
 * Returns false if a name is empty.  Names are converted to UTF-8, since the
 * answers they are looked for in are.
 */
static bool
take_members(const char **text, MemberPath *members)
{
	const char *p = *text;
	int			capacity = 4;

	members->nnames = 0;
	members->names = palloc(capacity * sizeof(char *));
	for (;;)
	{
		size_t		length = strcspn(p, ".[]{}");
		char	   *name;

		if (length == 0 || strchr("^@#", *p) != NULL)
			return false;
		if (members->nnames == capacity)
		{
			capacity *= 2;
			members->names = repalloc(members->names, capacity * sizeof(char *));
		}
		name = pnstrdup(p, length);
		members->names[members->nnames++] = pg_server_to_any(name, length, PG_UTF8);
		p += length;
		if (*p != '.')
			break;
		p++;
	}
	*text = p;
	return true;
}

/* Take "[]" or "{}" off *text. */
static bool
take_brackets(const char **text, LevelKind *kind)
{
	if (strncmp(*text, "[]", 2) == 0)
		*kind = LEVEL_LIST;
	else if (strncmp(*text, "{}", 2) == 0)
		*kind = LEVEL_MAP;
	else
		return false;
	*text += 2;
	return true;
}

/*
 * Parse a row source, in the database's encoding: "", "a.b", "a[]", "a{}",
 * "a[].b[]" and so on.
 *
 * Returns NULL with *error set (one line, no full stop) if it is none.
 */
RowPath *
row_path_parse(const char *text, const char **error)
{
	RowPath    *path = palloc0(sizeof(RowPath));
	const char *p = text;

	path->text = text;
	/* Never more levels than brackets, and one. */
	path->levels = palloc0((strlen(text) / 2 + 1) * sizeof(RowLevel));
	if (*p == '\0')
	{
		path->nlevels = 1;		/* the root itself */
		return path;
	}
	for (;;)
	{
		RowLevel   *level = &path->levels[path->nlevels++];

		if (!take_members(&p, &level->members))
		{
			*error = "a member's name is missing, or starts with \"^\", \"@\" or \"#\"";
			return NULL;
		}
		level->kind = LEVEL_OBJECT;
		if (*p == '\0')
			return path;
		while (*p == '[' || *p == '{')
		{
			/* A list of lists: its inner level starts at the item itself. */
			if (level == NULL)
				level = &path->levels[path->nlevels++];
			if (!take_brackets(&p, &level->kind))
				break;
			level = NULL;
		}
		if (*p == '\0')
			return path;
		if (*p++ != '.')
		{
			*error = "after a name, \"[]\", \"{}\", a full stop or the end must follow";
			return NULL;
		}
	}
}

/*
 * Parse a column's path, in the database's encoding: see ColumnPathKind.
 *
 * Returns NULL with *error set (one line, no full stop) if it is none.
 */
ColumnPath *
column_path_parse(const char *text, const char **error)
{
	ColumnPath *path = palloc0(sizeof(ColumnPath));
	const char *p = text;

	path->text = text;
	for (size_t i = 0; i < lengthof(special_paths); i++)
	{
		if (strcmp(text, special_paths[i].text) == 0)
		{
			path->kind = special_paths[i].kind;
			return path;
		}
	}
	path->kind = PATH_MEMBER;
	if (*p == '^')
	{
		path->kind = PATH_PARENT_MEMBER;
		p++;
	}
	if (*p == '@')
		*error = "the special paths are \"@arn\", \"@source\", \"@key\" and \"@response\"";
	else if (!take_members(&p, &path->members))
		*error = "a member's name is missing, or starts with \"^\", \"@\" or \"#\"";
	else if (*p != '\0')
		*error = "\"[]\" and \"{}\" belong in the table's option \"rows\"";
	else
		return path;
	return NULL;
}

/*
 * The value at the end of a chain of members, DOC_ABSENT if it or one on the
 * way is absent or null.  Raises 22P02 where something else than an object
 * stands on the way.
 */
DocumentNode
member_path_follow(const MemberPath *path, const Document *doc, DocumentNode from)
{
	for (int i = 0; i < path->nnames; i++)
	{
		const char *name = path->names[i];

		if (document_is_null(doc, from))
			return DOC_ABSENT;
		if (document_kind(doc, from) != DOC_OBJECT)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("member \"%s\" is looked for in a JSON %s",
							local_text(pg_any_to_server(name, strlen(name), PG_UTF8),
									   MAX_FOREIGN_WORD),
							document_kind_name(document_kind(doc, from)))));
		from = document_member(doc, from, name, strlen(name));
	}
	return from;
}
