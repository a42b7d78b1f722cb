/*-------------------------------------------------------------------------
 *
 * document.h
 *		A JSON answer as received, indexed so that any part of it can be read
 *		without loss.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/rows/document.h
 *
 *-------------------------------------------------------------------------
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

/*
 * A value, as the range of bytes it stands in.  Nodes are stored in document
 * order: the children of a list or object follow it directly, and "next" is
 * the index just past the whole subtree.  A member of an object is two nodes,
 * its name (a DOC_STRING) and its value.
 */
typedef struct DocumentNode
{
	uint32		start;			/* offset of the first byte */
	uint32		end;			/* offset past the last byte */
	uint32		next;			/* index of the node after this subtree */
	uint8		kind;			/* a DocumentKind */
	bool		escaped;		/* a string that holds a backslash */
} DocumentNode;

typedef struct Document
{
	const char *body;			/* UTF-8 as received, not verified; not owned */
	size_t		length;			/* bytes in body, below 4 GB */
	DocumentNode *nodes;		/* nodes[0] is the root */
	uint32		nnodes;
} Document;

/* Index of a node; DOC_ABSENT where there is none. */
typedef uint32 NodeIndex;

#define DOC_ABSENT	((NodeIndex) PG_UINT32_MAX)
#define DOC_ROOT	((NodeIndex) 0)

extern Document *document_parse(const char *body, size_t length, char **error);
extern NodeIndex document_member(const Document *doc, NodeIndex object,
								 const char *name, size_t length);
extern char *document_text(const Document *doc, NodeIndex node, size_t *length);
extern char *document_json(const Document *doc, NodeIndex node, size_t *length);
extern const char *document_kind_name(DocumentKind kind);

static inline const DocumentNode *
document_node(const Document *doc, NodeIndex node)
{
	return &doc->nodes[node];
}

/* Absent and JSON null are one to SQL: both are NULL. */
static inline bool
document_is_null(const Document *doc, NodeIndex node)
{
	return node == DOC_ABSENT || doc->nodes[node].kind == DOC_NULL;
}

#endif							/* IMAGEBUILDER_DOCUMENT_H */
