/* memory.h: the allocator of libcurl, which wipes freed memory and counts failures. */
#ifndef IMAGEBUILDER_MEMORY_H
#define IMAGEBUILDER_MEMORY_H

#include "compat.h"

/*
 * Sizes of libcurl's receive buffer, in bytes, for answers that are not secret and for
 * secret ones.  The allocator recognizes the buffer by these sizes, which libcurl uses
 * for nothing else.
 */
#define MEMORY_BUFFER			(128 * 1024)
#define MEMORY_SECRET_BUFFER	(16 * 1024 - 48)

extern void memory_start(void);
extern bool memory_is_ours(void);
extern uint64 memory_refused(void);
extern void memory_wipe_buffer(void);
pg_noreturn extern void memory_raise(const char *detail);

#endif							/* IMAGEBUILDER_MEMORY_H */
