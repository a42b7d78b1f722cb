/* guard.h: conditions of a join that need no row of its inner side. */
#ifndef IMAGEBUILDER_GUARD_H
#define IMAGEBUILDER_GUARD_H

#include "nodes/pathnodes.h"

extern void guard_nested_loop(NestPath *loop);
extern List *guard_clauses_of_path(const Path *path);
extern void guard_init(void);

#endif							/* IMAGEBUILDER_GUARD_H */
