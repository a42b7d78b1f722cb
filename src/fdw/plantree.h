/* plantree.h: where a node stands in a plan. */
#ifndef IMAGEBUILDER_PLANTREE_H
#define IMAGEBUILDER_PLANTREE_H

#include "nodes/plannodes.h"

extern bool plantree_find(Plan *plan, Plan *wanted, List **ancestors);
extern Plan *plantree_find_expression(Plan *plan, bool (*has) (Node *node, void *context),
									  void *context);
extern bool plantree_has_effects(PlannedStmt *statement, Plan *plan);
extern bool plantree_runs_to_end(PlannedStmt *statement, Plan *plan);
extern bool plantree_runs_once(PlannedStmt *statement, Plan *plan);

#endif							/* IMAGEBUILDER_PLANTREE_H */
