/* child.h: child processes of a backend, each with a session of its own. */
#ifndef IMAGEBUILDER_CHILD_H
#define IMAGEBUILDER_CHILD_H

#include <sys/types.h>

extern pid_t child_start(char **words, const int ends[3]);
extern bool child_has_ended(pid_t pid);
extern int	child_end(pid_t pid);

/* Function of child.c for orphans.c. */
extern bool child_is_known(pid_t pid);

/* Functions of orphans.c. */
extern void orphans_adopt(void);
extern void orphans_release(void);
extern bool orphans_reap(bool end);

#endif							/* IMAGEBUILDER_CHILD_H */
