/*
 * document_parse.c: checking that an answer is JSON, and indexing it.
 *
 * The tokens come from PostgreSQL's own JSON lexer (common/jsonapi.h), not from json-c:
 * json-c saturates large integers, cuts member names at U+0000 and replaces lone
 * surrogates, all silently, and copies every string whether or not a column needs it.
 *
 * Parsing is iterative and takes a bit for each level of nesting, and the index is
 * bounded (see DocumentSkip): for any answer, parser and index take less memory than
 * the answer itself, and no stack.
 */
#include "postgres.h"

#include "compat.h"
#include "miscadmin.h"
#include "rows/document.h"

/* State of the grammar: what it allows at the next token. */
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

typedef struct Parser
{
	Document   *doc;
	JsonLexContext *lex;
	uint32		capacity;		/* entries that doc->skips has room for */
	uint32		open[DOCUMENT_SKIP_DEPTH];	/* the entries of the lists and
											 * objects not yet closed, from
											 * the outermost */
	uint32		depth;			/* lists and objects not yet closed, in all */
	uint32		max_depth;		/* levels that "kinds" has room for */
	uint8	   *kinds;			/* a bit for each level: set for an object */
} Parser;

static bool
in_object(const Parser *p)
{
	return (p->kinds[(p->depth - 1) / 8] >> ((p->depth - 1) % 8)) & 1;
}

static void
push_kind(Parser *p, bool object)
{
	uint8		bit = 1 << (p->depth % 8);

	if (p->depth == p->max_depth)
	{
		p->max_depth *= 2;
		p->kinds = repalloc_huge(p->kinds, p->max_depth / 8);
	}
	if (object)
		p->kinds[p->depth / 8] |= bit;
	else
		p->kinds[p->depth / 8] &= ~bit;
	p->depth++;
}

/* Add an entry for a list or object just opened, and return its index. */
static uint32
add_skip(Parser *p)
{
	Document   *doc = p->doc;

	if (doc->nskips == p->capacity)
	{
		p->capacity = Min((uint64) p->capacity * 2, DOCUMENT_MAX_SKIPS(doc->length));
		doc->skips = repalloc_huge(doc->skips, (Size) p->capacity * sizeof(DocumentSkip));
	}
	doc->skips[doc->nskips].start = p->lex->token_start - doc->body;
	return doc->nskips++;
}

static void
open_container(Parser *p, bool object)
{
	if (p->depth < DOCUMENT_SKIP_DEPTH)
		p->open[p->depth] = add_skip(p);
	push_kind(p, object);
}

static bool
close_container(Parser *p, bool object)
{
	if (p->depth == 0 || in_object(p) != object)
		return false;
	p->depth--;
	if (p->depth < DOCUMENT_SKIP_DEPTH)
	{
		DocumentSkip *skip = &p->doc->skips[p->open[p->depth]];

		skip->end = p->lex->token_terminator - p->doc->body;
		/*
		 * Lists and objects inside a short one are shorter still, so their entries have
		 * been dropped.
		 */
		if (skip->end - skip->start < DOCUMENT_SKIP_SPAN)
			p->doc->nskips = p->open[p->depth];
	}
	return true;
}

static Expect
after_value(const Parser *p)
{
	return p->depth == 0 ? EXPECT_END_OF_INPUT : EXPECT_COMMA_OR_END;
}

/* Take a token that starts, or is, a value; false if the token does not. */
static bool
take_value(Parser *p, Expect *expect)
{
	switch (p->lex->token_type)
	{
		case JSON_TOKEN_STRING:
		case JSON_TOKEN_NUMBER:
		case JSON_TOKEN_TRUE:
		case JSON_TOKEN_FALSE:
		case JSON_TOKEN_NULL:
			*expect = after_value(p);
			return true;
		case JSON_TOKEN_OBJECT_START:
			open_container(p, true);
			*expect = EXPECT_NAME_OR_END;
			return true;
		case JSON_TOKEN_ARRAY_START:
			open_container(p, false);
			*expect = EXPECT_VALUE_OR_END;
			return true;
		default:
			return false;
	}
}

static bool
take_name(Parser *p, Expect *expect)
{
	if (p->lex->token_type != JSON_TOKEN_STRING)
		return false;
	*expect = EXPECT_COLON;
	return true;
}

static bool
take_comma_or_end(Parser *p, Expect *expect)
{
	switch (p->lex->token_type)
	{
		case JSON_TOKEN_COMMA:
			*expect = in_object(p) ? EXPECT_NAME : EXPECT_VALUE;
			return true;
		case JSON_TOKEN_OBJECT_END:
			if (!close_container(p, true))
				return false;
			break;
		case JSON_TOKEN_ARRAY_END:
			if (!close_container(p, false))
				return false;
			break;
		default:
			return false;
	}
	*expect = after_value(p);
	return true;
}

/* Take one token by RFC 8259's grammar; false if the token is out of place. */
static bool
take_token(Parser *p, Expect *expect)
{
	JsonTokenType token = p->lex->token_type;

	switch (*expect)
	{
		case EXPECT_VALUE:
			return take_value(p, expect);
		case EXPECT_VALUE_OR_END:
			if (token == JSON_TOKEN_ARRAY_END)
				return take_comma_or_end(p, expect);
			return take_value(p, expect);
		case EXPECT_NAME_OR_END:
			if (token == JSON_TOKEN_OBJECT_END)
				return take_comma_or_end(p, expect);
			return take_name(p, expect);
		case EXPECT_NAME:
			return take_name(p, expect);
		case EXPECT_COLON:
			*expect = EXPECT_VALUE;
			return token == JSON_TOKEN_COLON;
		case EXPECT_COMMA_OR_END:
			return take_comma_or_end(p, expect);
		case EXPECT_END_OF_INPUT:
			break;
	}
	return false;
}

/*
 * Check and index a JSON text (RFC 8259) of "length" bytes of UTF-8.
 *
 * The body must outlive the document, which is allocated in the current
 * memory context.  Returns NULL, with *error saying where the text goes wrong,
 * if it is not JSON.  Strings are not verified here: see document_text().
 */
Document *
document_parse(const char *body, size_t length, char **error)
{
	Parser		p = {0};
	Expect		expect = EXPECT_VALUE;
	uint32		tokens = 0;
	bool		is_json = false;
	const char *nul;

	Assert(length < PG_UINT32_MAX);
	p.doc = palloc(sizeof(Document));
	p.doc->body = body;
	p.doc->length = length;
	p.doc->nskips = 0;
	p.capacity = DOCUMENT_SKIP_DEPTH;
	p.doc->skips = palloc(p.capacity * sizeof(DocumentSkip));
	p.max_depth = 64;
	p.kinds = palloc(p.max_depth / 8);
	p.lex = compat_json_lexer(body, length);

	for (;;)
	{
		if (++tokens % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		if (json_lex(p.lex) != JSON_SUCCESS)
			break;
		if (tokens == 1)
			p.doc->root = p.lex->token_start - body;
		if (p.lex->token_type == JSON_TOKEN_END)
		{
			is_json = expect == EXPECT_END_OF_INPUT;
			break;
		}
		if (!take_token(&p, &expect))
			break;
	}

	/* PostgreSQL's lexer takes a backslash and a NUL for an escape sequence. */
	nul = is_json ? memchr(body, '\0', length) : NULL;
	if (!is_json || nul)
	{
		const char *wrong = nul ? nul : p.lex->token_start;

		*error = psprintf("The body of %zu bytes stops being JSON at byte %zu.", length,
						  wrong ? (size_t) (wrong - body) : length);
		pfree(p.doc->skips);
		pfree(p.doc);
		p.doc = NULL;
	}
	pfree(p.kinds);
	compat_json_lexer_free(p.lex);
	return p.doc;
}

/*
 * Return the document that a string holds, in the current memory context; "doc" must
 * live as long.  Raises 22P02 for a value that is no string, and for a string that is
 * not JSON; else as document_text().
 */
Document *
document_within(const Document *doc, DocumentNode node)
{
	size_t		length;
	const char *text;
	Document   *within;
	char	   *error;

	if (document_kind(doc, node) != DOC_STRING)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("a JSON %s stands where a string with JSON should",
						document_kind_name(document_kind(doc, node)))));
	text = document_utf8(doc, node, &length);
	within = document_parse(text, length, &error);
	if (within == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("the string, of %zu bytes, is not JSON", length)));
	return within;
}
