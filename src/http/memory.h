/* memory.h: what libcurl allocates with. */
#ifndef IMAGEBUILDER_MEMORY_H
#define IMAGEBUILDER_MEMORY_H

#include "compat.h"

/*
 * Bytes received at once: of answers, and of answers that are secret.  By these
 * sizes the buffer is known: libcurl allocates nothing else of them.
 */
#define MEMORY_BUFFER			(128 * 1024)
#define MEMORY_SECRET_BUFFER	(16 * 1024 - 48)

extern void memory_start(void);
extern bool memory_is_ours(void);
extern uint64 memory_refused(void);
extern void memory_wipe_buffer(void);
pg_noreturn extern void memory_raise(const char *detail);

#endif							/* IMAGEBUILDER_MEMORY_H */
