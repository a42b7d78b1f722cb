/*-------------------------------------------------------------------------
 *
 * document.c
 *		A JSON answer as received, indexed so that any part of it can be read
 *		without loss.
 *
 * The tokens come from PostgreSQL's own JSON lexer (common/jsonapi.h), not
 * from json-c: json-c saturates large integers, cuts member names at U+0000
 * and replaces lone surrogates, all silently, and copies every string whether
 * or not anybody asks for it.  Here a value is a range of bytes of the body;
 * it is decoded when a column asks for it, so that only then can it fail.
 *
 * Building the index is iterative: the depth of an answer is bounded by its
 * size alone and costs no stack.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/rows/document.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "rows/document.h"

/* What the grammar allows at the next token. */
typedef enum Expect
{
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END,		/* just after [ */
	EXPECT_NAME,
	EXPECT_NAME_OR_END,			/* just after { */
	EXPECT_COLON,
	EXPECT_COMMA_OR_END,
	EXPECT_END_OF_INPUT,
} Expect;

typedef struct Builder
{
	Document   *doc;
	JsonLexContext *lex;
	uint32		capacity;		/* of doc->nodes */
	NodeIndex  *open;			/* lists and objects not yet closed */
	uint32		nopen;
	uint32		open_capacity;
} Builder;

static NodeIndex
add_node(Builder *b, DocumentKind kind)
{
	Document   *doc = b->doc;
	DocumentNode *node;

	if (doc->nnodes == b->capacity)
	{
		b->capacity *= 2;
		doc->nodes = repalloc_huge(doc->nodes,
								   (Size) b->capacity * sizeof(DocumentNode));
	}
	node = &doc->nodes[doc->nnodes];
	node->start = b->lex->token_start - doc->body;
	node->end = b->lex->token_terminator - doc->body;
	node->next = doc->nnodes + 1;
	node->kind = kind;
	node->escaped = kind == DOC_STRING &&
		memchr(b->lex->token_start, '\\', node->end - node->start) != NULL;
	return doc->nnodes++;
}

static void
open_container(Builder *b, DocumentKind kind)
{
	if (b->nopen == b->open_capacity)
	{
		b->open_capacity *= 2;
		b->open = repalloc_huge(b->open,
								(Size) b->open_capacity * sizeof(NodeIndex));
	}
	b->open[b->nopen++] = add_node(b, kind);
}

static bool
close_container(Builder *b, DocumentKind kind)
{
	DocumentNode *node;

	if (b->nopen == 0)
		return false;
	node = &b->doc->nodes[b->open[b->nopen - 1]];
	if (node->kind != kind)
		return false;
	node->end = b->lex->token_terminator - b->doc->body;
	node->next = b->doc->nnodes;
	b->nopen--;
	return true;
}

static Expect
after_value(const Builder *b)
{
	return b->nopen == 0 ? EXPECT_END_OF_INPUT : EXPECT_COMMA_OR_END;
}

/* Takes a token that starts, or is, a value; false if it does not. */
static bool
take_value(Builder *b, Expect *expect)
{
	switch (b->lex->token_type)
	{
		case JSON_TOKEN_STRING:
			add_node(b, DOC_STRING);
			break;
		case JSON_TOKEN_NUMBER:
			add_node(b, DOC_NUMBER);
			break;
		case JSON_TOKEN_TRUE:
			add_node(b, DOC_TRUE);
			break;
		case JSON_TOKEN_FALSE:
			add_node(b, DOC_FALSE);
			break;
		case JSON_TOKEN_NULL:
			add_node(b, DOC_NULL);
			break;
		case JSON_TOKEN_OBJECT_START:
			open_container(b, DOC_OBJECT);
			*expect = EXPECT_NAME_OR_END;
			return true;
		case JSON_TOKEN_ARRAY_START:
			open_container(b, DOC_LIST);
			*expect = EXPECT_VALUE_OR_END;
			return true;
		default:
			return false;
	}
	*expect = after_value(b);
	return true;
}

static bool
take_name(Builder *b, Expect *expect)
{
	if (b->lex->token_type != JSON_TOKEN_STRING)
		return false;
	add_node(b, DOC_STRING);
	*expect = EXPECT_COLON;
	return true;
}

static bool
take_comma_or_end(Builder *b, Expect *expect)
{
	switch (b->lex->token_type)
	{
		case JSON_TOKEN_COMMA:
			*expect = b->doc->nodes[b->open[b->nopen - 1]].kind == DOC_OBJECT ?
				EXPECT_NAME : EXPECT_VALUE;
			return true;
		case JSON_TOKEN_OBJECT_END:
			if (!close_container(b, DOC_OBJECT))
				return false;
			break;
		case JSON_TOKEN_ARRAY_END:
			if (!close_container(b, DOC_LIST))
				return false;
			break;
		default:
			return false;
	}
	*expect = after_value(b);
	return true;
}

/* Takes one token by RFC 8259's grammar; false if it is out of place. */
static bool
take_token(Builder *b, Expect *expect)
{
	JsonTokenType token = b->lex->token_type;

	switch (*expect)
	{
		case EXPECT_VALUE:
			return take_value(b, expect);
		case EXPECT_VALUE_OR_END:
			if (token == JSON_TOKEN_ARRAY_END)
				return take_comma_or_end(b, expect);
			return take_value(b, expect);
		case EXPECT_NAME_OR_END:
			if (token == JSON_TOKEN_OBJECT_END)
				return take_comma_or_end(b, expect);
			return take_name(b, expect);
		case EXPECT_NAME:
			return take_name(b, expect);
		case EXPECT_COLON:
			*expect = EXPECT_VALUE;
			return token == JSON_TOKEN_COLON;
		case EXPECT_COMMA_OR_END:
			return take_comma_or_end(b, expect);
		case EXPECT_END_OF_INPUT:
			break;
	}
	return false;
}

/*
 * Index a JSON text (RFC 8259) of "length" bytes of UTF-8.
 *
 * The body must outlive the document, which is allocated in the current
 * memory context.  Returns NULL, with *error saying where the text goes wrong,
 * if it is not JSON.  Strings are not verified here: see document_text().
 */
Document *
document_parse(const char *body, size_t length, char **error)
{
	Builder		b = {0};
	Expect		expect = EXPECT_VALUE;
	uint32		tokens = 0;

	Assert(length < PG_UINT32_MAX);
	b.doc = palloc(sizeof(Document));
	b.doc->body = body;
	b.doc->length = length;
	b.doc->nnodes = 0;
	b.capacity = Max(16, length / 24);	/* a typical answer's bytes a node */
	b.doc->nodes = palloc_extended((Size) b.capacity * sizeof(DocumentNode),
								   MCXT_ALLOC_HUGE);
	b.open_capacity = 16;
	b.open = palloc(b.open_capacity * sizeof(NodeIndex));
	b.lex = compat_json_lexer(body, length);

	for (;;)
	{
		if (++tokens % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		if (json_lex(b.lex) != JSON_SUCCESS)
			break;
		if (b.lex->token_type == JSON_TOKEN_END)
		{
			if (expect != EXPECT_END_OF_INPUT)
				break;
			pfree(b.open);
			compat_json_lexer_free(b.lex);
			return b.doc;
		}
		if (!take_token(&b, &expect))
			break;
	}

	*error = psprintf("The body of %zu bytes stops being JSON at byte %zu.",
					  length,
					  b.lex->token_start ? (size_t) (b.lex->token_start - body) : 0);
	return NULL;
}

static int
hex4(const char *s)
{
	int			value = 0;

	for (int i = 0; i < 4; i++)
	{
		char		c = s[i];

		value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

/* What a one-letter escape stands for; the lexer has checked the letter. */
static char
simple_escape(char c)
{
	switch (c)
	{
		case 'b':
			return '\b';
		case 'f':
			return '\f';
		case 'n':
			return '\n';
		case 'r':
			return '\r';
		case 't':
			return '\t';
		default:
			return c;
	}
}

/*
 * Resolve the escapes of a string's inside into UTF-8 bytes.
 *
 * *lone is set where a UTF-16 surrogate stands without its other half (kept
 * as the three bytes that UTF-8 forbids, so that it equals nothing valid).
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

/* Whether a member's name, unescaped or not, is the one looked for. */
static bool
name_matches(const Document *doc, NodeIndex node, const char *name, size_t length)
{
	const DocumentNode *n = &doc->nodes[node];
	const char *raw = doc->body + n->start + 1;
	size_t		raw_length = n->end - n->start - 2;
	char	   *text;
	size_t		text_length;
	bool		lone;
	bool		matches;

	if (!n->escaped)
		return raw_length == length && memcmp(raw, name, length) == 0;
	/* An escape is never shorter than what it stands for. */
	if (raw_length <= length)
		return false;
	text = unescape(raw, raw_length, &text_length, &lone);
	matches = text_length == length && memcmp(text, name, length) == 0;
	pfree(text);
	return matches;
}

/*
 * The value of an object's member, DOC_ABSENT if there is none.
 *
 * Where a name is there twice the last one counts, as in jsonb and in every
 * AWS SDK.  "name" is in UTF-8.
 */
NodeIndex
document_member(const Document *doc, NodeIndex object, const char *name, size_t length)
{
	NodeIndex	found = DOC_ABSENT;
	NodeIndex	end = doc->nodes[object].next;

	Assert(doc->nodes[object].kind == DOC_OBJECT);
	for (NodeIndex i = object + 1; i < end; i = doc->nodes[i + 1].next)
	{
		if (name_matches(doc, i, name, length))
			found = i + 1;
	}
	return found;
}

/* UTF-8 bytes in the database's encoding, NUL-terminated, in a fresh copy. */
static char *
to_database(const char *utf8, size_t length, size_t *converted_length)
{
	char	   *converted;
	char	   *copy;

	if (length > MaxAllocSize / MAX_CONVERSION_GROWTH)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("JSON value of %zu bytes is too large", length)));
	/* Verifies when the database is in UTF-8 or SQL_ASCII, else converts. */
	converted = pg_any_to_server(utf8, (int) length, PG_UTF8);
	if (converted != utf8)
	{
		*converted_length = strlen(converted);
		return converted;
	}
	copy = palloc(length + 1);
	memcpy(copy, utf8, length);
	copy[length] = '\0';
	*converted_length = length;
	return copy;
}

/*
 * A string's text with escapes resolved, in the database's encoding.
 *
 * Allocated in the current memory context and NUL-terminated.  Raises 22021
 * for invalid UTF-8, 22P05 for U+0000 and for what the database's encoding
 * does not have, 22P02 for half a surrogate pair, as jsonb does.
 */
char *
document_text(const Document *doc, NodeIndex node, size_t *length)
{
	const DocumentNode *n = &doc->nodes[node];
	const char *raw = doc->body + n->start + 1;
	size_t		raw_length = n->end - n->start - 2;
	char	   *utf8;
	bool		lone;

	Assert(n->kind == DOC_STRING);
	if (!n->escaped)
		return to_database(raw, raw_length, length);

	utf8 = unescape(raw, raw_length, &raw_length, &lone);
	if (memchr(utf8, '\0', raw_length) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("the character U+0000 cannot be converted to text")));
	if (lone)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("the string holds half of a Unicode surrogate pair")));
	return to_database(utf8, raw_length, length);
}

/*
 * Any value as JSON text, as received but for the encoding, which is the
 * database's.  Allocated in the current memory context and NUL-terminated.
 * Raises 22021 and 22P05 as document_text() does.
 */
char *
document_json(const Document *doc, NodeIndex node, size_t *length)
{
	const DocumentNode *n = &doc->nodes[node];

	return to_database(doc->body + n->start, n->end - n->start, length);
}

/* What a value is, in JSON's terms, for messages. */
const char *
document_kind_name(DocumentKind kind)
{
	switch (kind)
	{
		case DOC_NULL:
			return "null";
		case DOC_TRUE:
		case DOC_FALSE:
			return "boolean";
		case DOC_NUMBER:
			return "number";
		case DOC_STRING:
			return "string";
		case DOC_LIST:
			return "array";
		case DOC_OBJECT:
			return "object";
	}
	return "value";
}
