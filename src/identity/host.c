/* host.c: the environment variables and files of the server's host. */
#include "postgres.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "identity/host.h"
#include "lib/stringinfo.h"
#include "secret.h"
#include "storage/fd.h"

/* Upper bound of a file with credentials, in bytes. */
#define MAX_FILE		(1024 * 1024)

/* Return a variable of the server process's environment; NULL if unset or empty. */
const char *
host_variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* Return the path of a file in the home directory of the server's system user. */
char *
host_home_file(const char *name)
{
	const char *home = host_variable("HOME");

	if (home == NULL)
	{
		struct passwd *user = getpwuid(geteuid());

		home = user ? user->pw_dir : "";
	}
	return psprintf("%s/%s", home, name);
}

/*
 * Return a file's name with $NAME, ${NAME} and a leading ~ replaced, as botocore does
 * with Python's expandvars() and expanduser(); a variable that is not set stays as
 * written.
 */
char *
host_expand_name(const char *name)
{
	StringInfoData out;

	initStringInfo(&out);
	for (const char *p = name; *p; p++)
	{
		bool		braces = p[0] == '$' && p[1] == '{';
		const char *start = p + (braces ? 2 : 1);
		size_t		length = strspn(start, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
		const char *value = *p == '$' && length > 0 && (!braces || start[length] == '}') ?
			getenv(pnstrdup(start, length)) : NULL;

		if (value == NULL)
			appendStringInfoChar(&out, *p);
		else
		{
			appendStringInfoString(&out, value);
			p = start + length - (braces ? 0 : 1);
		}
	}
	return strncmp(out.data, "~/", 2) == 0 ? host_home_file(out.data + 2) : out.data;
}

/*
 * Return the text of a regular file, in the current memory context, which wipes it;
 * NULL if the file cannot be read, with *problem set (a clause), or *problem NULL if
 * the file does not exist.
 */
char *
host_read_file(const char *path, const char **problem)
{
	struct stat status;
	char	   *text = NULL;
	ssize_t		length;
	int			fd = OpenTransientFile(path, O_RDONLY | O_NONBLOCK);

	*problem = NULL;
	if (fd < 0)
	{
		if (errno != ENOENT && errno != ENOTDIR)
			*problem = psprintf("could not open file \"%s\": %s", path, strerror(errno));
		return NULL;
	}
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size > MAX_FILE)
		*problem = psprintf("\"%s\" is not a regular file of at most 1 MB", path);
	else
	{
		text = secret_protect(palloc0(status.st_size + 1), status.st_size);
		length = read(fd, text, status.st_size);
		if (length < 0)
			*problem = psprintf("could not read file \"%s\": %s", path, strerror(errno));
		else if (memchr(text, '\0', length))
			*problem = psprintf("file \"%s\" holds a NUL byte", path);
	}
	CloseTransientFile(fd);
	return *problem ? NULL : text;
}
