/*-------------------------------------------------------------------------
 *
 * readahead_key.h
 *		What will be looked up for each row, before the rows are there.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/readahead_key.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGEBUILDER_READAHEAD_KEY_H
#define IMAGEBUILDER_READAHEAD_KEY_H

#include "nodes/pathnodes.h"

/* What a scan on a nested loop's inner side, or in a sub-select, looks up. */
typedef struct RowKey
{
	List	   *key;			/* see key.h */
	List	   *exprs;			/* that it refers to, over the rows */
	Oid			serverid;
	Oid			userid;
} RowKey;

extern List *row_keys_of_path(PlannerInfo *root, Path *path);
extern List *row_keys_of_targets(PlannerInfo *root, List *targets);
extern bool row_key_is_of(PlannerInfo *root, const RowKey *key, const RelOptInfo *rel);

#endif							/* IMAGEBUILDER_READAHEAD_KEY_H */
