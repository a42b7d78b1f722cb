/*
 * process.c: programs whose output the session reads.
 *
 * http_wait() waits for a program's pipes together with the sockets of the session's
 * requests, and reads them as soon as they have data, whichever look-up waits.  When
 * the program ends, SIGCHLD sets the latch (see child.c).
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

/* Bytes read at once into a buffer that is thrown away. */
#define CHUNK			4096

/* Upper bound of reads at once, so that a program does not hold up look-ups. */
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

/* Read the data in a pipe (a SocketReady). */
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
			pipe->truncated = true;
		else
			pipe->length += n;
	}
	explicit_bzero(lost, sizeof(lost));
}

/*
 * Open a pipe, of which http_wait() reads "size" bytes when it has data; 0: none are
 * read.  False, with errno, if that fails.
 */
static bool
open_pipe(ProcessPipe *p, size_t size)
{
	int			fds[2];

	p->size = size;
	if (size > 0)
		p->text = secret_protect(palloc0(size + 1), size + 1);
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
	if (size == 0 || sockets_watch(p->fd, read_pipe, p))
		return true;
	errno = ENOMEM;
	return false;
}

/* Start a process's program; false, with errno, if that fails. */
static bool
start(Process *process, char **words)
{
	pid_t		pid;

	if (!open_pipe(&process->output, PROCESS_MAX_OUTPUT) ||
		!open_pipe(&process->errors, PROCESS_MAX_ERRORS) || !open_pipe(&process->exec_pipe, 0))
		return false;
	process->started = clock_us();
	pid = child_start(words, (const int[]) {process->output.writer, process->errors.writer,
											process->exec_pipe.writer});
	if (pid < 0)
		return false;
	process->pid = pid;
	close_writer(&process->output);
	close_writer(&process->errors);
	close_writer(&process->exec_pipe);
	return true;
}

/*
 * Start a program, without a shell: the words are its name and its arguments, and a
 * NULL.
 *
 * The program ends at the latest with the current memory context, along with all
 * processes that it has started and that have not left its process group; those that
 * have left end with the backend, on Linux.  If there can be no more processes or
 * pipes, "start_errno" has the errno, and the process counts as ended: an error could
 * hit a statement that does not need the program.
 */
Process *
process_start(char **words)
{
	Process    *process = palloc0(sizeof(Process));

	process->status = -1;
	process->output = process->errors = process->exec_pipe =
		(ProcessPipe) {.fd = -1,.writer = -1};
	process->callback.func = process_end;
	process->callback.arg = process;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &process->callback);
	if (!start(process, words))
	{
		process->start_errno = errno;
		process_end(process);
	}
	return process;
}

/*
 * Read a program's output without waiting; true if the program has ended, or is ended
 * here because it wrote too much.  A program has ended when it has exited and its
 * output is closed; other processes of its group are killed then.
 */
bool
process_advance(Process *process)
{
	if (process->pid == 0)
		return true;
	read_pipe(&process->output);
	read_pipe(&process->errors);
	if (!process->output.truncated &&
		(process->output.fd >= 0 || !child_has_ended(process->pid)))
		return false;
	/* Read the last of standard error, which other processes may still have open. */
	read_pipe(&process->errors);
	if (read(process->exec_pipe.fd, &process->exec_errno, sizeof(int)) != sizeof(int))
		process->exec_errno = 0;
	process_end(process);
	return true;
}

/*
 * Kill a Process's program if it has not ended, and keep its output (a
 * MemoryContextCallback).  Never fails.
 */
void
process_end(void *arg)
{
	Process    *process = arg;

	close_pipe(&process->output);
	close_pipe(&process->errors);
	close_pipe(&process->exec_pipe);
	if (process->pid != 0)
		process->status = child_end(process->pid);
	process->pid = 0;
}
