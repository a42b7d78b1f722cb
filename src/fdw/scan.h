/* scan.h: execution of foreign scans. */
#ifndef IMAGEBUILDER_SCAN_H
#define IMAGEBUILDER_SCAN_H

#include "foreign/fdwapi.h"
#include "lookup/lookup.h"

extern void imagebuilderBeginForeignScan(ForeignScanState *node, int eflags);
extern TupleTableSlot *imagebuilderIterateForeignScan(ForeignScanState *node);
extern void imagebuilderReScanForeignScan(ForeignScanState *node);
extern void imagebuilderEndForeignScan(ForeignScanState *node);
extern bool imagebuilderIsForeignPathAsyncCapable(ForeignPath *path);
extern void imagebuilderForeignAsyncRequest(AsyncRequest *areq);
extern void imagebuilderForeignAsyncConfigureWait(AsyncRequest *areq);
extern TupleTableSlot *scan_next_async(ForeignScanState *node, bool *blocked);
extern bool scan_can_go_on(ForeignScanState *node);
extern bool scan_stats(ForeignScanState *node, LookupStats *stats);

#endif							/* IMAGEBUILDER_SCAN_H */
