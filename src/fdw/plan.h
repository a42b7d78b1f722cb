/* plan.h: planning of foreign scans. */
#ifndef IMAGEBUILDER_PLAN_H
#define IMAGEBUILDER_PLAN_H

#include "foreign/fdwapi.h"

/* What ForeignScan.fdw_private holds. */
enum FdwScanPrivateIndex
{
	FdwScanPrivateKey,			/* a key, see key.h; NIL if there is none */
	FdwScanPrivateAttrs,		/* attribute numbers to fill, as integers */
	FdwScanPrivateArnFilter,	/* see conditions.h */
	FdwScanPrivateOperation,	/* its name, a String: EXPLAIN shows it */
	FdwScanPrivateKeyless,		/* why there is no key, see keyless.h; NIL: there is one */
};

/* What ForeignScan.fdw_exprs holds: lists of expressions. */
enum FdwScanExprsIndex
{
	FdwScanExprsKey,			/* the key's */
	FdwScanExprsGuards,			/* conditions that need no row of the table, and
								 * are no gating conditions of PostgreSQL's */
	FdwScanExprsKeyQuals,		/* the conditions that the key was made of */
};

/* A round trip over the network, in the planner's units, as postgres_fdw's. */
#define PLAN_LOOKUP_COST	100.0

/* Of which so many are made at once, as max_concurrency has it unless it is set. */
#define PLAN_LOOKUPS_AT_ONCE	16.0

/* What a scan will look up, as far as its conditions say. */
typedef struct PlannedKey
{
	List	   *key;			/* see key.h; NIL: nothing, for want of a key */
	List	   *exprs;			/* that the key refers to */
	List	   *guards;			/* conditions without which nothing is looked up */
	List	   *arn_filter;		/* see conditions.h */
	const char *operation;		/* its name */
	Oid			serverid;
	Oid			userid;			/* InvalidOid: the current user */
} PlannedKey;

extern List *plan_key_to_list(const PlannedKey *key);
extern PlannedKey *plan_key_from_list(List *list);
extern PlannedKey *plan_key_of_path(PlannerInfo *root, ForeignPath *path);
extern List *imagebuilderReparameterizeForeignPathByChild(PlannerInfo *root,
														  List *fdw_private,
														  RelOptInfo *child_rel);
extern void imagebuilderGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel,
										  Oid foreigntableid);
extern void imagebuilderGetForeignPaths(PlannerInfo *root, RelOptInfo *baserel,
										Oid foreigntableid);
extern ForeignScan *imagebuilderGetForeignPlan(PlannerInfo *root, RelOptInfo *baserel,
											   Oid foreigntableid, ForeignPath *best_path,
											   List *tlist, List *scan_clauses,
											   Plan *outer_plan);

#endif							/* IMAGEBUILDER_PLAN_H */
