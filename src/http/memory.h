/* memory.h: the allocator of libcurl, which wipes freed memory and counts failures. */
#ifndef IMAGEBUILDER_MEMORY_H
#define IMAGEBUILDER_MEMORY_H

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

#endif							/* IMAGEBUILDER_MEMORY_H */
