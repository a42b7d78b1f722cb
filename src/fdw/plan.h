/* plan.h: planning of foreign scans. */
#ifndef IMAGEBUILDER_PLAN_H
#define IMAGEBUILDER_PLAN_H

#include "api/operation.h"
#include "foreign/fdwapi.h"

/* Indexes into ForeignScan.fdw_private. */
enum FdwScanPrivateIndex
{
	FdwScanPrivateKeys,			/* see Conditions.keys */
	FdwScanPrivateAttrs,		/* attribute numbers to fill, as integers */
	FdwScanPrivateOperation,	/* the operation's name, a String, for EXPLAIN */
	FdwScanPrivateKeyless,		/* why a key may be left open, see keyless_reasons() */
};

/* Indexes into ForeignScan.fdw_exprs, which has lists of expressions. */
enum FdwScanExprsIndex
{
	FdwScanExprsKey,			/* the expressions that the keys refer to */
	FdwScanExprsGuards,			/* conditions that need no row of the table, without
								 * PostgreSQL's gating conditions */
	FdwScanExprsKeyQuals,		/* the conditions that the keys were made of */
	FdwScanExprsAsked,			/* conditions to check on what is about to be asked for */
};

/* Keys of a planned scan: what it will look up, as far as its conditions say. */
typedef struct PlannedKey
{
	List	   *keys;			/* see Conditions.keys */
	bool		complete;		/* no key is left open */
	List	   *exprs;			/* expressions that the keys refer to */
	List	   *guards;			/* conditions that must hold for any look-up */
	List	   *asked;			/* see conditions_static() */
	const Operation *operation;
	Oid			table;
	Oid			serverid;
	Oid			userid;			/* InvalidOid: the current user */
} PlannedKey;

extern List *plan_key_to_list(const PlannedKey *key);
extern PlannedKey *plan_key_from_list(List *list);
extern PlannedKey *plan_key_of_path(const ForeignPath *path);
extern List *plan_keys_to_child(PlannerInfo *root, List *keys, RelOptInfo *child_rel);
extern void imagebuilderGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel,
										  Oid foreigntableid);
extern void imagebuilderGetForeignPaths(PlannerInfo *root, RelOptInfo *baserel,
										Oid foreigntableid);
extern ForeignScan *imagebuilderGetForeignPlan(PlannerInfo *root, RelOptInfo *baserel,
											   Oid foreigntableid, ForeignPath *best_path,
											   List *tlist, List *scan_clauses,
											   Plan *outer_plan);

#endif							/* IMAGEBUILDER_PLAN_H */
