/*
 * path.c: paths into an answer: parsing them and following them.
 *
 * The notation is the project's own: see doc/paths.md.
 */
#include "postgres.h"

#include "foreign_text.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "rows/rows.h"

static const struct
{
	const char *text;
	ColumnPathKind kind;
	PathSuffix	suffix;
}			special_paths[] = {
	{".", PATH_ITEM, SUFFIX_NONE},
	{".@json", PATH_ITEM, SUFFIX_JSON},
	{"#", PATH_ORDINAL, SUFFIX_NONE},
	{"^#", PATH_PARENT_ORDINAL, SUFFIX_NONE},
	{"@key", PATH_KEY, SUFFIX_NONE},
	{"@source", PATH_SOURCE, SUFFIX_NONE},
	{"@response", PATH_RESPONSE, SUFFIX_NONE},
	{"@region", PATH_REGION, SUFFIX_NONE},
	{"@account", PATH_ACCOUNT, SUFFIX_NONE},
};

static const char at_needs_quotes[] =
	"a name that has \"@\" in it, or begins with \"^\", \"#\" or \"/\", must be in double quotes";

/*
 * Take one member's name off *text.  In double quotes, a name may have any characters,
 * and a doubled quote stands for one.  Without quotes, a name ends before a full stop,
 * a bracket, a brace, a quote or "@".
 *
 * Returns the name in UTF-8, the encoding of answers, or NULL with *error set.
 */
static char *
take_name(const char **text, const char **error)
{
	const char *p = *text;
	size_t		length = 0;
	char	   *name;

	if (*p == '"')
	{
		name = palloc(strlen(p));
		/* A quote ends the name, unless another one follows. */
		for (p++; *p != '"' || *++p == '"'; p++)
		{
			if (*p == '\0')
			{
				*error = "a double quote is not closed";
				return NULL;
			}
			name[length++] = *p;
		}
		name[length] = '\0';
	}
	else
	{
		length = strcspn(p, ".[]{}\"@");
		if (*p == '@' || (length > 0 && strchr("^#/", *p)))
		{
			*error = at_needs_quotes;
			return NULL;
		}
		name = pnstrdup(p, length);
		p += length;
	}
	if (length == 0)
	{
		*error = "a member's name is missing";
		return NULL;
	}
	*text = p;
	return pg_server_to_any(name, length, PG_UTF8);
}

/*
 * Return the names of a chain with full stops between them, and advance *text past it;
 * NIL with *error set where a name is missing.
 */
static List *
take_members(const char **text, const char **error)
{
	List	   *names = NIL;

	for (;;)
	{
		char	   *name = take_name(text, error);

		if (name == NULL)
			return NIL;
		names = lappend(names, name);
		if (**text != '.')
			return names;
		++*text;
	}
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
 * Parse a row source, in the database's encoding: "", "a.b", "a[]", "a{}", "a[].b[]"
 * and so on; take_name() parses the names.
 *
 * Returns NULL with *error set (one line, no full stop) for any other text.
 */
RowPath *
row_path_parse(const char *text, const char **error)
{
	RowPath    *path = palloc0(sizeof(RowPath));
	const char *p = text;

	path->text = text;
	/* A path has at most one level for each pair of brackets, and one more. */
	path->levels = palloc0((strlen(text) / 2 + 1) * sizeof(RowLevel));
	if (*p == '\0')
	{
		path->nlevels = 1;		/* the root itself */
		return path;
	}
	for (;;)
	{
		RowLevel   *level = &path->levels[path->nlevels++];
		LevelKind	kind;

		level->members = take_members(&p, error);
		if (level->members == NIL)
			return NULL;
		while (take_brackets(&p, &kind))
		{
			/*
			 * In a list of lists, the inner level starts at the outer list's element
			 * itself.
			 */
			if (level->kind != LEVEL_OBJECT)
				level = &path->levels[path->nlevels++];
			level->kind = kind;
		}
		if (*p == '\0')
			return path;
		if (*p != '.')
		{
			*error = *p == '@' ? at_needs_quotes :
				"after a name, \"[]\", \"{}\", a full stop or the end must follow";
			return NULL;
		}
		p++;
	}
}

/*
 * Parse a column's path, in the database's encoding: see ColumnPathKind.
 *
 * Returns NULL with *error set (one line, no full stop) for any other text.
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
			path->suffix = special_paths[i].suffix;
			return path;
		}
	}
	if (*p == '@')
	{
		path->kind = PATH_PARAMETER;
		return path;
	}
	path->kind = PATH_MEMBER;
	if (*p == '^' || *p == '/')
		path->kind = *p++ == '^' ? PATH_PARENT_MEMBER : PATH_ROOT_MEMBER;
	path->members = take_members(&p, error);
	if (path->members == NIL)
		return NULL;
	if (strcmp(p, "@json") == 0)
		path->suffix = SUFFIX_JSON;
	else if (strcmp(p, "@version") == 0)
		path->suffix = SUFFIX_VERSION;
	if (*p == '\0' || path->suffix != SUFFIX_NONE)
		return path;
	if (*p == '@')
		*error = at_needs_quotes;
	else if (strchr("[]{}", *p))
		*error = "\"[]\" and \"{}\" belong in the table's option \"rows\"";
	else
		*error = "after a name, a full stop or the end must follow";
	return NULL;
}

/*
 * Return the value at the end of a chain of members, which may be null; DOC_ABSENT if
 * that member is absent, or one on the way is absent or null.  Raises 22P02 where
 * something else than an object stands on the way.
 */
DocumentNode
member_path_follow(const List *names, const Document *doc, DocumentNode from)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		const char *name = lfirst(lc);

		if (document_is_null(doc, from))
			return DOC_ABSENT;
		if (document_kind(doc, from) != DOC_OBJECT)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("member \"%s\" is looked for in a JSON %s",
							local_text(pg_any_to_server(name, strlen(name), PG_UTF8),
									   MAX_FOREIGN_WORD),
							document_kind_name(document_kind(doc, from)))));
		from = document_member(doc, from, name);
	}
	return from;
}

/*
 * Add a path's names to the members to find; returns the path's last node, whose "found"
 * is set by member_tree_find().  Allocated in the current memory context; the names must
 * live as long.
 */
MemberTree *
member_tree_add(MemberTree *root, const List *names)
{
	MemberTree *node = root;
	ListCell   *lc;

	foreach(lc, names)
	{
		const char *name = lfirst(lc);
		MemberTree *child = node->children;

		while (child && strcmp(child->name, name) != 0)
			child = child->sibling;
		if (child == NULL)
		{
			child = palloc0(sizeof(MemberTree));
			child->name = name;
			child->length = strlen(name);
			child->sibling = node->children;
			node->children = child;
		}
		node = child;
	}
	return node;
}

/*
 * Find the tree's members in an item, which may be DOC_ABSENT.  Going through an item
 * takes as long as the item is: so all columns' paths are followed together, once for
 * each item and not once for each column.  If an object has a name twice the last one
 * counts, as in document_member(); in a value that is absent or null all members are
 * absent.
 */
void
member_tree_find(MemberTree *root, const Document *doc, DocumentNode item)
{
	bool		is_null = item != DOC_MISPLACED && document_is_null(doc, item);
	bool		is_object = item != DOC_MISPLACED && !is_null &&
		document_kind(doc, item) == DOC_OBJECT;

	if (root->children == NULL)
		return;
	check_stack_depth();
	for (MemberTree *child = root->children; child; child = child->sibling)
		child->found = is_null || is_object ? DOC_ABSENT : DOC_MISPLACED;
	if (is_object)
	{
		DocumentMember member = {0};

		while (document_next_member(doc, item, &member))
		{
			for (MemberTree *child = root->children; child; child = child->sibling)
			{
				if (document_member_is(&member, child->name, child->length))
					child->found = member.value;
			}
		}
	}
	for (MemberTree *child = root->children; child; child = child->sibling)
		member_tree_find(child, doc, child->found);
}
