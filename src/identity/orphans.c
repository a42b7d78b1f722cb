/*
 * orphans.c: processes that fall to the backend when what has started them ends.
 *
 * On Linux, as long as there is a process that a program of child.c has started,
 * orphans fall to the backend, not to process 1.  In a container that is often
 * the postmaster, which, up to PostgreSQL 17, takes an orphan that was killed for
 * a backend that has crashed, and restarts all of them.
 *
 * The backend may have other children, those of COPY … PROGRAM or PL/Python, say,
 * whose status others wait for.  They are in the backend's session, child.c's
 * are not: by that they are told apart.  What another extension has started in a
 * session of its own is taken for an orphan, but only while there is a process of
 * child.c's.
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

static volatile struct
{
	bool		adopted;		/* orphans fall to this process */
	char		path[64];		/* lists the children of the main thread, to which they fall */
}			orphans;

/* Reap a child of the backend that has fallen to it; false if it has not ended. */
static bool
reap(pid_t pid, bool end, bool (*is_known) (pid_t pid))
{
	if (getsid(pid) == getsid(0) || is_known(pid))
		return true;			/* not an orphan */
	if (end)
		kill(pid, SIGKILL);
	return waitpid(pid, NULL, WNOHANG) != 0;
}

#endif

/* Whether orphans are to fall to this process from now on. */
void
orphans_adopt(bool adopt)
{
#ifdef __linux__
	if (adopt == orphans.adopted)
		return;
	if (adopt)
		snprintf((char *) orphans.path, sizeof(orphans.path), "/proc/self/task/%d/children",
				 (int) getpid());
	prctl(PR_SET_CHILD_SUBREAPER, (unsigned long) adopt, 0UL, 0UL, 0UL);
	orphans.adopted = adopt;
#else
	(void) adopt;
#endif
}

/*
 * Reap what has fallen to the backend and ended; "end" kills the rest.  A child
 * that "is_known" is left alone.  True if nothing is left that has fallen to it.
 */
bool
orphans_reap(bool end, bool (*is_known) (pid_t pid))
{
	bool		none = true;
#ifdef __linux__
	char		list[1024];
	ssize_t		size;
	pid_t		pid = 0;
	int			fd;

	if (!orphans.adopted)
		return true;
	/* Decimal numbers, with a space after each. */
	fd = open((const char *) orphans.path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (size = read(fd, list, sizeof(list))) > 0)
	{
		for (ssize_t i = 0; i < size; i++)
		{
			if (list[i] != ' ')
				pid = pid * 10 + (list[i] - '0');
			else
			{
				none &= reap(pid, end, is_known);
				pid = 0;
			}
		}
	}
	if (fd >= 0)
		close(fd);
#else
	(void) end;
	(void) is_known;
#endif
	return none;
}
