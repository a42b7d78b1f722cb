/*
 * child.c: child processes of a backend, each with a session of its own.
 *
 * A child begins a session, and with it a process group, which holds all processes
 * that the child starts in turn and that do not leave the group.  The backend kills
 * the group as a whole when it does not need the child any more, and at the latest
 * when it exits.
 *
 * A process that leaves the group, such as a daemon that begins a session of its own,
 * becomes the backend's orphan (see orphans.c), and is killed when the backend exits.
 *
 * If a backend is killed by SIGKILL, or ends without its exit callbacks, the Linux
 * kernel kills the child itself, but nothing that the child has started.
 *
 * PostgreSQL's backends leave SIGCHLD at its default.  Here it gets a handler, which
 * wakes the backend when a child ends, and reaps killed children and orphans.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "identity/fetch.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"

/* Upper bound: a look-up runs one program at most, and max_concurrency is 64 at most. */
#define MAX_CHILDREN		128

/* Milliseconds for which an exiting backend waits for processes that it has killed. */
#define EXIT_WAIT			2000

/* Exit status of a child that cannot execute its program, as in shells. */
#define NOT_EXECUTED		127

/* Descriptor of the pipe "problem" in the child, which closes all higher ones. */
#define PROBLEM_FD			3

/* Children of the backend, changed by the SIGCHLD handler, else with SIGCHLD blocked. */
static volatile struct
{
	pid_t		pid;			/* also its session and process group; 0: a free entry */
	bool		dying;			/* has been killed, and must be reaped */
}			children[MAX_CHILDREN];

/*
 * Functions of the child between fork() and exec, which may use nothing that a signal
 * handler may not.  POSIX does not say that of execvp(); glibc and musl allow it.
 */

/* Close all descriptors above PROBLEM_FD, of which the backend has none above "highest". */
static void
close_inherited(int highest)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, PROBLEM_FD + 1, ~0U, 0) == 0)
		return;
#endif
	for (int fd = PROBLEM_FD + 1; fd <= highest; fd++)
		close(fd);
}

static void
connect_descriptors(const int ends[3], int highest)
{
	int			null = open("/dev/null", O_RDONLY);

	dup2(null, STDIN_FILENO);
	dup2(ends[0], STDOUT_FILENO);
	dup2(ends[1], STDERR_FILENO);
	dup2(ends[2], PROBLEM_FD);
	fcntl(PROBLEM_FD, F_SETFD, FD_CLOEXEC);
	close_inherited(highest);
}

static void
run(char **words, const int ends[3], pid_t parent, int highest)
{
	sigset_t	none;
	int			rc;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	setsid();
#ifdef __linux__
	/* A killed backend cannot kill the group; have the kernel kill the child then. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(NOT_EXECUTED);
#endif
	connect_descriptors(ends, highest);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(words[0], words);
	rc = write(PROBLEM_FD, &errno, sizeof(errno));
	(void) rc;
	_exit(NOT_EXECUTED);
}

/* Functions of the backend. */

static int
place_of(pid_t pid)
{
	for (int i = 0; i < MAX_CHILDREN; i++)
	{
		if (children[i].pid == pid)
			return i;
	}
	return -1;
}

/* Kill a child, then its group: a child killed first begins no session in between. */
static void
kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
	kill(-pid, SIGKILL);
}

/*
 * Reap a killed child and the ended processes of its group; true if no process is
 * left.  *status is set to the child's own status if the child is reaped.
 */
static bool
reap(pid_t child, int *status)
{
	pid_t		pid;
	int			one;
	bool		left;

	while ((pid = waitpid(-child, &one, WNOHANG)) > 0)
	{
		if (pid == child)
			*status = one;
	}
	left = pid == 0;
	/* A child that was killed before it began its session is in no group of its own. */
	pid = waitpid(child, &one, WNOHANG);
	if (pid == child)
		*status = one;
	return !left && pid != 0;
}

/* True if a process was started by child_start() and is not reaped. */
bool
child_is_known(pid_t pid)
{
	return place_of(pid) >= 0;
}

/*
 * Reap killed children and ended orphans, after killing the orphans if "end"; true if
 * no process is left.  Call this with SIGCHLD blocked.
 */
static bool
tidy(bool end)
{
	int			status;
	bool		none = true;

	for (int i = 0; i < MAX_CHILDREN; i++)
	{
		if (children[i].pid != 0 && children[i].dying && reap(children[i].pid, &status))
			children[i].pid = 0;
		none &= children[i].pid == 0;
	}
	none &= orphans_reap(end);
	if (none)
		orphans_release();
	return none;
}

/* Reap ended processes and set the latch (a signal handler). */
static void
handle_sigchld(int number)
{
	int			saved_errno = errno;

	tidy(false);
	SetLatch(MyLatch);
	errno = saved_errno;
}

static void
block(sigset_t *previous, bool all)
{
	sigset_t	signals;

	sigfillset(&signals);
	if (!all)
	{
		sigemptyset(&signals);
		sigaddset(&signals, SIGCHLD);
	}
	sigprocmask(SIG_BLOCK, &signals, previous);
}

/*
 * Kill and reap all children and orphans, so that none is left for the postmaster to
 * reap (an on_proc_exit callback).  A killed process may leave orphans, so the
 * function repeats this until none comes.
 */
static void
end_all(int code, Datum arg)
{
	sigset_t	previous;

	block(&previous, false);
	for (int i = 0; i < MAX_CHILDREN; i++)
	{
		if (children[i].pid != 0)
			kill_child(children[i].pid);
		children[i].dying = true;
	}
	for (int waited = 0; !tidy(true) && waited < EXIT_WAIT; waited++)
		pg_usleep(1000);
	sigprocmask(SIG_SETMASK, &previous, NULL);
}

static void
prepare(void)
{
	static bool registered = false;
	struct sigaction action = {.sa_handler = handle_sigchld, .sa_flags = SA_RESTART | SA_NOCLDSTOP};

	if (!registered)
		on_proc_exit(end_all, 0);
	registered = true;
	sigemptyset(&action.sa_mask);
	sigaction(SIGCHLD, &action, NULL);
	orphans_adopt();
}

/* Return a number that no descriptor of this process exceeds. */
static int
highest_descriptor(void)
{
	struct rlimit limit = {.rlim_cur = 1024};
	int			highest = -1;
	struct dirent *entry;
	DIR		   *dir = AllocateDir("/proc/self/fd");

	while (dir && (entry = ReadDirExtended(dir, "/proc/self/fd", DEBUG1)))
		highest = Max(highest, atoi(entry->d_name));
	if (dir)
		FreeDir(dir);
	if (highest >= 0)
		return highest;
	getrlimit(RLIMIT_NOFILE, &limit);
	return (int) Min(limit.rlim_cur, PG_INT32_MAX) - 1;
}

/*
 * Start a program, as execvp() finds it, in a session of its own, in the environment and
 * the directory of the backend, with nothing to read and no descriptor but the
 * standard three.  "words" are its name and its arguments, and a NULL; "ends" are the
 * writing ends of pipes for its standard output, its standard error, and the errno, an
 * int, if the program cannot be executed.  Return its process ID, for child_end(); -1,
 * with errno, if there can be no more processes.
 */
pid_t
child_start(char **words, const int ends[3])
{
	int			highest = highest_descriptor();
	pid_t		parent = getpid();
	int			place = place_of(0);
	int			problem = EAGAIN;
	pid_t		pid = -1;
	sigset_t	previous;

	block(&previous, true);
	if (place >= 0)
	{
		prepare();
		pid = fork();
		problem = errno;
	}
	if (pid == 0)
		run(words, ends, parent, highest);
	if (pid > 0)
	{
		children[place].dying = false;
		children[place].pid = pid;
	}
	else
		tidy(false);
	sigprocmask(SIG_SETMASK, &previous, NULL);
	errno = problem;
	return pid;
}

/* True if a child itself has ended; other processes of its group may live. */
bool
child_has_ended(pid_t pid)
{
	siginfo_t	info = {.si_pid = 0};

	return waitid(P_PID, (id_t) pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
		info.si_pid == pid;
}

/*
 * Kill a child and its group, and have both reaped; never fails.  Return the child's
 * status, as of waitpid(), if child_has_ended(), else -1.
 */
int
child_end(pid_t pid)
{
	int			place = place_of(pid);
	int			status = -1;
	sigset_t	previous;

	block(&previous, false);
	/* The kernel gives the group's number to no process until the child is reaped. */
	kill_child(pid);
	reap(pid, &status);
	children[place].dying = true;
	tidy(false);
	sigprocmask(SIG_SETMASK, &previous, NULL);
	return status;
}
