/* readahead.h: joins that look up ahead of the rows that they join. */
#ifndef IMAGEBUILDER_READAHEAD_H
#define IMAGEBUILDER_READAHEAD_H

#include "nodes/extensible.h"

#define READ_AHEAD_NAME		"Image Builder Read Ahead"

/*
 * CustomScan.custom_private holds an Integer, whether the outer plan has effects (see
 * plantree_has_effects()), and then the keys, see row_key_to_list(), without their
 * expressions; custom_exprs has for each key a list of:
 */
enum ReadAheadExprsIndex
{
	ReadAheadExprsKey,			/* the key's expressions */
	ReadAheadExprsGuards,		/* the guards */
};

extern const CustomScanMethods readahead_scan_methods;

extern void readahead_init(void);
extern void readahead_plan_init(void);

#endif							/* IMAGEBUILDER_READAHEAD_H */
