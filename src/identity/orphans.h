/* orphans.h: processes that become the backend's children when their parent ends. */
#ifndef IMAGEBUILDER_ORPHANS_H
#define IMAGEBUILDER_ORPHANS_H

#include <sys/types.h>

extern void orphans_adopt(bool (*is_known) (pid_t pid));
extern void orphans_release(void);
extern bool orphans_reap(bool end);

#endif							/* IMAGEBUILDER_ORPHANS_H */
