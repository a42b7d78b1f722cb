/* execution.h: how far the executor has been asked to run a plan. */
#ifndef IMAGEBUILDER_EXECUTION_H
#define IMAGEBUILDER_EXECUTION_H

#include "nodes/execnodes.h"

/*
 * How much further than as many look-ups as may be under way at once to look
 * ahead where that cannot be in vain: a slow answer holds up those behind it,
 * whose rows come later, but not the requests for what comes after them.
 */
#define EXECUTION_DEPTH		4

extern void execution_init(void);
extern int	execution_depth(const PlanState *node, bool runs_to_end);

#endif							/* IMAGEBUILDER_EXECUTION_H */
