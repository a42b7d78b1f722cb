/*
 * ini.c: the syntax of the shared AWS config and credentials files.
 *
 * The syntax is that of Python's configparser.RawConfigParser and shlex.split(),
 * with which botocore's configloader.py and credentials.py read the files.
 */
#include "aws/base.h"

#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#ifdef FRONTEND
#include "common/logging.h"
#endif

#include "aws/ini.h"
#include "secret.h"

/*
 * Key of an entry of IniFile.names, the hash table of sections, profiles and settings.
 * A file may be 1 MB large and have a name in every line, so linear search would be
 * slow.
 */
typedef struct IniNameKey
{
	const void *owner;			/* a setting's Section; the IniFile for a profile; NULL
								 * for a section's header */
	const char *name;
} IniNameKey;

typedef struct IniName
{
	IniNameKey	key;
	void	   *value;			/* a Setting or a Section */
	char		status;			/* used by simplehash */
} IniName;

static uint32
hash_name(IniNameKey key)
{
	return hash_combine(hash_bytes((const unsigned char *) &key.owner, sizeof(key.owner)),
						hash_bytes((const unsigned char *) key.name, (int) strlen(key.name)));
}

#define SH_PREFIX names
#define SH_ELEMENT_TYPE IniName
#define SH_KEY_TYPE IniNameKey
#define SH_KEY key
#define SH_HASH_KEY(table, key) hash_name(key)
#define SH_EQUAL(table, a, b) ((a).owner == (b).owner && strcmp((a).name, (b).name) == 0)
#define SH_RAW_ALLOCATOR palloc0
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* State of reading a file. */
typedef struct IniReader
{
	IniFile    *file;
	Section    *section;		/* NULL before the first section */
	Setting    *setting;		/* the setting that an indented line continues; or NULL */
	int			indent;			/* of the last line that was not a continuation */
} IniReader;

/* Return how many bytes at p are a white space character, by Python's definition. */
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

/* Take white space off both ends; return the number of characters taken off the start. */
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
 * Split a command line or a section's header into words as shlex.split() does: words
 * are separated by white space, quotes and backslashes are those of shells, and every
 * other character stands for itself.
 *
 * Return the words and a NULL after them; NULL if a quote is not closed, or nothing
 * follows a backslash.  The words are wiped with the current memory context, since a
 * command line may hold a password.
 */
char	  **
ini_split_words(const char *text)
{
	size_t		length = strlen(text);
	char	   *out = secret_protect(palloc(length + 1), length + 1);
	char	  **words = palloc((length / 2 + 2) * sizeof(char *));
	int			nwords = 0;
	bool		in_word = false;
	char		quote = '\0';

	for (const char *p = text;; p++)
	{
		if (quote == '\0' && strchr(" \t\r\n", *p) != NULL)	/* NUL, the end, too */
		{
			if (in_word)
				*out++ = '\0';
			in_word = false;
			if (*p != '\0')
				continue;
			words[nwords] = NULL;
			return words;
		}
		if (!in_word)
			words[nwords++] = out;
		in_word = true;
		if (*p == '\\' && quote != '\'')
		{
			p++;
			if (quote != '\0' && *p != '\\' && *p != quote)
				*out++ = '\\';
		}
		else if (quote != '\0' ? *p == quote : *p == '\'' || *p == '"')
		{
			quote = quote != '\0' ? '\0' : *p;
			continue;
		}
		if (*p == '\0')
			return NULL;
		*out++ = *p;
	}
}

/*
 * Return the profile that a section's header names, or NULL, by botocore's
 * build_profile_map(), which accepts [profiles x] for [profile x], too.
 */
static char *
profile_of_header(const IniFile *file, char *header)
{
	char	  **words;

	if (!file->is_config || strcmp(header, "default") == 0)
		return header;
	if (strncmp(header, "profile", strlen("profile")) != 0)
		return NULL;
	words = ini_split_words(header);
	return words && words[0] && words[1] && !words[2] ? words[1] : NULL;
}

/* Enter a name; false if the name is there already. */
static bool
add_name(IniFile *file, const void *owner, const char *name, void *value)
{
	bool		found;

	names_insert(file->names, (IniNameKey) {owner, name}, &found)->value = value;
	return !found;
}

static void *
find_name(const IniFile *file, const void *owner, const char *name)
{
	IniName    *entry = names_lookup(file->names, (IniNameKey) {owner, name});

	return entry ? entry->value : NULL;
}

/*
 * Read a section's header.  Like read_setting() and read_line(), return the problem, a
 * clause about the line, or NULL.
 */
static const char *
read_header(IniReader *reader, char *header)
{
	IniFile    *file = reader->file;
	Section    *section;
	char	   *profile;

	reader->setting = NULL;
	if (strcmp(header, "DEFAULT") == 0)
	{
		reader->section = &file->defaults;
		return NULL;
	}
	section = palloc0(sizeof(Section));
	section->file = file;
	if (!add_name(file, NULL, header, section))
		return "begins a section that was there before";
	profile = profile_of_header(file, header);
	if (profile)
		add_name(file, file, profile, section);
	reader->section = section;
	return NULL;
}

static const char *
read_setting(IniReader *reader, const char *start, const char *end)
{
	const char *key_end = start;
	const char *value;
	Section    *section = reader->section;
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
	setting->value = value;
	setting->length = end - value;
	if (!add_name(section->file, section, setting->key, setting))
		return "has a key that its section had before";
	setting->next = section->settings;
	section->settings = reader->setting = setting;
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
		/* An empty value makes the indented lines a nested section, as for "s3". */
		reader->setting->multiline = true;
		if (reader->setting->length == 0 && !memchr(start, '=', end - start))
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
 * Read a file's text, in UTF-8, which must live as long as "file"; NULL if the file
 * does not exist.  Return NULL, or an error that names the line and shows nothing of
 * it.
 */
char *
ini_read(IniFile *file, const char *text)
{
	IniReader	reader = {.file = file};
	int			line = 0;

	file->names = names_create(64, NULL);
	file->defaults.file = file;
	while (text && *text)
	{
		const char *end = text + strcspn(text, "\r\n");
		const char *problem = read_line(&reader, text, end);

		CHECK_FOR_INTERRUPTS();
		line++;
		if (problem)
			return psprintf("line %d of the %s file %s", line,
							file->is_config ? "config" : "credentials", problem);
		if (end[0] == '\r' && end[1] == '\n')
			end++;
		text = *end ? end + 1 : end;
	}
	return NULL;
}

/* Return the last section of a profile; NULL if the file has none. */
Section *
ini_find_section(const IniFile *file, const char *profile)
{
	return find_name(file, file, profile);
}

/* Return a key's setting in a section, or else in [DEFAULT]; NULL if neither has one. */
const Setting *
ini_find_setting(const Section *section, const char *key)
{
	const Setting *setting = section ? find_name(section->file, section, key) : NULL;

	return setting || !section ? setting :
		find_name(section->file, &section->file->defaults, key);
}
