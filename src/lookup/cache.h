/* cache.h: answers that may serve later statements of the session. */
#ifndef IMAGEBUILDER_CACHE_H
#define IMAGEBUILDER_CACHE_H

#include "config/config.h"

extern char *cache_get(const ClientConfig *config, const char *text, size_t *length);
extern void cache_put(const ClientConfig *config, const char *text, const char *body,
					  size_t length, int64 sent_at);
extern void cache_clear(void);

#endif							/* IMAGEBUILDER_CACHE_H */
