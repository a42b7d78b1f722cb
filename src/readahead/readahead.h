/* readahead.h: joins that look up ahead of the rows that they join. */
#ifndef IMAGEBUILDER_READAHEAD_H
#define IMAGEBUILDER_READAHEAD_H

#include "nodes/extensible.h"

#define READ_AHEAD_NAME		"Image Builder Read Ahead"

/*
 * Indexes into each key's list in CustomScan.custom_exprs, which has one list for each
 * key.  CustomScan.custom_private holds an Integer, whether the outer plan has effects
 * (see plantree_has_effects()), and then the keys as plan_key_to_list() returns them,
 * without their expressions and guards.
 */
enum ReadAheadExprsIndex
{
	ReadAheadExprsKey,			/* the key's expressions */
	ReadAheadExprsGuards,		/* the key's guards */
};

extern const CustomScanMethods readahead_scan_methods;

extern void readahead_init(void);
extern void readahead_plan_init(void);

#endif							/* IMAGEBUILDER_READAHEAD_H */
