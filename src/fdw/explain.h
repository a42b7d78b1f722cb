/*-------------------------------------------------------------------------
 *
 * explain.h
 *		What EXPLAIN shows of a scan.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/explain.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGEBUILDER_EXPLAIN_H
#define IMAGEBUILDER_EXPLAIN_H

#include "foreign/fdwapi.h"
#include "lookup/stats.h"

extern void imagebuilderExplainForeignScan(ForeignScanState *node,
										   struct ExplainState *es);
extern void explain_conditions(const char *label, List *conditions, struct Plan *plan,
							   List *ancestors, struct ExplainState *es);
extern void explain_stats(const LookupStats *stats, struct ExplainState *es);

#endif							/* IMAGEBUILDER_EXPLAIN_H */
