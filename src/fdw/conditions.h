/* conditions.h: what a foreign table's conditions say: key, guards, and the rest. */
#ifndef IMAGEBUILDER_CONDITIONS_H
#define IMAGEBUILDER_CONDITIONS_H

#include "fdw/key.h"

/* The conditions of a scan, which must all hold, sorted by what can be done with them. */
typedef struct Conditions
{
	List	   *key;			/* which ARNs to ask for, see key.h; NIL: there
								 * is no key */
	List	   *exprs;			/* the expressions that the key refers to */
	List	   *key_quals;		/* the conditions that the key was made of */
	List	   *guards;			/* conditions that need no row of the table */
	List	   *others;			/* conditions to check on each row, those that
								 * a key stands for only in part included */
} Conditions;

/* What a partition's constraint says of the partition's rows. */
typedef struct PartitionConditions
{
	List	   *arn_filter;		/* conditions on an ARN, as column 1 of relation 1 */
	List	   *others;			/* of the partition's columns, as of relation 1 */
} PartitionConditions;

extern Conditions conditions_classify(const KeyContext *relation, List *clauses);
extern PartitionConditions conditions_of_partition(Oid table, Bitmapset *key_columns);
extern List *conditions_partition_guards(PlannerInfo *root, Index relid,
										 const PartitionConditions *partition, List *clauses);

#endif							/* IMAGEBUILDER_CONDITIONS_H */
