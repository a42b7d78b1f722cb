/*
 * credential_process.c: credentials printed by a program that a profile names.
 *
 * The program is named in a file of the server's host, and run as the server's system
 * user: a user to whom a superuser lends a profile (see check_lent() in
 * config/config.c) can have the program run, but neither choose it nor pass it anything.
 *
 * http_wait() waits for a program's pipes together with the sockets of the session's
 * requests, and reads them as soon as they have data, whichever look-up waits.  When
 * the program ends, SIGCHLD sets the latch (see child.c).
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "foreign_text.h"
#include "identity/fetch.h"
#include "secret.h"
#include "storage/fd.h"

/* Microseconds that a program may take; AWS's SDKs set no limit. */
#define TIMEOUT			60000000

/* Microseconds between looks for a program's end, in case SIGCHLD has another handler. */
#define LOOK_FOR_END	1000000

/* Upper bound of standard output, in bytes; a program that writes more fails. */
#define MAX_OUTPUT		(64 * 1024)

/* Bytes of standard error that are kept. */
#define MAX_ERRORS		4096

/* Length of a text that may be a secret if both standard output and error have it. */
#define SECRET_PART		16

/* Bytes read at once into a buffer that is thrown away. */
#define CHUNK			4096

/* Upper bound of reads at once, so that a program does not hold up look-ups. */
#define READS_AT_ONCE	16

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

/* Program under way, or its output, in Fetch.state. */
typedef struct Process
{
	MemoryContextCallback callback; /* ends the program with the fetch */
	const ProfilePlan *plan;
	pid_t		pid;			/* 0: not started, or ended */
	int64		started;		/* time of clock.h */
	int			status;			/* as of waitpid(); -1: not known */
	int			exec_errno;		/* errno of a failed exec; 0: the program was executed */
	ProcessPipe output;
	ProcessPipe errors;
	ProcessPipe exec_pipe;		/* for exec_errno */
} Process;

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

/*
 * Start a profile's program, which ends at the latest with the fetch, along with all
 * processes that it has started and that have not left its process group; those that
 * have left end with the backend, on Linux.  False, with errno, if there can be no more
 * processes or pipes.
 */
static bool
start_program(Process *process)
{
	pid_t		pid;

	if (!open_pipe(&process->output, MAX_OUTPUT) ||
		!open_pipe(&process->errors, MAX_ERRORS) || !open_pipe(&process->exec_pipe, 0))
		return false;
	process->started = clock_us();
	pid = child_start(process->plan->process,
					  (const int[]) {process->output.writer, process->errors.writer,
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
 * Kill a Process's program if it has not ended, and keep its output (a
 * MemoryContextCallback).  Never fails.
 */
static void
end_program(void *arg)
{
	Process    *process = arg;

	close_pipe(&process->output);
	close_pipe(&process->errors);
	close_pipe(&process->exec_pipe);
	if (process->pid != 0)
		process->status = child_end(process->pid);
	process->pid = 0;
}

/*
 * Read a program's output without waiting; true if the program has ended, or is ended
 * here because it wrote too much.  A program has ended when it has exited and its
 * output is closed; other processes of its group are killed then.
 */
static bool
has_ended(Process *process)
{
	read_pipe(&process->output);
	read_pipe(&process->errors);
	if (!process->output.truncated &&
		(process->output.fd >= 0 || !child_has_ended(process->pid)))
		return false;
	/* Read the last of standard error, which other processes may still have open. */
	read_pipe(&process->errors);
	if (read(process->exec_pipe.fd, &process->exec_errno, sizeof(int)) != sizeof(int))
		process->exec_errno = 0;
	end_program(process);
	return true;
}

/* Return the first line of standard error that is not blank; "" if all lines are. */
static char *
first_line(const char *errors)
{
	const char *start = errors + strspn(errors, " \t\r\n");
	size_t		length = strcspn(start, "\r\n");

	while (length > 0 && start[length - 1] == ' ')
		length--;
	return secret_copy(start, length);
}

/* Return a line with any SECRET_PART bytes struck out that standard output has, too. */
static char *
strike_out(const char *line, const ProcessPipe *output)
{
	size_t		length = strlen(line);
	char	   *result = secret_protect(palloc0(length + 1), length);
	char	   *end = result;
	size_t		struck = 0;		/* end of the latest part struck out */

	for (size_t i = 0; i < length; i++)
	{
		if (i + SECRET_PART <= length && strcspn(line + i, " ") >= SECRET_PART &&
			memmem(output->text, output->length, line + i, SECRET_PART) != NULL)
		{
			if (i >= struck)
				end = stpcpy(end, "***");
			struck = i + SECRET_PART;
		}
		if (i >= struck)
			*end++ = line[i];
	}
	return result;
}

static char *
cause_of(const ProfilePlan *plan)
{
	return psprintf("the credential_process of profile \"%s\" gave no credentials",
					plan->process_profile);
}

/* Fail with a problem, a clause, and the first line of standard error. */
static FetchState
fail(Fetch *fetch, const char *problem)
{
	const Process *process = fetch->state;
	IssuedCredentials issued;
	List	   *secrets = NIL;
	char	   *line = strike_out(first_line(process->errors.text), &process->output);

	/* Strike out the secrets as JSON decodes them: standard error may show them so. */
	issued_parse_process(&issued, process->output.text, process->output.length);
	if (issued.credentials.secret_access_key)
		secrets = lappend(secrets, issued.credentials.secret_access_key);
	if (issued.credentials.session_token)
		secrets = lappend(secrets, issued.credentials.session_token);
	line = foreign_text(line, MAX_FOREIGN_TEXT, secrets);
	return fetch_fail(fetch, cause_of(process->plan),
					  *line ? psprintf("%s. Its standard error begins: %s", problem, line) :
					  psprintf("%s.", problem),
					  "Try it on the server's host as its system user; it is run without a shell.");
}

/* Return the problem with a program's end, a clause; NULL if it succeeded. */
static const char *
problem_of_end(const Process *process)
{
	if (process->output.truncated)
		return psprintf("The program wrote more than %d kB", MAX_OUTPUT / 1024);
	if (process->exec_errno != 0)
		return psprintf("The program could not be executed: %s", strerror(process->exec_errno));
	if (process->status == -1)
		return "The program's exit status is not known";
	if (WIFSIGNALED(process->status))
		return psprintf("The program was ended by signal %d: %s", WTERMSIG(process->status),
						pg_strsignal(WTERMSIG(process->status)));
	if (WEXITSTATUS(process->status) != 0)
		return psprintf("The program exited with status %d", WEXITSTATUS(process->status));
	return NULL;
}

static FetchState
advance(Fetch *fetch)
{
	Process    *process = fetch->state;
	const char *problem;

	if (!has_ended(process))
	{
		int64		now = clock_us();
		int64		deadline = process->started + TIMEOUT;

		if (now < deadline)
		{
			fetch->wake_at = process->output.fd < 0 ? Min(deadline, now + LOOK_FOR_END) : deadline;
			return FETCH_WAITING;
		}
		end_program(process);
		return fail(fetch, psprintf("The program did not end within %d s", TIMEOUT / 1000000));
	}
	problem = problem_of_end(process);
	if (problem)
		return fail(fetch, problem);
	problem = issued_parse_process(&fetch->issued, process->output.text, process->output.length);
	if (problem)
		return fail(fetch, psprintf("The program gave no credentials: %s", problem));
	explicit_bzero(process->output.text, process->output.length);
	return FETCH_DONE;
}

/* Begin to run a profile's program, whose output issued_parse_process() reads. */
FetchState
credential_process_begin(Fetch *fetch, const ProfilePlan *plan)
{
	Process    *process = palloc0(sizeof(Process));
	int			problem;

	process->plan = plan;
	process->status = -1;
	process->output = process->errors = process->exec_pipe =
		(ProcessPipe) {.fd = -1,.writer = -1};
	process->callback.func = end_program;
	process->callback.arg = process;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &process->callback);
	if (start_program(process))
	{
		fetch->state = process;
		fetch->advance = advance;
		return advance(fetch);
	}
	problem = errno;
	end_program(process);
	fetch->failure = failure_create(problem == ENOMEM ? ERRCODE_OUT_OF_MEMORY :
									ERRCODE_INSUFFICIENT_RESOURCES,
									cause_of(plan),
									psprintf("The program could not be started: %s.",
											 strerror(problem)), NULL);
	return FETCH_FAILED;
}
