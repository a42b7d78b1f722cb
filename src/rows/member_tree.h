/* member_tree.h: finding many members of an item at once. */
#ifndef IMAGEBUILDER_MEMBER_TREE_H
#define IMAGEBUILDER_MEMBER_TREE_H

#include "rows/path.h"

/*
 * Tree of the members that columns need of an item: each node is a member, its children
 * are members of that member.  The root stands for the item itself.
 */
typedef struct MemberTree
{
	const char *name;			/* in UTF-8; NULL for the root */
	size_t		length;			/* bytes in name */
	DocumentNode found;			/* in the item searched last; DOC_ABSENT, DOC_MISPLACED */
	struct MemberTree *children;	/* the first child */
	struct MemberTree *sibling; /* the parent's next child */
} MemberTree;

/* Value of "found" where the parent is neither an object nor null. */
#define DOC_MISPLACED	((DocumentNode) (PG_UINT32_MAX - 1))

extern MemberTree *member_tree_add(MemberTree *root, const MemberPath *path);
extern void member_tree_find(MemberTree *root, const Document *doc, DocumentNode item);

#endif							/* IMAGEBUILDER_MEMBER_TREE_H */
