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

/* Value or member's name: the offset of its first byte in the body. */
typedef uint32 DocumentNode;

#define DOC_ABSENT	((DocumentNode) PG_UINT32_MAX)

/*
 * Index entry of a list or object, with which document_next() skips it.  The index has
 * those of at least DOCUMENT_SKIP_SPAN bytes (reading through shorter ones is cheap)
 * that are nested no deeper than DOCUMENT_SKIP_DEPTH (GetImage's answers: 8 at most).
 *
 * Lists and objects of one depth do not overlap, so each depth has at most one entry
 * per DOCUMENT_SKIP_SPAN bytes of the body.  With DOCUMENT_SKIP_SPAN and
 * DOCUMENT_SKIP_DEPTH as they are, the index of any body takes at most as much memory
 * as the body; that of a typical response, a twentieth.
 */
typedef struct DocumentSkip
{
	uint32		start;			/* offset of the opening bracket */
	uint32		end;			/* offset past the closing one */
} DocumentSkip;

#define DOCUMENT_SKIP_DEPTH	16
#define DOCUMENT_SKIP_SPAN	((int) (DOCUMENT_SKIP_DEPTH * sizeof(DocumentSkip)))

typedef struct Document
{
	const char *body;			/* UTF-8 as received, not verified; not owned */
	size_t		length;			/* bytes in body, below 4 GB */
	DocumentNode root;
	DocumentSkip *skips;		/* sorted by start */
	uint32		nskips;
	uint32	   *place;			/* in skips, where the entry of the next list or object to
								 * be skipped probably is: that of the next item of a list */
} Document;

/* Member of an object. */
typedef struct DocumentMember
{
	const char *name;			/* the bytes between its quotes, as received */
	size_t		length;			/* bytes in name */
	DocumentNode value;
} DocumentMember;

extern Document *document_parse(const char *body, size_t length, char **error);
extern DocumentNode document_first(const Document *doc, DocumentNode container);
extern DocumentNode document_next(const Document *doc, DocumentNode node);
extern bool document_next_member(const Document *doc, DocumentNode object,
								 DocumentMember *member);
extern bool document_member_is(const DocumentMember *member, const char *name, size_t length);
extern DocumentNode document_member(const Document *doc, DocumentNode object,
									const char *name);
extern const char *document_raw(const Document *doc, DocumentNode node, size_t *length);
extern const char *document_utf8(const Document *doc, DocumentNode node, size_t *length);
extern char *document_text(const Document *doc, DocumentNode node);
extern char *document_json(const Document *doc, DocumentNode node);
extern Document *document_within(const Document *doc, DocumentNode node);
extern const char *document_kind_name(DocumentKind kind);

/* Return a value's kind, which its first byte shows. */
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

/* True if a value is absent or JSON null: SQL has NULL for both. */
static inline bool
document_is_null(const Document *doc, DocumentNode node)
{
	return node == DOC_ABSENT || doc->body[node] == 'n';
}

#endif							/* IMAGEBUILDER_DOCUMENT_H */
