/* conditions.h: a foreign table's conditions, split into keys, guards and the rest. */
#ifndef IMAGEBUILDER_CONDITIONS_H
#define IMAGEBUILDER_CONDITIONS_H

#include "fdw/key.h"

/* Conditions of a scan, all of which must hold, sorted by their use. */
typedef struct Conditions
{
	List	   *keys;			/* for each parameter of the operation the values to ask
								 * for, see key.h; NIL for one that conditions leave open */
	bool		complete;		/* no parameter is left open */
	List	   *exprs;			/* the expressions that the keys refer to */
	List	   *key_quals;		/* the conditions that the keys were made of */
	List	   *guards;			/* conditions that need no row of the table */
	List	   *asked;			/* conditions that columns of EchoColumns.unchanged
								 * decide: checked before anything is sent */
	List	   *others;			/* conditions to check on each row, including "asked" and
								 * those that say more than the key */
} Conditions;

/* Conditions that a partition's constraint sets for the partition's rows. */
typedef struct PartitionConditions
{
	List	   *asked;			/* those that columns of EchoColumns.unchanged decide, as
								 * columns of relation 1; a NULL result counts as true */
	List	   *others;			/* on columns of relation 1 */
} PartitionConditions;

extern Conditions conditions_classify(const KeyContext *relation, List *rinfos);
extern PartitionConditions conditions_of_partition(Relation relation, const EchoColumns *echo);
extern List *conditions_partition_guards(const KeyContext *relation,
										 const PartitionConditions *partition, List *rinfos);
extern List *conditions_static(const KeyContext *relation, List *asked);

#endif							/* IMAGEBUILDER_CONDITIONS_H */
