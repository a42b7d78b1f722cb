/* process.h: programs whose output the session reads. */
#ifndef IMAGEBUILDER_PROCESS_H
#define IMAGEBUILDER_PROCESS_H

#include <sys/types.h>

/* Upper bound of standard output, in bytes; a program that writes more fails. */
#define PROCESS_MAX_OUTPUT		(64 * 1024)

/* Bytes of standard error that are kept. */
#define PROCESS_MAX_ERRORS		4096

/* Pipe that a program writes into. */
typedef struct ProcessPipe
{
	int			fd;				/* the reading end; -1: closed */
	int			writer;			/* the writing end, until the program has it; -1:
								 * closed */
	char	   *text;			/* NUL-terminated, wiped with the memory context; or
								 * NULL */
	size_t		length;
	size_t		size;			/* of text, without the NUL */
	bool		truncated;		/* more data came, and is lost */
} ProcessPipe;

/* Program under way, or its output; owned by a memory context. */
typedef struct Process
{
	MemoryContextCallback callback;
	pid_t		pid;			/* 0: not started, or ended */
	int64		started;		/* time of clock.h */
	int			status;			/* as of waitpid(); -1: not known */
	int			start_errno;	/* errno of a failed start; 0: the process was started */
	int			exec_errno;		/* errno of a failed exec; 0: the program was executed */
	ProcessPipe output;
	ProcessPipe errors;
	ProcessPipe exec_pipe;		/* for exec_errno */
} Process;

extern Process *process_start(char **words);
extern bool process_advance(Process *process);
extern void process_end(void *process);

#endif							/* IMAGEBUILDER_PROCESS_H */
