/*
 * ahead_key.h: a key that is evaluated for rows before the statement reaches them.
 */
#ifndef IMAGEBUILDER_AHEAD_KEY_H
#define IMAGEBUILDER_AHEAD_KEY_H

#include "fdw/readahead_key.h"
#include "nodes/execnodes.h"

typedef struct AheadKey AheadKey;

extern AheadKey *ahead_key_create(const PlannedKey *planned, List *exprs, PlanState *parent);
extern List *ahead_key_evaluate(AheadKey *key, ExprContext *econtext);

#endif							/* IMAGEBUILDER_AHEAD_KEY_H */
