/*-------------------------------------------------------------------------
 *
 * plan.h
 *		Planning of foreign scans.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/plan.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGEBUILDER_PLAN_H
#define IMAGEBUILDER_PLAN_H

#include "foreign/fdwapi.h"

/* What ForeignScan.fdw_private holds; fdw_exprs holds the key's expressions. */
enum FdwScanPrivateIndex
{
	FdwScanPrivateKey,			/* a key, see key.h; NIL if there is none */
	FdwScanPrivateAttrs,		/* attribute numbers to fill, as integers */
};

/* A round trip over the network, in the planner's units, as postgres_fdw's. */
#define PLAN_LOOKUP_COST	100.0

/* Of which so many are made at once, as max_concurrency has it unless it is set. */
#define PLAN_LOOKUPS_AT_ONCE	16.0

extern List *plan_extract_key(PlannerInfo *root, RelOptInfo *rel, List *rinfos,
							  List **exprs);
extern void imagebuilderGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel,
										  Oid foreigntableid);
extern void imagebuilderGetForeignPaths(PlannerInfo *root, RelOptInfo *baserel,
										Oid foreigntableid);
extern ForeignScan *imagebuilderGetForeignPlan(PlannerInfo *root, RelOptInfo *baserel,
											   Oid foreigntableid, ForeignPath *best_path,
											   List *tlist, List *scan_clauses,
											   Plan *outer_plan);

#endif							/* IMAGEBUILDER_PLAN_H */
