/* memory.h: libcurl's allocator, which wipes and counts, and libcurl's options. */
#ifndef IMAGEBUILDER_MEMORY_H
#define IMAGEBUILDER_MEMORY_H

#include <curl/curl.h>

#include "compat.h"

/*
 * Sizes of libcurl's receive buffer, in bytes, for answers that are not secret and for
 * secret ones.  The allocator recognizes the buffer's block by these sizes, to which
 * libcurl may add MEMORY_BUFFER_EXTRA at most (8.23 has the length before the buffer);
 * libcurl uses such sizes for nothing else.
 */
#define MEMORY_BUFFER			(128 * 1024)
#define MEMORY_SECRET_BUFFER	(16 * 1024 - 48)
#define MEMORY_BUFFER_EXTRA		32

extern void memory_start(void);
extern bool memory_is_ours(void);
extern uint64 memory_refused(void);
extern void memory_wipe_buffer(void);
pg_noreturn extern void memory_raise(const char *detail);

/* Set an option that a request cannot do without. */
#define REQUIRE(handle, option, value) \
	setopt_check(curl_easy_setopt(handle, option, value), true)

/* Set an option that some versions or builds of libcurl lack. */
#define ASK_FOR(handle, option, value) \
	setopt_check(curl_easy_setopt(handle, option, value), false)

extern void setopt_check(CURLcode code, bool required);

#endif							/* IMAGEBUILDER_MEMORY_H */
