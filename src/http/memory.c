/*
 * memory.c: the allocator given to libcurl, which wipes freed memory and counts
 * failures.
 *
 * libcurl keeps copies of headers, session tokens included, so freed memory is wiped.
 *
 * libcurl does not always report that memory ran out: a connection just fails, or a
 * request goes out without its query (7.88); and before 8.6 libcurl reports
 * CURLE_OUT_OF_MEMORY for headers over its own limits.  So the allocator counts
 * refused requests.
 *
 * libcurl keeps the allocator of the library that initializes libcurl first in the
 * process, and silently ignores later ones.  Where another extension was first,
 * libcurl's memory is neither wiped nor counted: memory_is_ours is false.
 */
#include "postgres.h"

#include <malloc.h>

#include "http/transfer.h"
#include "secret.h"

/* True if libcurl uses this allocator; if not, memory_refused never changes. */
volatile bool memory_is_ours = false;

/* Requests of libcurl, its resolver thread included, that malloc() has refused so far. */
volatile uint64 memory_refused = 0;

static struct
{
	char	   *block;			/* has libcurl's latest receive buffer; or NULL */
	size_t		extra;			/* bytes of the block beside the buffer */
} buffer;

static void *
note_refused(void *block)
{
	memory_is_ours = true;
	if (block == NULL)
		memory_refused++;
	return block;
}

/* Note a block if it is as large as one of a receive buffer of "length" bytes. */
static void
note_buffer(void *block, size_t size, size_t length)
{
	if (block == NULL || size < length || size > length + MEMORY_BUFFER_EXTRA)
		return;
	buffer.block = block;
	buffer.extra = size - length;
}

static void *
allocate(size_t size)
{
	void	   *block = note_refused(malloc(size));

	note_buffer(block, size, MEMORY_BUFFER);
	note_buffer(block, size, MEMORY_SECRET_BUFFER);
	return block;
}

static void *
allocate_zeroed(size_t count, size_t size)
{
	return note_refused(calloc(count, size));
}

static void *
reallocate(void *block, size_t size)
{
	return note_refused(secret_realloc(block, size));
}

static char *
duplicate(const char *text)
{
	return note_refused(strdup(text));
}

/* Free a block; wipe it unless it is as large as the receive buffer for public answers. */
static void
free_wiped(void *block)
{
	if (block == buffer.block)
		buffer.block = NULL;
	if (block && malloc_usable_size(block) >= MEMORY_BUFFER)
		free(block);
	else
		secret_free(block);
}

/* Raise 53200; "detail" is a sentence. */
void
memory_raise(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory"),
			 errdetail("%s", detail)));
}

/*
 * Raise 53200 if memory ran out, HV000 if libcurl refused an option otherwise that is
 * required.
 */
void
setopt_check(CURLcode code, bool required)
{
	if (code == CURLE_OUT_OF_MEMORY)
		memory_raise("libcurl could not take an option.");
	if (code != CURLE_OK && required)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("could not set up a request"),
				 errdetail("libcurl: %s.", curl_easy_strerror(code))));
}

/* Initialize libcurl; later calls in the session do no harm.  Raises 53200, HV000. */
void
memory_start(void)
{
	uint64		refused = memory_refused;

	if (curl_global_init_mem(CURL_GLOBAL_ALL, allocate, free_wiped, reallocate, duplicate,
							 allocate_zeroed) == CURLE_OK)
	{
		/* libcurl allocates something, which shows whether it uses this allocator. */
		curl_slist_free_all(curl_slist_append(NULL, "x"));
		if (!memory_is_ours)
			ereport(DEBUG1,
					(errmsg_internal("another library has started libcurl in this session"),
					 errdetail_internal("What libcurl frees is not wiped.")));
		return;
	}
	if (memory_refused != refused)
		memory_raise("libcurl could not be started.");
	ereport(ERROR,
			(errcode(ERRCODE_FDW_ERROR),
			 errmsg("could not start libcurl")));
}

/*
 * Wipe the receive buffer, if libcurl keeps it; no transfer may be receiving.  What
 * libcurl keeps beside the buffer may lie before it or after it, so as many bytes stay
 * as they are at either end of the block: at most MEMORY_BUFFER_EXTRA.
 */
void
memory_wipe_buffer(void)
{
	if (COMPAT_CURL_KEEPS_BUFFER && buffer.block)
		explicit_bzero(buffer.block + buffer.extra,
					   malloc_usable_size(buffer.block) - 2 * buffer.extra);
}
