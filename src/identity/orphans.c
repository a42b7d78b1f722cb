/*
 * orphans.c: processes that become the backend's children when their parent ends.
 *
 * On Linux, as long as a process lives that a program of child.c has started, the
 * kernel gives orphans among the backend's descendants to the backend, not to process
 * 1.  In a container process 1 is often the postmaster, which, up to PostgreSQL 17,
 * takes a killed orphan for a crashed backend, and restarts all backends.
 *
 * The backend may have other children, such as those of COPY FROM PROGRAM or
 * PL/Python, whose status other code waits for: they are in the backend's session, or
 * were there before the backend adopted orphans.  A process that another extension
 * starts in a session of its own while a process of child.c lives is taken for an
 * orphan.
 *
 * A signal handler may call any function in this file.
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

/* Upper bound of strangers; further ones are taken for orphans. */
#define MAX_STRANGERS	64

static volatile struct
{
	bool		adopted;		/* this process adopts orphans */
	char		path[64];		/* lists the children of the main thread, which gets the
								 * orphans */
	pid_t		strangers[MAX_STRANGERS];	/* other code's children in sessions of their
											 * own */
	int			nstrangers;
}			orphans;

/* Called for a child of the backend; false if the child is an orphan that lives. */
typedef bool (*ChildAction) (pid_t pid, bool (*is_known) (pid_t pid));

/* Note a child that other code has started (a ChildAction). */
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

/* Reap a child if it is an orphan that has ended (a ChildAction). */
static bool
reap(pid_t pid, bool (*is_known) (pid_t pid))
{
	return !is_orphan(pid, is_known) || waitpid(pid, NULL, WNOHANG) != 0;
}

/* Kill and reap a child if it is an orphan (a ChildAction). */
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

	/* The file holds decimal numbers, with a space after each. */
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
 * Have this process adopt orphans from now on; call this before the first child
 * starts.  "is_known" tells whether a process is a child of child.c.
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

/* Have process 1 adopt orphans again. */
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

/* Reap ended orphans, and kill the others if "end".  True if no orphan is left. */
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
