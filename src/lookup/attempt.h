/* attempt.h: the successive requests of a look-up, and the outcome of each. */
#ifndef IMAGEBUILDER_ATTEMPT_H
#define IMAGEBUILDER_ATTEMPT_H

#include "lookup/lookup.h"

extern void attempt_send(Lookup *lookup);
extern void attempt_take_outcome(Lookup *lookup);
extern void attempt_read_answer(Lookup *lookup);
extern void attempt_fail(Lookup *lookup, Failure *failure);

#endif							/* IMAGEBUILDER_ATTEMPT_H */
