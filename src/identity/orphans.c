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
 * Out of reach are a process that the system's user may not kill, such as one that
 * runs as another user, and all that it has started; and any orphan if a backend ends
 * without its exit callbacks, since process 1 has it then.
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

#include "identity/fetch.h"

#ifdef __linux__

/* Upper bound of other code's children; others in sessions of their own seem orphans. */
#define MAX_OTHER_CHILDREN	64

/* Results of a ChildAction for an orphan; each_child() combines them. */
#define ORPHAN_LIVES	1
#define ORPHAN_REAPED	2

static volatile struct
{
	bool		adopted;		/* this process adopts orphans */
	char		path[64];		/* lists the children of the main thread, which gets the
								 * orphans */
	pid_t		other_children[MAX_OTHER_CHILDREN]; /* other code's children */
	int			nother_children;
}			orphans;

/* Function called for a child of the backend; returns what was found, or 0. */
typedef int (*ChildAction) (pid_t pid, bool end);

/*
 * Note a child that other code has started, and that may begin a session of its own
 * later if it has not done so yet (a ChildAction).
 */
static int
note_other_child(pid_t pid, bool end)
{
	if (!child_is_known(pid) && orphans.nother_children < MAX_OTHER_CHILDREN)
		orphans.other_children[orphans.nother_children++] = pid;
	return 0;
}

static bool
is_orphan(pid_t pid)
{
	for (int i = 0; i < orphans.nother_children; i++)
	{
		if (orphans.other_children[i] == pid)
			return false;
	}
	return getsid(pid) != getsid(0) && !child_is_known(pid);
}

/* Kill a child, if "end", and reap it, if it is an orphan (a ChildAction). */
static int
reap(pid_t pid, bool end)
{
	pid_t		reaped;

	if (!is_orphan(pid))
		return 0;
	if (end)
		kill(pid, SIGKILL);
	reaped = waitpid(pid, NULL, WNOHANG);
	return reaped == 0 ? ORPHAN_LIVES : reaped > 0 ? ORPHAN_REAPED : 0;
}

/* Call "action" for each child of the backend; return all that was found. */
static int
each_child(ChildAction action, bool end)
{
	int			found = 0;
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
				found |= action(pid, end);
				pid = 0;
			}
		}
	}
	if (fd >= 0)
		close(fd);
	return found;
}

#endif

/* Have this process adopt orphans; call this before the first child starts. */
void
orphans_adopt(void)
{
#ifdef __linux__
	if (orphans.adopted)
		return;
	snprintf((char *) orphans.path, sizeof(orphans.path), "/proc/self/task/%d/children",
			 (int) getpid());
	orphans.nother_children = 0;
	each_child(note_other_child, false);
	prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL);
	orphans.adopted = true;
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
orphans_reap(bool end)
{
#ifdef __linux__
	int			found;

	/*
	 * An orphan may have ended after the children were listed, and have left children of
	 * its own, which are the backend's now.  So look again after reaping any.
	 */
	do
		found = orphans.adopted ? each_child(reap, end) : 0;
	while (found & ORPHAN_REAPED);
	return !(found & ORPHAN_LIVES);
#else
	return true;
#endif
}
