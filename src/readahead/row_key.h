/* row_key.h: the keys that will be looked up for each outer row, at planning time. */
#ifndef IMAGEBUILDER_ROW_KEY_H
#define IMAGEBUILDER_ROW_KEY_H

#include "fdw/plan.h"
#include "nodes/pathnodes.h"

extern List *row_key_list_of_path(Path *path);
extern List *row_key_list_of_targets(PlannerInfo *root, List *targets);
extern bool row_key_fits(PlannerInfo *root, PlannedKey *key, const Path *outer);

#endif							/* IMAGEBUILDER_ROW_KEY_H */
