/* fetch.h: obtaining credentials, step by step and without waiting. */
#ifndef IMAGEBUILDER_FETCH_H
#define IMAGEBUILDER_FETCH_H

#include "identity/exchange.h"

extern const char *fetch_provider_problem(const char *name);
extern Fetch *fetch_create(MemoryContext parent, const ClientConfig *config,
						   const char *provider);
extern FetchState fetch_advance(Fetch *fetch, long *wait);

#endif							/* IMAGEBUILDER_FETCH_H */
