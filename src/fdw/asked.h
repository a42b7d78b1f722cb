/* asked.h: conditions that are checked on what a request is about to ask for. */
#ifndef IMAGEBUILDER_ASKED_H
#define IMAGEBUILDER_ASKED_H

#include "lookup/request.h"
#include "nodes/execnodes.h"

typedef struct AskedState AskedState;

extern AskedState *asked_create(List *conditions, Oid table, PlanState *parent);
extern bool asked_needs_account(const AskedState *state);
extern bool asked_admits(AskedState *state, const char *const *values, const Target *scope,
						 const char *account);
extern void asked_reset(AskedState *state);

#endif							/* IMAGEBUILDER_ASKED_H */
