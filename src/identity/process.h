/* process.h: programs that are run for what they write. */
#ifndef IMAGEBUILDER_PROCESS_H
#define IMAGEBUILDER_PROCESS_H

#include <sys/types.h>

/* A program that writes more is at fault, bytes. */
#define PROCESS_MAX_OUTPUT		(64 * 1024)

/* What is kept of its standard error, bytes. */
#define PROCESS_MAX_ERRORS		4096

/* A pipe that a program writes into. */
typedef struct ProcessPipe
{
	int			fd;				/* the reading end; -1: closed */
	int			writer;			/* the writing end, until the program has it; -1:
								 * closed */
	char	   *text;			/* NUL-terminated, wiped with the context; or
								 * NULL */
	size_t		length;
	size_t		size;			/* of text, without the NUL */
	bool		overflown;		/* more came, and is lost */
} ProcessPipe;

/* A program under way, or what it has left; owned by a memory context. */
typedef struct Process
{
	MemoryContextCallback callback;
	pid_t		pid;			/* 0: it has ended, or has been */
	int64		started;		/* of clock.h */
	int			status;			/* of waitpid(); -1: not known */
	int			unstarted;		/* errno: there was no process for it; 0: there was */
	int			problem;		/* errno: it could not be executed; 0: it was */
	ProcessPipe output;
	ProcessPipe errors;
	ProcessPipe start;			/* for "problem" */
} Process;

extern Process *process_start(char **words);
extern bool process_advance(Process *process);
extern void process_end(Process *process);

#endif							/* IMAGEBUILDER_PROCESS_H */
