/*-------------------------------------------------------------------------
 *
 * pathtree.h
 *		What a path is made of.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/pathtree.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGEBUILDER_PATHTREE_H
#define IMAGEBUILDER_PATHTREE_H

#include "nodes/pathnodes.h"

/* How much of a path is run each time that the path around it is. */
typedef enum Reach
{
	REACH_MAYBE,				/* perhaps nothing */
	REACH_FIRST,				/* up to the first row, at least */
	REACH_ALL,					/* all rows */
} Reach;

/* An input of a path, within one query. */
typedef struct PathInput
{
	Path	   *path;
	Reach		reach;
} PathInput;

extern CustomPath *pathtree_wrap(Path *input, const struct CustomPathMethods *methods,
								 List *custom_private);
extern List *pathtree_inputs(Path *path, Reach reach);
extern bool pathtree_is_scan_of_ours(const Path *path);
extern bool pathtree_has_scan_of_ours(Path *path);

#endif							/* IMAGEBUILDER_PATHTREE_H */
