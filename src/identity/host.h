/* host.h: the environment variables and files of the server's host. */
#ifndef IMAGEBUILDER_HOST_H
#define IMAGEBUILDER_HOST_H

extern const char *host_variable(const char *name);
extern char *host_read_file(const char *path, const char **problem);
extern char *host_expand_name(const char *name);
extern char *host_home_file(const char *name);

#endif							/* IMAGEBUILDER_HOST_H */
