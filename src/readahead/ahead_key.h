/*
 * ahead_key.h: a key that is evaluated for rows before the statement reaches them.
 */
#ifndef IMAGEBUILDER_AHEAD_KEY_H
#define IMAGEBUILDER_AHEAD_KEY_H

#include "nodes/execnodes.h"
#include "readahead/readahead_key.h"

typedef struct AheadKey AheadKey;

extern AheadKey *ahead_key_create(const PlannedKey *planned, List *exprs, PlanState *parent);
extern List *ahead_key_evaluate(AheadKey *key, ExprContext *econtext);

#endif							/* IMAGEBUILDER_AHEAD_KEY_H */
