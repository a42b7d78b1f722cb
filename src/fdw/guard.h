/*-------------------------------------------------------------------------
 *
 * guard.h
 *		Conditions of a join that need no row of its inner side.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/guard.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGEBUILDER_GUARD_H
#define IMAGEBUILDER_GUARD_H

#include "nodes/pathnodes.h"

extern NestPath *guard_nested_loop(PlannerInfo *root, const NestPath *loop);
extern List *guards_of_path(const Path *path);
extern void guard_init(void);

#endif							/* IMAGEBUILDER_GUARD_H */
