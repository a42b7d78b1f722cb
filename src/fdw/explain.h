/* explain.h: what EXPLAIN shows of a scan. */
#ifndef IMAGEBUILDER_EXPLAIN_H
#define IMAGEBUILDER_EXPLAIN_H

#include "foreign/fdwapi.h"
#include "lookup/lookup.h"

extern void imagebuilderExplainForeignScan(ForeignScanState *node,
										   struct ExplainState *es);
extern void explain_conditions(const char *label, List *conditions, struct Plan *plan,
							   List *ancestors, struct ExplainState *es);
extern void explain_stats(const LookupStats *stats, struct ExplainState *es);

#endif							/* IMAGEBUILDER_EXPLAIN_H */
