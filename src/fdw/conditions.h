/* conditions.h: a foreign table's conditions, split into key, guards and the rest. */
#ifndef IMAGEBUILDER_CONDITIONS_H
#define IMAGEBUILDER_CONDITIONS_H

#include "fdw/key.h"

/* Conditions of a scan, all of which must hold, sorted by their use. */
typedef struct Conditions
{
	List	   *key;			/* the ARNs to look up, see key.h; NIL: no key */
	List	   *exprs;			/* the expressions that the key refers to */
	List	   *key_quals;		/* the conditions that the key was made of */
	List	   *guards;			/* conditions that need no row of the table */
	List	   *others;			/* conditions to check on each row, including those
								 * that say more than the key */
} Conditions;

/* Conditions that a partition's constraint sets for the partition's rows. */
typedef struct PartitionConditions
{
	List	   *arn_filter;		/* conditions on the ARN, as column 1 of relation 1 */
	List	   *others;			/* conditions on the partition's columns, as of
								 * relation 1 */
} PartitionConditions;

extern Conditions conditions_classify(const KeyContext *relation, List *clauses);
extern PartitionConditions conditions_of_partition(Oid table, Bitmapset *key_columns);
extern List *conditions_partition_guards(const KeyContext *context,
										 const PartitionConditions *partition, List *clauses);

#endif							/* IMAGEBUILDER_CONDITIONS_H */
