/*
 * document.h: a JSON answer as received, any part of which can be read without
 * loss.
 */
#ifndef IMAGEBUILDER_DOCUMENT_H
#define IMAGEBUILDER_DOCUMENT_H

#include "lib/stringinfo.h"

typedef enum DocumentKind
{
	DOC_NULL,
	DOC_TRUE,
	DOC_FALSE,
	DOC_NUMBER,
	DOC_STRING,
	DOC_LIST,
	DOC_OBJECT,
} DocumentKind;

/* A value or a member's name: the offset of its first byte in the body. */
typedef uint32 DocumentNode;

#define DOC_ABSENT	((DocumentNode) PG_UINT32_MAX)

/*
 * Where a list or object ends, so that what follows it is found without going
 * through it.  Entries are kept for those of at least DOCUMENT_SKIP_SPAN bytes
 * that are nested no deeper than DOCUMENT_SKIP_DEPTH (GetImage's answers are at
 * most 8 deep): a shorter one is gone through in no time, and a deeper one
 * belongs to no column of the API.
 *
 * No two of one depth overlap, so that each depth has at most one entry per
 * DOCUMENT_SKIP_SPAN bytes of the body.  With the figures below, the index of
 * any body takes at most as much memory as the body; of a typical answer, a
 * twentieth of that.
 */
typedef struct DocumentSkip
{
	uint32		start;			/* offset of the opening bracket */
	uint32		end;			/* offset past the closing one */
} DocumentSkip;

#define DOCUMENT_SKIP_DEPTH	16
#define DOCUMENT_SKIP_SPAN	((int) (DOCUMENT_SKIP_DEPTH * sizeof(DocumentSkip)))

/* Those of a body, and the ones that are open while it is parsed. */
#define DOCUMENT_MAX_SKIPS(length) \
	((uint64) (length) / sizeof(DocumentSkip) + DOCUMENT_SKIP_DEPTH)

typedef struct Document
{
	const char *body;			/* UTF-8 as received, not verified; not owned */
	size_t		length;			/* bytes in body, below 4 GB */
	DocumentNode root;
	DocumentSkip *skips;		/* by start */
	uint32		nskips;
} Document;

/* An object's member. */
typedef struct DocumentMember
{
	const char *name;			/* what is between its quotes, as received */
	size_t		length;			/* bytes in that */
	DocumentNode value;
	uint32		place;			/* for document_next() */
} DocumentMember;

extern Document *document_parse(const char *body, size_t length, char **error);
extern DocumentNode document_first(const Document *doc, DocumentNode container);
extern DocumentNode document_next(const Document *doc, DocumentNode node, uint32 *place);
extern bool document_next_member(const Document *doc, DocumentNode object,
								 DocumentMember *member);
extern bool document_member_is(const DocumentMember *member, const char *name, size_t length);
extern DocumentNode document_member(const Document *doc, DocumentNode object,
									const char *name, size_t length);
extern char *document_text(const Document *doc, DocumentNode node, size_t *length);
extern char *document_json(const Document *doc, DocumentNode node, size_t *length);
extern const char *document_kind_name(DocumentKind kind);

/* A value's kind shows at its first byte. */
static inline DocumentKind
document_kind(const Document *doc, DocumentNode node)
{
	switch (doc->body[node])
	{
		case 'n':
			return DOC_NULL;
		case 't':
			return DOC_TRUE;
		case 'f':
			return DOC_FALSE;
		case '"':
			return DOC_STRING;
		case '[':
			return DOC_LIST;
		case '{':
			return DOC_OBJECT;
		default:
			return DOC_NUMBER;
	}
}

/* Absent and JSON null are one to SQL: both are NULL. */
static inline bool
document_is_null(const Document *doc, DocumentNode node)
{
	return node == DOC_ABSENT || doc->body[node] == 'n';
}

#endif							/* IMAGEBUILDER_DOCUMENT_H */
