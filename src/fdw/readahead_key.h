/* readahead_key.h: what will be looked up for each row, before the rows are there. */
#ifndef IMAGEBUILDER_READAHEAD_KEY_H
#define IMAGEBUILDER_READAHEAD_KEY_H

#include "nodes/pathnodes.h"

/* What a scan on a nested loop's inner side, or in a sub-select, looks up for a row. */
typedef struct RowKey
{
	List	   *key;			/* see key.h */
	List	   *exprs;			/* that the key refers to, over the rows */
	List	   *guards;			/* conditions on the row, without which nothing
								 * is looked up */
	List	   *arn_filter;		/* see conditions.h */
	const char *operation;		/* its name */
	Oid			serverid;
	Oid			userid;
} RowKey;

extern List *row_keys_of_path(PlannerInfo *root, Path *path);
extern List *row_keys_of_targets(PlannerInfo *root, List *targets);
extern void row_key_to_child(PlannerInfo *root, RowKey *key, RelOptInfo *child_rel);
extern bool row_key_fits(PlannerInfo *root, RowKey *key, const Path *outer);
extern Node *row_key_over_rows(Node *node, void *context);
extern List *row_key_to_list(const RowKey *key);
extern RowKey *row_key_from_list(List *list);

#endif							/* IMAGEBUILDER_READAHEAD_KEY_H */
