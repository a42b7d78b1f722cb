/* endpoint.h: host names and URLs of AWS's services. */
#ifndef IMAGEBUILDER_ENDPOINT_H
#define IMAGEBUILDER_ENDPOINT_H

typedef struct Endpoint
{
	bool		tls;
	char	   *host;			/* as in the header Host: with the port, unless it is the
								 * scheme's default */
	char	   *base_path;		/* as on the request line, without a slash at its end; may
								 * be empty */
} Endpoint;

extern const char *endpoint_partition(const char *region);
extern const char *endpoint_first_region(const char *partition);
extern void endpoint_resolve(Endpoint *endpoint, const char *service,
							 const char *partition, const char *region,
							 bool use_fips, bool use_dualstack);
extern bool endpoint_parse_url(Endpoint *endpoint, const char *url,
							   const char **error);
extern const char *endpoint_proxy_problem(const char *url);
extern char *endpoint_url(const Endpoint *endpoint, const char *path,
						  const char *query);

#endif							/* IMAGEBUILDER_ENDPOINT_H */
