/* text_table.c: hash tables by texts of any length. */
#include "postgres.h"

#include "common/hashfn.h"
#include "lookup/text_table.h"

static uint32
hash_text(const void *key, Size keysize)
{
	const char *text = *(const char *const *) key;

	(void) keysize;
	return string_hash(text, strlen(text) + 1);
}

static int
match_text(const void *a, const void *b, Size keysize)
{
	(void) keysize;
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/*
 * Create a hash table whose entries start with a C string that they do not own:
 * dynahash's string keys have a fixed size, but ARNs and requests have no maximum
 * length.
 */
HTAB *
text_table_create(const char *name, Size entrysize, MemoryContext context)
{
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(const char *);
	ctl.entrysize = entrysize;
	ctl.hash = hash_text;
	ctl.match = match_text;
	ctl.hcxt = context;
	return hash_create(name, 64, &ctl,
					   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}
