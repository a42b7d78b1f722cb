/*
 * cache.c: answers that may serve later statements of the session.
 *
 * Answers are kept by server, user and request, so never shared between users; the
 * least recently used answer goes first.  ALTER SERVER and ALTER USER MAPPING, in any
 * session, drop the whole cache, because an answer to a request made with other
 * options may no longer be right.  Only resources that the service found are kept.
 */
#include "postgres.h"

#include "clock.h"
#include "lookup/lookup.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

typedef struct CacheEntry
{
	const char *key;			/* see key_of(); must be first; owned by the entry */
	dlist_node	node;			/* in cache.recent */
	TimestampTz received_at;
	char	   *body;			/* in the service's UTF-8 */
	size_t		size;			/* of the entry with its strings, in bytes */
} CacheEntry;

static struct
{
	MemoryContext context;		/* NULL until the cache is created */
	HTAB	   *entries;
	dlist_head	recent;			/* most recently used first */
	size_t		size;			/* of all entries, in bytes */
	uint64		epoch;			/* config_epoch() when the cache was created */
	int64		cleared_at;		/* time of clock.h of the latest cache_clear() */
} cache;

/* Return the key of a request's answer, in the current memory context. */
static const char *
key_of(const ClientConfig *config, const Request *request)
{
	return psprintf("%u %u %s", config->serverid, config->userid, request->text);
}

static void
drop(void)
{
	if (cache.context)
		MemoryContextDelete(cache.context);
	cache.context = NULL;
}

/*
 * Drop the cache of another epoch, and create it unless it exists.  False if a request's
 * answer is not to be kept, or the configuration is of an earlier epoch, so that its
 * answers may no longer be right.
 */
static bool
prepare(const ClientConfig *config, const Request *request)
{
	if (config->cache_ttl == 0 || request->operation->paged || config->epoch != config_epoch())
		return false;
	if (cache.epoch != config->epoch)
		drop();
	if (cache.context)
		return true;
	cache.epoch = config->epoch;
	dlist_init(&cache.recent);
	cache.size = 0;
	cache.context = AllocSetContextCreate(TopMemoryContext, "imagebuilder_fdw cache",
										  ALLOCSET_DEFAULT_SIZES);
	cache.entries = text_table_create("imagebuilder_fdw cache", sizeof(CacheEntry),
									  cache.context);
	return true;
}

static void
drop_entry(CacheEntry *entry)
{
	char	   *key = unconstify(char *, entry->key);
	char	   *body = entry->body;

	dlist_delete(&entry->node);
	cache.size -= entry->size;
	hash_search(cache.entries, &entry->key, HASH_REMOVE, NULL);
	pfree(key);
	pfree(body);
}

/*
 * Return a copy, in the current memory context, of an answer that is no older than
 * cache_ttl; NULL if the cache holds no such answer.
 */
char *
cache_get(const ClientConfig *config, const Request *request)
{
	const char *key;
	CacheEntry *entry;

	if (!prepare(config, request))
		return NULL;
	key = key_of(config, request);
	entry = hash_search(cache.entries, &key, HASH_FIND, NULL);
	if (entry == NULL)
		return NULL;
	if (TimestampDifferenceExceeds(entry->received_at, GetCurrentTimestamp(),
								   config->cache_ttl))
	{
		drop_entry(entry);
		return NULL;
	}
	dlist_move_head(&cache.recent, &entry->node);
	return pstrdup(entry->body);
}

/*
 * Keep an answer, which is JSON, dropping the least recently used answers to keep the
 * whole cache within cache_size.  "sent_at" is the request's time of clock.h: an answer
 * requested before cache_clear() is not kept.
 */
void
cache_put(const ClientConfig *config, const Request *request, const char *body,
		  int64 sent_at)
{
	const char *key;
	size_t		limit = config->cache_size;
	size_t		size;
	char	   *kept;
	CacheEntry *entry;

	if (!prepare(config, request) || sent_at <= cache.cleared_at)
		return;
	key = key_of(config, request);
	size = sizeof(CacheEntry) + strlen(key) + 1 + strlen(body) + 1;
	if (size > Min(limit, MaxAllocSize))
		return;
	entry = hash_search(cache.entries, &key, HASH_FIND, NULL);
	if (entry)
		drop_entry(entry);
	while (cache.size + size > limit)
		drop_entry(dlist_tail_element(CacheEntry, node, &cache.recent));

	/* Enter it last: an entry is complete, even if memory runs out. */
	kept = MemoryContextStrdup(cache.context, body);
	key = MemoryContextStrdup(cache.context, key);
	entry = hash_search(cache.entries, &key, HASH_ENTER, NULL);
	entry->received_at = GetCurrentTimestamp();
	entry->body = kept;
	entry->size = size;
	cache.size += size;
	dlist_push_head(&cache.recent, &entry->node);
}

/* Drop the whole cache. */
void
cache_clear(void)
{
	drop();
	cache.cleared_at = clock_us();
}
