/*
 * document.c: a JSON answer as received, any part of which can be read without loss.
 *
 * A value is represented by the offset of its first byte in the body.  It is decoded
 * when a column asks for it, so that only then can decoding fail. document_parse.c has
 * checked the body, so that the end of a value is found without a grammar: by counting
 * quotes and brackets.
 */
#include "postgres.h"

#include <ctype.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "rows/document.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Return the first byte from "p" on that is no white space. */
static inline const char *
skip_space(const Document *doc, const char *p)
{
	const char *end = doc->body + doc->length;

	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/* Return the byte past the string that starts at "p". */
static inline const char *
string_end(const Document *doc, const char *p)
{
	const char *end = doc->body + doc->length;

	for (;;)
	{
		const char *quote = memchr(p + 1, '"', end - p - 1);
		const char *escape = quote;

		while (escape[-1] == '\\')
			escape--;
		/* Of two backslashes, the first one escapes the second. */
		if ((quote - escape) % 2 == 0)
			return quote + 1;
		p = quote;
	}
}

/* Return the byte past the number, true, false or null that starts at "p". */
static const char *
scalar_end(const Document *doc, const char *p)
{
	const char *end = doc->body + doc->length;

	while (p < end && (isalnum((unsigned char) *p) || *p == '.' || *p == '+' || *p == '-'))
		p++;
	return p;
}

/* Compare an offset with the start of an index entry, for bsearch(). */
static int
compare_start(const void *offset, const void *skip)
{
	uint32		a = *(const uint32 *) offset;
	uint32		b = ((const DocumentSkip *) skip)->start;

	return a < b ? -1 : a > b;
}

/* Return the byte past the list or object that starts at "p". */
static const char *
container_end(const Document *doc, const char *p)
{
	const char *start = p;
	bool		searched = false;
	int64		depth = 0;

	if (*doc->place < doc->nskips && doc->body + doc->skips[*doc->place].start == p)
		return doc->body + doc->skips[(*doc->place)++].end;
	for (;;)
	{
		if (*p == '"')
			p = string_end(doc, p);
		else
		{
			if (*p == '{' || *p == '[')
				depth++;
			else if ((*p == '}' || *p == ']') && --depth == 0)
				return p + 1;
			p++;
		}
		/*
		 * To count through a short list or object is faster than to search for its
		 * entry.
		 */
		if (p - start >= DOCUMENT_SKIP_SPAN && !searched)
		{
			uint32		offset = start - doc->body;
			const DocumentSkip *skip = bsearch(&offset, doc->skips, doc->nskips,
											   sizeof(DocumentSkip), compare_start);

			if (skip)
			{
				*doc->place = skip - doc->skips + 1;
				return doc->body + skip->end;
			}
			searched = true;
		}
	}
}

static const char *
value_end(const Document *doc, DocumentNode node)
{
	const char *p = doc->body + node;

	switch (*p)
	{
		case '"':
			return string_end(doc, p);
		case '{':
		case '[':
			return container_end(doc, p);
		default:
			return scalar_end(doc, p);
	}
}

/* Return a value's JSON, as received, without a NUL. */
const char *
document_raw(const Document *doc, DocumentNode node, size_t *length)
{
	*length = value_end(doc, node) - doc->body - node;
	return doc->body + node;
}

/*
 * Return the first element of a list, or the first member's name of an object;
 * DOC_ABSENT if the list or object is empty.
 */
DocumentNode
document_first(const Document *doc, DocumentNode container)
{
	const char *p = skip_space(doc, doc->body + container + 1);

	return *p == ']' || *p == '}' ? DOC_ABSENT : p - doc->body;
}

/*
 * Return what follows a node: the next element after an element of a list, the value
 * after a member's name, the next member's name after a member's value.  DOC_ABSENT
 * after the last.
 *
 * Takes as long as it takes to go through the node's value, but, where the document has
 * been indexed so deep, no longer than for DOCUMENT_SKIP_SPAN bytes.
 */
DocumentNode
document_next(const Document *doc, DocumentNode node)
{
	const char *p = skip_space(doc, value_end(doc, node));

	if (p == doc->body + doc->length || (*p != ',' && *p != ':'))
		return DOC_ABSENT;
	return skip_space(doc, p + 1) - doc->body;
}

static int
hex4(const char *s)
{
	unsigned char bytes[2];

	hex_decode(s, 4, (char *) bytes);
	return bytes[0] << 8 | bytes[1];
}

/*
 * Return the character that a one-letter escape stands for; the lexer has checked the
 * letter.
 */
static char
simple_escape(char c)
{
	static const char letters[] = "bfnrt";
	const char *letter = strchr(letters, c);

	return letter ? "\b\f\n\r\t"[letter - letters] : c;
}

/*
 * Resolve the escapes of a string's inside into UTF-8 bytes.
 *
 * Sets *lone if a UTF-16 surrogate stands without its other half.  Such a surrogate
 * becomes the three bytes that UTF-8 forbids, so that the string equals no valid one.
 */
static char *
unescape(const char *raw, size_t raw_length, size_t *length, bool *lone)
{
	char	   *out = palloc_extended(raw_length + 1, MCXT_ALLOC_HUGE);
	char	   *to = out;
	const char *end = raw + raw_length;

	*lone = false;
	while (raw < end)
	{
		pg_wchar	c;

		if (*raw != '\\')
		{
			*to++ = *raw++;
			continue;
		}
		if (raw[1] != 'u')
		{
			*to++ = simple_escape(raw[1]);
			raw += 2;
			continue;
		}
		c = hex4(raw + 2);
		raw += 6;
		if (is_utf16_surrogate_first(c) && end - raw >= 6 &&
			raw[0] == '\\' && raw[1] == 'u' &&
			is_utf16_surrogate_second(hex4(raw + 2)))
		{
			c = surrogate_pair_to_codepoint(c, hex4(raw + 2));
			raw += 6;
		}
		else if (is_utf16_surrogate_first(c) || is_utf16_surrogate_second(c))
			*lone = true;
		unicode_to_utf8(c, (unsigned char *) to);
		to += pg_utf_mblen((unsigned char *) to);
	}
	*to = '\0';
	*length = to - out;
	return out;
}

/*
 * Go on to an object's next member, from a zeroed "member" to the first; false
 * after the last.
 */
bool
document_next_member(const Document *doc, DocumentNode object, DocumentMember *member)
{
	DocumentNode name = member->value ? document_next(doc, member->value) :
		document_first(doc, object);
	const char *end;

	Assert(document_kind(doc, object) == DOC_OBJECT);
	CHECK_FOR_INTERRUPTS();
	if (name == DOC_ABSENT)
		return false;
	end = string_end(doc, doc->body + name);
	member->name = doc->body + name + 1;
	member->length = end - 1 - member->name;
	member->value = skip_space(doc, skip_space(doc, end) + 1) - doc->body;
	return true;
}

/*
 * True if a member's name, its escapes resolved, is the one of "length" bytes of UTF-8.
 */
bool
document_member_is(const DocumentMember *member, const char *name, size_t length)
{
	char	   *text;
	size_t		text_length;
	bool		lone;
	bool		matches;

	if (member->length == length)
		return memcmp(member->name, name, length) == 0 &&
			memchr(name, '\\', length) == NULL;
	/* An escape is longer than what it stands for, at most six times. */
	if (member->length < length || member->length > 6 * length ||
		memchr(member->name, '\\', member->length) == NULL)
		return false;
	text = unescape(member->name, member->length, &text_length, &lone);
	matches = text_length == length && memcmp(text, name, length) == 0;
	pfree(text);
	return matches;
}

/*
 * Return the value of an object's member; DOC_ABSENT if the object has no such member.
 *
 * If an object has a name twice the last one counts, as in jsonb and in every AWS SDK.
 * "name" is in UTF-8.
 */
DocumentNode
document_member(const Document *doc, DocumentNode object, const char *name)
{
	size_t		length = strlen(name);
	DocumentNode found = DOC_ABSENT;
	DocumentMember member = {0};

	while (document_next_member(doc, object, &member))
	{
		if (document_member_is(&member, name, length))
			found = member.value;
	}
	return found;
}

/* Convert UTF-8 bytes to the database's encoding, NUL-terminated, in a fresh copy. */
static char *
to_database(const char *utf8, size_t length)
{
	char	   *converted;

	if (length > MaxAllocSize / MAX_CONVERSION_GROWTH)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("JSON value of %zu bytes is too large", length)));
	/*
	 * pg_any_to_server() verifies when the database is in UTF-8 or SQL_ASCII, else it
	 * converts.
	 */
	converted = pg_any_to_server(utf8, (int) length, PG_UTF8);
	return converted != utf8 ? converted : pnstrdup(utf8, length);
}

/*
 * Return a string's text with escapes resolved, in UTF-8, which is not verified:
 * NUL-terminated in the current memory context, or the bytes as received.  Raises 22P05
 * for U+0000, 22P02 for half a surrogate pair, as jsonb does.
 */
const char *
document_utf8(const Document *doc, DocumentNode node, size_t *length)
{
	const char *raw = document_raw(doc, node, length) + 1;
	char	   *utf8;
	bool		lone;

	Assert(document_kind(doc, node) == DOC_STRING);
	*length -= 2;				/* the quotes */
	if (memchr(raw, '\\', *length) == NULL)
		return raw;
	utf8 = unescape(raw, *length, length, &lone);
	if (memchr(utf8, '\0', *length) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("the character U+0000 cannot be converted to text")));
	if (lone)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("the string holds half of a Unicode surrogate pair")));
	return utf8;
}

/*
 * Return a string's text with escapes resolved, in the database's encoding.
 *
 * Allocated in the current memory context and NUL-terminated.  Raises 22021 for invalid
 * UTF-8, 22P05 for U+0000 and for what the database's encoding does not have, 22P02 for
 * half a surrogate pair.
 */
char *
document_text(const Document *doc, DocumentNode node)
{
	size_t		length;
	const char *utf8 = document_utf8(doc, node, &length);

	return to_database(utf8, length);
}

/*
 * Return any value as JSON text, as received but for the encoding, which is the
 * database's.  Allocated in the current memory context and NUL-terminated.  Raises
 * 22021 and 22P05 as document_text() does.
 */
char *
document_json(const Document *doc, DocumentNode node)
{
	size_t		length;
	const char *raw = document_raw(doc, node, &length);

	return to_database(raw, length);
}

/* Return a kind's name in JSON's terms, for messages. */
const char *
document_kind_name(DocumentKind kind)
{
	static const char *const names[] = {
		[DOC_NULL] = "null",
		[DOC_TRUE] = "boolean",
		[DOC_FALSE] = "boolean",
		[DOC_NUMBER] = "number",
		[DOC_STRING] = "string",
		[DOC_LIST] = "array",
		[DOC_OBJECT] = "object",
	};

	return names[kind];
}
