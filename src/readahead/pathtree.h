/* pathtree.h: the tree of paths that a path of the planner consists of. */
#ifndef IMAGEBUILDER_PATHTREE_H
#define IMAGEBUILDER_PATHTREE_H

#include "nodes/pathnodes.h"

extern CustomPath *pathtree_wrap(Path *input, const struct CustomPathMethods *methods,
								 List *custom_private);
extern List *pathtree_inputs(Path *path);
extern bool pathtree_is_scan_of_ours(const Path *path);
extern bool pathtree_has_scan_of_ours(Path *path);

#endif							/* IMAGEBUILDER_PATHTREE_H */
