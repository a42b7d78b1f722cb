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

/* Bits for the tokens that the grammar of RFC 8259 allows next. */
#define ALLOW_VALUE		(1 << 0)
#define ALLOW_NAME		(1 << 1)
#define ALLOW_COLON		(1 << 2)
#define ALLOW_COMMA		(1 << 3)
#define ALLOW_CLOSE		(1 << 4)	/* the end of the innermost list or object */
#define ALLOW_END		(1 << 5)	/* the end of the text */

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

/* Add an entry for a list or object just opened, and return its index. */
static uint32
add_skip(Parser *p)
{
	Document   *doc = p->doc;

	if (doc->nskips == p->capacity)
	{
		/* No body needs more for what is closed (see DocumentSkip) and what is open. */
		p->capacity = Min((uint64) p->capacity * 2,
						  doc->length / sizeof(DocumentSkip) + DOCUMENT_SKIP_DEPTH);
		doc->skips = repalloc_huge(doc->skips, (Size) p->capacity * sizeof(DocumentSkip));
	}
	doc->skips[doc->nskips].start = p->lex->token_start - doc->body;
	return doc->nskips++;
}

static void
open_container(Parser *p, bool object)
{
	uint8		bit = 1 << (p->depth % 8);

	if (p->depth < DOCUMENT_SKIP_DEPTH)
		p->open[p->depth] = add_skip(p);
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

static void
close_container(Parser *p)
{
	DocumentSkip *skip;

	if (--p->depth >= DOCUMENT_SKIP_DEPTH)
		return;
	skip = &p->doc->skips[p->open[p->depth]];
	skip->end = p->lex->token_terminator - p->doc->body;
	/*
	 * Lists and objects inside a short one are shorter still, so their entries have been
	 * dropped.
	 */
	if (skip->end - skip->start < DOCUMENT_SKIP_SPAN)
		p->doc->nskips = p->open[p->depth];
}

static int
after_value(const Parser *p)
{
	return p->depth == 0 ? ALLOW_END : ALLOW_COMMA | ALLOW_CLOSE;
}

/* Take a token; return what is allowed after it, 0 if "allowed" does not have it. */
static int
take_token(Parser *p, int allowed)
{
	JsonTokenType token = p->lex->token_type;

	switch (token)
	{
		case JSON_TOKEN_OBJECT_START:
		case JSON_TOKEN_ARRAY_START:
			if (!(allowed & ALLOW_VALUE))
				return 0;
			open_container(p, token == JSON_TOKEN_OBJECT_START);
			return ALLOW_CLOSE | (token == JSON_TOKEN_OBJECT_START ? ALLOW_NAME : ALLOW_VALUE);
		case JSON_TOKEN_OBJECT_END:
		case JSON_TOKEN_ARRAY_END:
			if (!(allowed & ALLOW_CLOSE) || in_object(p) != (token == JSON_TOKEN_OBJECT_END))
				return 0;
			close_container(p);
			return after_value(p);
		case JSON_TOKEN_COMMA:
			if (!(allowed & ALLOW_COMMA))
				return 0;
			return in_object(p) ? ALLOW_NAME : ALLOW_VALUE;
		case JSON_TOKEN_COLON:
			return allowed & ALLOW_COLON ? ALLOW_VALUE : 0;
		case JSON_TOKEN_STRING:
			if (allowed & ALLOW_NAME)
				return ALLOW_COLON;
			return allowed & ALLOW_VALUE ? after_value(p) : 0;
		case JSON_TOKEN_NUMBER:
		case JSON_TOKEN_TRUE:
		case JSON_TOKEN_FALSE:
		case JSON_TOKEN_NULL:
			return allowed & ALLOW_VALUE ? after_value(p) : 0;
		default:
			return 0;
	}
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
	int			allowed = ALLOW_VALUE;
	uint32		tokens = 0;
	bool		is_json = false;
	const char *nul;

	Assert(length < PG_UINT32_MAX);
	p.doc = palloc0(sizeof(Document));
	p.doc->body = body;
	p.doc->length = length;
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
			is_json = allowed == ALLOW_END;
			break;
		}
		allowed = take_token(&p, allowed);
		if (allowed == 0)
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
