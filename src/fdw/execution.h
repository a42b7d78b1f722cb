/* execution.h: how far the executor has been asked to run a plan. */
#ifndef IMAGEBUILDER_EXECUTION_H
#define IMAGEBUILDER_EXECUTION_H

#include "nodes/execnodes.h"

/*
 * Factor on max_concurrency for looking ahead where the executor will take all rows, so
 * that no look-up can be in vain.  Rows are returned in order: a slow response holds up
 * the finished ones behind it, and with this depth further requests are sent meanwhile.
 */
#define EXECUTION_DEPTH		4

extern void execution_init(void);
extern int	execution_depth(const PlanState *node, bool runs_to_end);

#endif							/* IMAGEBUILDER_EXECUTION_H */
