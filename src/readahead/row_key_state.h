/* row_key_state.h: a key that is evaluated for rows before the statement reaches them. */
#ifndef IMAGEBUILDER_ROW_KEY_STATE_H
#define IMAGEBUILDER_ROW_KEY_STATE_H

#include "nodes/execnodes.h"
#include "readahead/row_key.h"

typedef struct RowKeyState RowKeyState;

extern RowKeyState *row_key_state_create(const PlannedKey *planned, List *exprs,
										 PlanState *parent);
extern List *row_key_state_evaluate(RowKeyState *key, ExprContext *econtext);

#endif							/* IMAGEBUILDER_ROW_KEY_STATE_H */
