/*
 * descriptors.c: the file descriptors that this process has open.
 *
 * A child calls this code between fork() and exec, when another thread of the parent
 * may have held malloc()'s lock at the fork: use system calls only.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "descriptors.h"

#ifdef SYS_getdents64

/* Directory entry as the kernel writes it; see getdents64(2). */
typedef struct Entry
{
	uint64		inode;
	int64		offset;
	unsigned short size;		/* of this entry, in bytes */
	unsigned char type;
	char		name[FLEXIBLE_ARRAY_MEMBER];
} Entry;

/* Return a directory entry's name as a number; -1 if the name is "." or "..". */
static int
number_of(const char *name)
{
	int			number = 0;

	for (; *name >= '0' && *name <= '9'; name++)
		number = number * 10 + (*name - '0');
	return *name == '\0' ? number : -1;
}

#endif

/*
 * Call "action" for each open descriptor, which "action" may close.  Return false if
 * /proc/self/fd cannot be read to its end.
 */
bool
descriptors_each(DescriptorAction action, void *arg)
{
#ifdef SYS_getdents64
	union
	{
		uint64		aligned;
		char		bytes[4096];
	}			buffer;
	long		size;
	int			directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return false;
	while ((size = syscall(SYS_getdents64, directory, buffer.bytes, sizeof(buffer))) > 0)
	{
		for (long at = 0; at < size;)
		{
			const Entry *entry = (const Entry *) (buffer.bytes + at);
			int			fd = number_of(entry->name);

			if (fd >= 0 && fd != directory)
				action(fd, arg);
			at += entry->size;
		}
	}
	close(directory);
	return size == 0;
#else
	(void) action;
	(void) arg;
	return false;
#endif
}
