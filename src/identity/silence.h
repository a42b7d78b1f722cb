/*
 * silence.h: metadata services that did not answer, and are left alone for a
 * while.
 */
#ifndef IMAGEBUILDER_SILENCE_H
#define IMAGEBUILDER_SILENCE_H

#include "identity/exchange.h"

/* What a session remembers of one service; all zero: nothing. */
typedef struct Silence
{
	MemoryContext context;		/* of the failure */
	const Failure *failure;		/* NULL: the service has answered, or never
								 * been asked */
	int64		since;			/* of clock.h */
	uint64		epoch;			/* identity_epoch() then */
} Silence;

extern bool silence_lasts(const Silence *silence);
extern FetchState silence_fail(const Silence *silence, Fetch *fetch);
extern void silence_note(Silence *silence, const Fetch *fetch);

#endif							/* IMAGEBUILDER_SILENCE_H */
