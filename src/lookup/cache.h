/* cache.h: answers that may serve later statements of the session. */
#ifndef IMAGEBUILDER_CACHE_H
#define IMAGEBUILDER_CACHE_H

extern uint64 cache_epoch(void);
extern char *cache_get(Oid serverid, Oid userid, const char *text, int ttl,
					   size_t *length);
extern void cache_put(Oid serverid, Oid userid, const char *text, const char *body,
					  size_t length, size_t limit, uint64 epoch);
extern void cache_clear(void);
extern void cache_expire(void);

#endif							/* IMAGEBUILDER_CACHE_H */
