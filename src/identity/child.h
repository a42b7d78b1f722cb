/* child.h: child processes of a backend, each with a session of its own. */
#ifndef IMAGEBUILDER_CHILD_H
#define IMAGEBUILDER_CHILD_H

#include <sys/types.h>

/* Program to run in a child, and the writing ends of the pipes that connect the two. */
typedef struct ChildProgram
{
	char	  **words;			/* the program and its arguments, then NULL */
	int			output;			/* its standard output */
	int			errors;			/* its standard error */
	int			problem;		/* gets the errno, an int, if the program cannot be
								 * executed */
} ChildProgram;

extern pid_t child_start(const ChildProgram *program);
extern bool child_has_ended(pid_t pid);
extern int	child_end(pid_t pid);

#endif							/* IMAGEBUILDER_CHILD_H */
