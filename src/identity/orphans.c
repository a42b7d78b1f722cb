/*
 * orphans.c: processes that fall to the backend when what has started them ends.
 *
 * On Linux, as long as there is a process that a program of child.c has started,
 * orphans fall to the backend, not to process 1.  In a container that is often
 * the postmaster, which, up to PostgreSQL 17, takes an orphan that was killed for
 * a backend that has crashed, and restarts all of them.
 *
 * The backend may have other children, those of COPY … PROGRAM or PL/Python, say,
 * whose status others wait for: they are in the backend's session, or were there
 * before orphans fell to the backend.  What another extension starts in a session
 * of its own while there is a process of child.c's is taken for an orphan.
 *
 * All of this may be called by a signal handler.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "identity/orphans.h"

#ifdef __linux__

/* More of others' children in sessions of their own are taken for orphans. */
#define MAX_STRANGERS	64

static volatile struct
{
	bool		adopted;		/* orphans fall to this process */
	char		path[64];		/* lists the children of the main thread, to which they fall */
	pid_t		strangers[MAX_STRANGERS];	/* others' children in sessions of their own */
	int			nstrangers;
}			orphans;

/* What is done with a child of the backend; false if it is an orphan that lives. */
typedef bool (*ChildAction) (pid_t pid, bool (*is_known) (pid_t pid));

/* ChildAction */
static bool
note_stranger(pid_t pid, bool (*is_known) (pid_t pid))
{
	if (getsid(pid) != getsid(0) && !is_known(pid) && orphans.nstrangers < MAX_STRANGERS)
		orphans.strangers[orphans.nstrangers++] = pid;
	return true;
}

static bool
is_orphan(pid_t pid, bool (*is_known) (pid_t pid))
{
	for (int i = 0; i < orphans.nstrangers; i++)
	{
		if (orphans.strangers[i] == pid)
			return false;
	}
	return getsid(pid) != getsid(0) && !is_known(pid);
}

/* ChildAction */
static bool
reap(pid_t pid, bool (*is_known) (pid_t pid))
{
	return !is_orphan(pid, is_known) || waitpid(pid, NULL, WNOHANG) != 0;
}

/* ChildAction */
static bool
kill_and_reap(pid_t pid, bool (*is_known) (pid_t pid))
{
	if (is_orphan(pid, is_known))
		kill(pid, SIGKILL);
	return reap(pid, is_known);
}

/* Call "action" for each child of the backend; true if it returned true for all. */
static bool
each_child(ChildAction action, bool (*is_known) (pid_t pid))
{
	bool		result = true;
	char		list[1024];
	ssize_t		size;
	pid_t		pid = 0;
	int			fd = open((const char *) orphans.path, O_RDONLY | O_CLOEXEC);

	/* Decimal numbers, with a space after each. */
	while (fd >= 0 && (size = read(fd, list, sizeof(list))) > 0)
	{
		for (ssize_t i = 0; i < size; i++)
		{
			if (list[i] != ' ')
				pid = pid * 10 + (list[i] - '0');
			else
			{
				result &= action(pid, is_known);
				pid = 0;
			}
		}
	}
	if (fd >= 0)
		close(fd);
	return result;
}

#endif

/*
 * Have orphans fall to this process from now on, before the first child starts.
 * A child that "is_known" is child.c's.
 */
void
orphans_adopt(bool (*is_known) (pid_t pid))
{
#ifdef __linux__
	if (orphans.adopted)
		return;
	snprintf((char *) orphans.path, sizeof(orphans.path), "/proc/self/task/%d/children",
			 (int) getpid());
	orphans.nstrangers = 0;
	each_child(note_stranger, is_known);
	prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL);
	orphans.adopted = true;
#else
	(void) is_known;
#endif
}

/* Have orphans fall to process 1 again. */
void
orphans_release(void)
{
#ifdef __linux__
	if (!orphans.adopted)
		return;
	prctl(PR_SET_CHILD_SUBREAPER, 0UL, 0UL, 0UL, 0UL);
	orphans.adopted = false;
#endif
}

/*
 * Reap what has fallen to the backend and ended; "end" kills the rest.  True if
 * nothing is left that has fallen to it.
 */
bool
orphans_reap(bool end, bool (*is_known) (pid_t pid))
{
#ifdef __linux__
	if (orphans.adopted)
		return each_child(end ? kill_and_reap : reap, is_known);
#else
	(void) end;
	(void) is_known;
#endif
	return true;
}
