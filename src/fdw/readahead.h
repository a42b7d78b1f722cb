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

#include "nodes/extensible.h"

#define READ_AHEAD_NAME		"Image Builder Read Ahead"

/*
 * What a list in CustomScan.custom_private holds, for each key; a list of its
 * expressions is in custom_exprs at the same place.
 */
enum ReadAheadPrivateIndex
{
	ReadAheadPrivateKey,		/* a key, see key.h */
	ReadAheadPrivateOids,		/* the inner table's server and user */
};

extern const CustomScanMethods readahead_scan_methods;

extern void readahead_init(void);
extern void readahead_plan_init(void);

#endif							/* IMAGEBUILDER_READAHEAD_H */
