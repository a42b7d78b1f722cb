/* config.h: the values of a server's and a user mapping's options. */
#ifndef IMAGEBUILDER_CONFIG_H
#define IMAGEBUILDER_CONFIG_H

#include "aws/endpoint.h"
#include "aws/sigv4.h"
#include "lib/ilist.h"
#include "nodes/pg_list.h"

/* Values of "on_error", in the order of option.c's on_error_words. */
typedef enum OnError
{
	ON_ERROR_ERROR,
	ON_ERROR_WARNING,
} OnError;

/*
 * Values of "credential_provider", in the order of option.c's provider_words; those
 * after PROVIDER_DEFAULT in the order in which that asks them.
 */
typedef enum CredentialProvider
{
	PROVIDER_STATIC,			/* the credentials of the configuration */
	PROVIDER_DEFAULT,
	PROVIDER_ENVIRONMENT,
	PROVIDER_PROFILE,
	PROVIDER_WEB_IDENTITY,
	PROVIDER_CONTAINER,
	PROVIDER_INSTANCE,
} CredentialProvider;

/* Values of the options for one user, with defaults; strings are NULL where not set. */
typedef struct ClientConfig
{
	Oid			serverid;
	Oid			userid;
	uint64		epoch;			/* config_epoch() before the options were read */
	dlist_node	node;			/* in the list of configurations */
	MemoryContext context;		/* holds the configuration, and wipes its secrets */
	int			references;		/* memory contexts that use the configuration */
	bool		lent;			/* the server's option lends the host's AWS identity */
	int		   *in_flight;		/* requests under way to the server, of the session, so of
								 * nested statements (cursors, functions) together */

	char	   *region;
	Endpoint	endpoint;		/* host NULL: AWS's own */
	Endpoint	sts_endpoint;	/* host NULL: AWS's own */
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
	OnError		on_error;
	CredentialProvider credential_provider;
	AwsCredentials credentials;
	char	   *profile;
	char	   *role_arn;		/* may hold CONFIG_ACCOUNT */
	char	   *external_id;
	char	   *role_session_name;
	int			role_duration;	/* ms; 0: the service's default */
} ClientConfig;

/* Placeholder in role_arn for the account of the image that is looked up. */
#define CONFIG_ACCOUNT		"{account}"

extern void config_init(void);
extern uint64 config_epoch(void);
extern const ClientConfig *config_get(Oid serverid, Oid userid);
extern void config_hold(const ClientConfig *config);

extern const char *option_get(List *options, const char *name);

/* Function of option.c. */
extern void option_apply(ClientConfig *config, List *list, Oid catalog);

#endif							/* IMAGEBUILDER_CONFIG_H */
