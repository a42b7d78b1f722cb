/*
 * cache.c: answers that may serve later statements of the session.
 *
 * Kept by server, user and request, so never shared between users; the least
 * recently used goes first.  ALTER SERVER and ALTER USER MAPPING, in any
 * session, drop it all: what was asked for under other options says nothing.
 * Only what was found is kept.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "lib/ilist.h"
#include "lookup/cache.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

typedef struct CacheKey
{
	Oid			serverid;
	Oid			userid;
	const char *text;			/* the request's; the entry's own */
} CacheKey;

typedef struct CacheEntry
{
	CacheKey	key;			/* must be first */
	dlist_node	node;			/* in cache.recent */
	TimestampTz received_at;
	char	   *body;			/* in the service's UTF-8 */
	size_t		length;			/* bytes in body */
	size_t		size;			/* bytes in all */
} CacheEntry;

static struct
{
	MemoryContext context;		/* NULL until something is kept */
	HTAB	   *entries;
	dlist_head	recent;			/* the latest used first */
	size_t		size;			/* of all entries, in bytes */
	uint64		epoch;			/* how often it has been dropped */
	bool		stale;			/* it is to be dropped before the next use */
} cache;

static uint32
hash_key(const void *key, Size keysize)
{
	const CacheKey *k = key;

	(void) keysize;
	return hash_combine(hash_combine(murmurhash32(k->serverid), murmurhash32(k->userid)),
						string_hash(k->text, strlen(k->text) + 1));
}

static int
match_key(const void *a, const void *b, Size keysize)
{
	const CacheKey *x = a;
	const CacheKey *y = b;

	(void) keysize;
	return x->serverid == y->serverid && x->userid == y->userid ?
		strcmp(x->text, y->text) : 1;
}

/* Ready for use: made, and without what is stale. */
static void
prepare(void)
{
	HASHCTL		ctl = {0};

	if (cache.stale)
		cache_clear();
	if (cache.context)
		return;
	dlist_init(&cache.recent);
	cache.size = 0;
	ctl.keysize = sizeof(CacheKey);
	ctl.entrysize = sizeof(CacheEntry);
	ctl.hash = hash_key;
	ctl.match = match_key;
	cache.context = AllocSetContextCreate(TopMemoryContext, "imagebuilder_fdw cache",
										  ALLOCSET_DEFAULT_SIZES);
	ctl.hcxt = cache.context;
	cache.entries = hash_create("imagebuilder_fdw cache", 64, &ctl,
								HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

static void
drop_entry(CacheEntry *entry)
{
	char	   *text = unconstify(char *, entry->key.text);
	char	   *body = entry->body;

	dlist_delete(&entry->node);
	cache.size -= entry->size;
	hash_search(cache.entries, &entry->key, HASH_REMOVE, NULL);
	pfree(text);
	pfree(body);
}

/* Which life of the cache this is: what was asked for in another is not kept. */
uint64
cache_epoch(void)
{
	prepare();
	return cache.epoch;
}

/*
 * A copy, in the current memory context, of an answer that is not older than
 * "ttl" ms; NULL if there is none.
 */
char *
cache_get(Oid serverid, Oid userid, const char *text, int ttl, size_t *length)
{
	CacheKey	key = {serverid, userid, text};
	CacheEntry *entry;
	char	   *body;

	prepare();
	entry = hash_search(cache.entries, &key, HASH_FIND, NULL);
	if (entry == NULL)
		return NULL;
	if (TimestampDifferenceExceeds(entry->received_at, GetCurrentTimestamp(), ttl))
	{
		drop_entry(entry);
		return NULL;
	}
	dlist_move_head(&cache.recent, &entry->node);
	body = palloc_extended(entry->length + 1, MCXT_ALLOC_HUGE);
	memcpy(body, entry->body, entry->length + 1);
	*length = entry->length;
	return body;
}

/*
 * Keep an answer, at the cost of those used longest ago, if all that is kept
 * stays within "limit" bytes and the cache is in the life that it was in when
 * the answer was asked for.
 */
void
cache_put(Oid serverid, Oid userid, const char *text, const char *body, size_t length,
		  size_t limit, uint64 epoch)
{
	CacheKey	key = {serverid, userid, text};
	size_t		size = sizeof(CacheEntry) + strlen(text) + 1 + length + 1;
	CacheEntry *entry;
	char	   *kept;

	prepare();
	if (epoch != cache.epoch || size > limit)
		return;
	entry = hash_search(cache.entries, &key, HASH_FIND, NULL);
	if (entry)
		drop_entry(entry);
	while (cache.size + size > limit)
		drop_entry(dlist_tail_element(CacheEntry, node, &cache.recent));

	kept = MemoryContextAllocHuge(cache.context, length + 1);
	memcpy(kept, body, length);
	kept[length] = '\0';
	key.text = MemoryContextStrdup(cache.context, text);
	entry = hash_search(cache.entries, &key, HASH_ENTER, NULL);
	entry->received_at = GetCurrentTimestamp();
	entry->body = kept;
	entry->length = length;
	entry->size = size;
	cache.size += size;
	dlist_push_head(&cache.recent, &entry->node);
}

/* Drop all of it. */
void
cache_clear(void)
{
	if (cache.context)
		MemoryContextDelete(cache.context);
	cache.context = NULL;
	cache.entries = NULL;
	cache.stale = false;
	cache.epoch++;
}

/* Drop all of it before the next use; may be called at any time. */
void
cache_expire(void)
{
	cache.stale = true;
}
