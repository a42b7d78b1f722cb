/*
 * member_tree.c: finding many members of an item at once.
 *
 * Going through an item takes as long as the item is.  So all columns' paths are
 * followed together, once for each item and not once for each column.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "rows/member_tree.h"

/*
 * Add a path to the members to find; returns the path's last node, whose "found" is set
 * by member_tree_find().  Allocated in the current memory context; the path's names
 * must live as long.
 */
MemberTree *
member_tree_add(MemberTree *root, const MemberPath *path)
{
	MemberTree *node = root;

	for (int i = 0; i < path->nnames; i++)
	{
		MemberTree *child = node->children;

		while (child && strcmp(child->name, path->names[i]) != 0)
			child = child->sibling;
		if (child == NULL)
		{
			child = palloc0(sizeof(MemberTree));
			child->name = path->names[i];
			child->length = strlen(child->name);
			child->sibling = node->children;
			node->children = child;
		}
		node = child;
	}
	return node;
}

/*
 * Find the tree's members in an item, which may be DOC_ABSENT.  If an object has a name
 * twice the last one counts, as in document_member(); in a value that is absent or null
 * all members are absent.
 */
void
member_tree_find(MemberTree *root, const Document *doc, DocumentNode item)
{
	bool		is_null = item != DOC_MISPLACED && document_is_null(doc, item);
	bool		is_object = item != DOC_MISPLACED && !is_null &&
		document_kind(doc, item) == DOC_OBJECT;

	if (root->children == NULL)
		return;
	check_stack_depth();
	for (MemberTree *child = root->children; child; child = child->sibling)
		child->found = is_null || is_object ? DOC_ABSENT : DOC_MISPLACED;
	if (is_object)
	{
		DocumentMember member = {0};

		while (document_next_member(doc, item, &member))
		{
			for (MemberTree *child = root->children; child; child = child->sibling)
			{
				if (document_member_is(&member, child->name, child->length))
					child->found = member.value;
			}
		}
	}
	for (MemberTree *child = root->children; child; child = child->sibling)
		member_tree_find(child, doc, child->found);
}
