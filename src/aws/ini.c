/*-------------------------------------------------------------------------
 *
 * ini.c
 *		The syntax of the shared AWS config and credentials files.
 *
 * It is that of Python's configparser.RawConfigParser, with which botocore's
 * configloader.py reads them.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/aws/ini.c
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "aws/ini.h"
#include "secret.h"

/* Where reading a file has come to. */
typedef struct IniReader
{
	IniFile    *file;
	Section    *section;		/* NULL before the first */
	Setting    *setting;		/* what an indented line belongs to; or NULL */
	int			indent;			/* of the last line that continued nothing */
} IniReader;

/*
 * Length in bytes of the white space, as Python has it, that p is at; 0 if it
 * is at anything else.
 */
static int
space_length(const char *p)
{
	pg_wchar	c = utf8_to_unicode((const unsigned char *) p);

	if (c < 0x80)
		return (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= ' ') ? 1 : 0;
	if (c == 0x85 || c == 0xa0)
		return 2;
	if (c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
		c == 0x202f || c == 0x205f || c == 0x3000)
		return 3;
	return 0;
}

/* Take white space off both ends.  Returns the characters taken off the first. */
static int
trim(const char **start, const char **end)
{
	int			taken = 0;
	int			length;

	while (*start < *end && (length = space_length(*start)) > 0)
	{
		*start += length;
		taken++;
	}
	while (*start < *end)
	{
		const char *last = *end - 1;

		while (last > *start && ((unsigned char) *last & 0xc0) == 0x80)
			last--;
		if (space_length(last) == 0)
			break;
		*end = last;
	}
	return taken;
}

/*
 * The second word of two, split as Python's shlex.split() does it: the name in
 * [profile "a name"].  NULL if there are not two, or a quote stands open.
 */
static char *
second_word(const char *text)
{
	StringInfoData word;
	char	   *second = NULL;
	int			nwords = 0;
	bool		in_word = false;
	char		quote = '\0';

	initStringInfo(&word);
	for (const char *p = text;; p++)
	{
		if (quote == '\0' && strchr(" \t\r\n", *p) != NULL)
		{
			if (in_word && ++nwords == 2)
				second = pstrdup(word.data);
			resetStringInfo(&word);
			in_word = false;
			if (*p == '\0')
				return nwords == 2 ? second : NULL;
			continue;
		}
		in_word = true;
		if (*p == '\\' && quote != '\'')
		{
			p++;
			if (quote != '\0' && *p != '\\' && *p != quote)
				appendStringInfoChar(&word, '\\');
		}
		else if (quote != '\0' ? *p == quote : *p == '\'' || *p == '"')
		{
			quote = quote != '\0' ? '\0' : *p;
			continue;
		}
		if (*p == '\0')
			return NULL;
		appendStringInfoChar(&word, *p);
	}
}

/* botocore's build_profile_map(): it takes [profiles x] for [profile x], too. */
static char *
profile_of_header(const IniFile *file, char *header)
{
	if (!file->is_config)
		return header;
	if (strncmp(header, "profile", strlen("profile")) == 0)
		return second_word(header);
	return strcmp(header, "default") == 0 ? header : NULL;
}

/* The functions from here to read_line() return what is wrong, or NULL. */
static const char *
read_header(IniReader *reader, char *header)
{
	IniFile    *file = reader->file;
	Section    *section;

	reader->setting = NULL;
	if (strcmp(header, "DEFAULT") == 0)
	{
		reader->section = &file->defaults;
		return NULL;
	}
	for (section = file->sections; section; section = section->next)
	{
		if (strcmp(section->header, header) == 0)
			return "begins a section that was there before";
	}
	section = palloc0(sizeof(Section));
	section->header = header;
	section->profile = profile_of_header(file, header);
	section->fallback = &file->defaults;
	section->next = file->sections;
	file->sections = reader->section = section;
	return NULL;
}

static const char *
read_setting(IniReader *reader, const char *start, const char *end)
{
	const char *key_end = start;
	const char *value;
	Setting    *setting = palloc0(sizeof(Setting));

	while (key_end < end && *key_end != '=' && *key_end != ':')
		key_end++;
	if (key_end == end)
		return "is neither a [section] nor a comment, and has no \"=\"";
	value = key_end + 1;
	trim(&start, &key_end);
	trim(&value, &end);
	if (start == key_end)
		return "has no key before its \"=\"";
	setting->key = pnstrdup(start, key_end - start);
	for (char *c = setting->key; *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	setting->value = secret_guard(pnstrdup(value, end - value), end - value);
	for (const Setting *other = reader->section->settings; other; other = other->next)
	{
		if (strcmp(other->key, setting->key) == 0)
			return "has a key that its section had before";
	}
	setting->next = reader->section->settings;
	reader->section->settings = reader->setting = setting;
	return NULL;
}

static const char *
read_line(IniReader *reader, const char *start, const char *end)
{
	int			indent;
	const char *close;

	if (pg_encoding_verifymbstr(PG_UTF8, start, end - start) != end - start)
		return "is not in UTF-8";
	indent = trim(&start, &end);
	if (start == end || *start == '#' || *start == ';')
		return NULL;
	if (reader->setting && indent > reader->indent)
	{
		/* Nothing on the first line makes it a nested section, as for "s3". */
		reader->setting->multiline = true;
		if (*reader->setting->value == '\0' && !memchr(start, '=', end - start))
			return "is indented below a key without a value, and has no \"=\"";
		return NULL;
	}
	reader->indent = indent;
	for (close = end - 1; close > start && *close != ']';)
		close--;
	if (*start == '[' && close > start + 1)
		return read_header(reader, pnstrdup(start + 1, close - start - 1));
	if (reader->section == NULL)
		return strncmp(start, "\xef\xbb\xbf", 3) == 0 ?
			"begins with a byte order mark" : "stands before any [section]";
	return read_setting(reader, start, end);
}

/*
 * Read a file's text, in UTF-8; NULL for a file that is not there.  Returns an
 * error that names the line, and shows nothing of it; or NULL.
 */
char *
ini_read(IniFile *file, const char *text)
{
	IniReader	reader = {.file = file};
	int			line = 0;

	while (text && *text)
	{
		const char *end = text + strcspn(text, "\r\n");
		const char *problem = read_line(&reader, text, end);

		line++;
		if (problem)
			return psprintf("line %d of the %s file %s", line, file->kind, problem);
		if (end[0] == '\r' && end[1] == '\n')
			end++;
		text = *end ? end + 1 : end;
	}
	return NULL;
}

/* The section of a profile; NULL if there is none. */
const Section *
ini_find_section(const IniFile *file, const char *profile)
{
	const Section *section = file->sections;

	while (section && !(section->profile && strcmp(section->profile, profile) == 0))
		section = section->next;
	return section;
}

/* NULL if it is set neither there nor in [DEFAULT]; section may be NULL. */
const Setting *
ini_find_setting(const Section *section, const char *key)
{
	for (; section; section = section->fallback)
	{
		for (const Setting *setting = section->settings; setting; setting = setting->next)
		{
			if (strcmp(setting->key, key) == 0)
				return setting;
		}
	}
	return NULL;
}
