/*
 * readahead_key.h: the keys that will be looked up for each outer row, at planning
 * time.
 */
#ifndef IMAGEBUILDER_READAHEAD_KEY_H
#define IMAGEBUILDER_READAHEAD_KEY_H

#include "fdw/plan.h"
#include "nodes/pathnodes.h"

extern List *row_keys_of_path(PlannerInfo *root, Path *path);
extern List *row_keys_of_targets(PlannerInfo *root, List *targets);
extern void row_key_to_child(PlannerInfo *root, PlannedKey *key, RelOptInfo *child_rel);
extern bool row_key_fits(PlannerInfo *root, PlannedKey *key, const Path *outer);
extern Node *row_key_over_rows(Node *node, void *context);

#endif							/* IMAGEBUILDER_READAHEAD_KEY_H */
