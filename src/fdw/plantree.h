/* plantree.h: where a node stands in a plan. */
#ifndef IMAGEBUILDER_PLANTREE_H
#define IMAGEBUILDER_PLANTREE_H

#include "nodes/plannodes.h"

/* How a plan is run, if its statement is run to its end. */
typedef struct PlanRun
{
	bool		once;			/* once at most: nothing rescans the plan */
	bool		to_end;			/* all rows are taken: nothing above the plan stops early */
} PlanRun;

extern bool plantree_find(Plan *plan, Plan *wanted, List **ancestors);
extern Plan *plantree_find_expression(Plan *plan, bool (*has) (Node *node, void *context),
									  void *context);
extern bool plantree_has_effects(PlannedStmt *statement, Plan *plan);
extern PlanRun plantree_run(PlannedStmt *statement, Plan *plan);

#endif							/* IMAGEBUILDER_PLANTREE_H */
