/* silence.h: pauses for metadata services that did not answer. */
#ifndef IMAGEBUILDER_SILENCE_H
#define IMAGEBUILDER_SILENCE_H

#include "identity/fetch.h"

/* Last failure of one service to answer; zeroed if there was none. */
typedef struct Silence
{
	MemoryContext context;		/* of the failure; NULL at first */
	const Failure *failure;		/* NULL: the service has not failed to answer */
	int64		since;			/* when the service failed to answer, of clock.h */
	uint64		epoch;			/* config_epoch() at that time */
} Silence;

extern bool silence_lasts(const Silence *silence);
extern FetchState silence_fail(const Silence *silence, Fetch *fetch);
extern FetchState silence_begin(Silence *silence, Fetch *fetch, const char *cause,
								const char *hint);

#endif							/* IMAGEBUILDER_SILENCE_H */
