/*
 * descriptors.c: the file descriptors that this process has open.
 *
 * Nothing here but system calls: a child calls it between fork() and exec, where
 * another thread of the parent's may have held the lock of malloc().
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "descriptors.h"

#ifdef SYS_getdents64

/* What the kernel writes for each name in a directory; see getdents64(2). */
typedef struct Entry
{
	uint64		inode;
	int64		offset;
	unsigned short size;		/* of this entry, in bytes */
	unsigned char type;
	char		name[FLEXIBLE_ARRAY_MEMBER];
} Entry;

/* The number that a name is; -1 if the name is "." or "..". */
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
 * Call "action" for each open descriptor; it may close that one.  False if the
 * list, /proc/self/fd, cannot be read, or not to its end.
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
