/*-------------------------------------------------------------------------
 *
 * readahead.h
 *		Joins that look up ahead of the rows that they join.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/readahead.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGEBUILDER_READAHEAD_H
#define IMAGEBUILDER_READAHEAD_H

extern void readahead_init(void);

#endif							/* IMAGEBUILDER_READAHEAD_H */
