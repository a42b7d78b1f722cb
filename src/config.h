/* config.h: the values of a server's and a user mapping's options. */
#ifndef IMAGEBUILDER_CONFIG_H
#define IMAGEBUILDER_CONFIG_H

#include "aws/sigv4.h"

/* Values of the options for one user, with defaults; strings are NULL where not set. */
typedef struct ClientConfig
{
	char	   *region;
	char	   *endpoint_url;
	char	   *sts_endpoint_url;
	bool		use_fips_endpoint;
	bool		use_dualstack_endpoint;
	char	   *ca_bundle;		/* NULL: the system's authorities */
	char	   *proxy;			/* a URL, which may hold a password */
	int			connect_timeout;	/* ms */
	int			request_timeout;	/* ms */
	int			max_attempts;
	int			max_concurrency;
	int			max_response_size;	/* bytes */
	int			cache_ttl;		/* ms; 0: no answer is kept */
	int			cache_size;		/* bytes */
	char	   *on_error;		/* "error" or "warning" */
	char	   *credential_provider;	/* "static": the credentials below */
	AwsCredentials credentials;
	char	   *profile;
	char	   *role_arn;		/* may hold CONFIG_ACCOUNT */
	char	   *external_id;
	char	   *role_session_name;
	int			role_duration;	/* ms; 0: the service's default */
} ClientConfig;

/* Placeholder in role_arn for the account of the image that is looked up. */
#define CONFIG_ACCOUNT		"{account}"

#endif							/* IMAGEBUILDER_CONFIG_H */
