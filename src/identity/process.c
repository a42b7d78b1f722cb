/*
 * process.c: programs that are run for what they write.
 *
 * A program's pipes are waited for together with the sockets of the session's
 * requests, and read as soon as there is something, whoever waits.  Its end is
 * told by SIGCHLD, which sets the latch (see child.c).
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "clock.h"
#include "http/sockets.h"
#include "identity/child.h"
#include "identity/process.h"
#include "secret.h"
#include "storage/fd.h"

/* Bytes taken at once of what is not kept. */
#define CHUNK			4096

/* A program that writes faster than it is read must not keep anybody from looking up. */
#define READS_AT_ONCE	16

static void
close_writer(ProcessPipe *pipe)
{
	if (pipe->writer >= 0)
		close(pipe->writer);
	pipe->writer = -1;
}

static void
close_pipe(ProcessPipe *pipe)
{
	close_writer(pipe);
	if (pipe->fd < 0)
		return;
	sockets_unwatch(pipe->fd);
	close(pipe->fd);
	ReleaseExternalFD();
	pipe->fd = -1;
}

/* SocketReady: take what there is. */
static void
read_pipe(void *owner)
{
	ProcessPipe *pipe = owner;
	char		lost[CHUNK];

	for (int i = 0; i < READS_AT_ONCE && pipe->fd >= 0; i++)
	{
		bool		full = pipe->length == pipe->size;
		ssize_t		n = full ? read(pipe->fd, lost, CHUNK) :
			read(pipe->fd, pipe->text + pipe->length, pipe->size - pipe->length);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			close_pipe(pipe);
		else if (full)
			pipe->overflown = true;
		else
			pipe->length += n;
	}
	explicit_bzero(lost, sizeof(lost));
}

/* Memory for what a program writes into a pipe; 0: there is nothing to keep. */
static void
prepare_pipe(ProcessPipe *pipe, size_t size)
{
	pipe->fd = pipe->writer = -1;
	pipe->size = size;
	if (size > 0)
		pipe->text = secret_guard(palloc0(size + 1), size + 1);
}

/* Open a pipe; false, with errno, if that cannot be. */
static bool
open_pipe(ProcessPipe *p)
{
	int			fds[2];

	if (!AcquireExternalFD())
		return false;
	if (pipe(fds) != 0)
	{
		ReleaseExternalFD();
		return false;
	}
	p->fd = fds[0];
	p->writer = fds[1];
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	return true;
}

/* Have a pipe read as soon as there is something; false, with errno, for want of memory. */
static bool
watch_pipe(ProcessPipe *pipe)
{
	if (sockets_watch(pipe->fd, read_pipe, pipe))
		return true;
	errno = ENOMEM;
	return false;
}

/* MemoryContextCallback */
static void
end_process(void *arg)
{
	process_end(arg);
}

/* Start a process's program; false, with errno, if that cannot be. */
static bool
start(Process *process, char **words)
{
	ChildProgram program = {.words = words};
	pid_t		pid;

	if (!open_pipe(&process->output) || !open_pipe(&process->errors) ||
		!open_pipe(&process->start) ||
		!watch_pipe(&process->output) || !watch_pipe(&process->errors))
		return false;
	program.output = process->output.writer;
	program.errors = process->errors.writer;
	program.problem = process->start.writer;
	process->started = clock_us();
	pid = child_start(&program);
	if (pid < 0)
		return false;
	process->pid = pid;
	close_writer(&process->output);
	close_writer(&process->errors);
	close_writer(&process->start);
	return true;
}

/*
 * Start a program, without a shell: the words are its name and its arguments,
 * with a NULL after them.  It ends at the latest with the current memory
 * context, with all processes that it has started and that have not left its
 * process group; those that have, on Linux, end with the backend.  If there can
 * be no more processes or pipes, it has ended, and "unstarted" says why: nobody
 * may be waiting for it who could be told by an error.
 */
Process *
process_start(char **words)
{
	Process    *process = palloc0(sizeof(Process));

	process->status = -1;
	prepare_pipe(&process->output, PROCESS_MAX_OUTPUT);
	prepare_pipe(&process->errors, PROCESS_MAX_ERRORS);
	prepare_pipe(&process->start, 0);
	process->callback.func = end_process;
	process->callback.arg = process;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &process->callback);
	if (!start(process, words))
	{
		process->unstarted = errno;
		process_end(process);
	}
	return process;
}

/*
 * Look what has become of a program, without waiting: true if it has ended, or
 * has been because it writes too much.  It has if it has exited, and closed its
 * output; those that it leaves behind are ended.
 */
bool
process_advance(Process *process)
{
	if (process->pid == 0)
		return true;
	read_pipe(&process->output);
	read_pipe(&process->errors);
	if (!process->output.overflown &&
		(process->output.fd >= 0 || !child_has_ended(process->pid)))
		return false;
	/* What it wrote last is there, whoever else may write still. */
	read_pipe(&process->errors);
	if (read(process->start.fd, &process->problem, sizeof(int)) != sizeof(int))
		process->problem = 0;
	process_end(process);
	return true;
}

/* End a program if it has not ended; what it wrote stays.  Never fails. */
void
process_end(Process *process)
{
	close_pipe(&process->output);
	close_pipe(&process->errors);
	close_pipe(&process->start);
	if (process->pid != 0)
		process->status = child_end(process->pid);
	process->pid = 0;
}
