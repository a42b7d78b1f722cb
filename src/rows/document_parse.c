/*
 * document_parse.c: checking that an answer is JSON, and indexing it.
 *
 * The tokens come from PostgreSQL's own JSON lexer (common/jsonapi.h), not from json-c:
 * json-c saturates large integers, cuts member names at U+0000 and replaces lone
 * surrogates, all silently, and copies every string whether or not a column needs it.
 *
 * Parsing is iterative and takes a byte for each level of nesting, and the index is
 * bounded (see DocumentSkip): for any answer, parser and index use no more memory than
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
	StringInfoData brackets;	/* that opened the lists and objects not yet closed, from
								 * the outermost */
	int			entries[DOCUMENT_SKIP_DEPTH];	/* where in skips theirs are */
	StringInfoData skips;		/* doc->skips as bytes */
} Parser;

static bool
in_object(const Parser *p)
{
	return p->brackets.data[p->brackets.len - 1] == '{';
}

static void
open_container(Parser *p)
{
	DocumentSkip skip = {.start = p->lex->token_start - p->doc->body};

	if (p->brackets.len < DOCUMENT_SKIP_DEPTH)
	{
		p->entries[p->brackets.len] = p->skips.len;
		appendBinaryStringInfo(&p->skips, (const char *) &skip, sizeof(skip));
	}
	appendStringInfoChar(&p->brackets, *p->lex->token_start);
}

static void
close_container(Parser *p)
{
	int			depth = --p->brackets.len;
	DocumentSkip *skip;

	if (depth >= DOCUMENT_SKIP_DEPTH)
		return;
	skip = (DocumentSkip *) (p->skips.data + p->entries[depth]);
	skip->end = p->lex->token_terminator - p->doc->body;
	/*
	 * Lists and objects inside a short one are shorter still, so their entries have been
	 * dropped.
	 */
	if (skip->end - skip->start < DOCUMENT_SKIP_SPAN)
		p->skips.len = p->entries[depth];
}

static int
after_value(const Parser *p)
{
	return p->brackets.len == 0 ? ALLOW_END : ALLOW_COMMA | ALLOW_CLOSE;
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
			open_container(p);
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
	p.doc->place = palloc0(sizeof(uint32));
	initStringInfo(&p.brackets);
	initStringInfo(&p.skips);
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

	p.doc->skips = (DocumentSkip *) p.skips.data;
	p.doc->nskips = p.skips.len / sizeof(DocumentSkip);
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
	pfree(p.brackets.data);
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
