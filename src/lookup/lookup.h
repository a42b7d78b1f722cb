/*-------------------------------------------------------------------------
 *
 * lookup.h
 *		Looking images up at EC2 Image Builder.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/lookup/lookup.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGEBUILDER_LOOKUP_H
#define IMAGEBUILDER_LOOKUP_H

#include "aws/endpoint.h"
#include "aws/sigv4.h"
#include "lookup/pace.h"
#include "lookup/retry.h"
#include "lookup/stats.h"
#include "rows/document.h"

/* What a server's and a user mapping's options say, defaults filled in. */
typedef struct ClientConfig
{
	char	   *region;			/* NULL: none */
	char	   *endpoint_url;	/* NULL: AWS's */
	bool		use_fips_endpoint;
	bool		use_dualstack_endpoint;
	char	   *ca_bundle;		/* NULL: the system's */
	int			connect_timeout;	/* ms */
	int			request_timeout;	/* ms */
	int			max_attempts;
	int			max_concurrency;
	int			max_response_size;	/* bytes */
	int			cache_ttl;		/* ms; 0: nothing is kept */
	int			cache_size;		/* bytes */
	char	   *on_error;		/* "error" or "warning" */
	AwsCredentials credentials; /* members are NULL where not set */
} ClientConfig;

/* A server as one user reaches it, within one statement. */
typedef struct Client
{
	Oid			serverid;
	Oid			userid;
	MemoryContext context;		/* as long-lived as the statement */
	ClientConfig config;
	RetryBudget *budget;		/* the statement's */
	int		   *in_flight;		/* requests under way to the server, the
								 * session's other statements' included */
	Pace		pace;			/* how many may be */
	int			nscans;			/* of the statement that use this client */
	struct HTAB *lookups;		/* by ARN */
} Client;

/* An image asked for, within one statement. */
typedef struct Lookup Lookup;

extern int *lookup_in_flight(Oid serverid);
extern bool lookup_is_arn(const char *arn);
extern bool lookup_check_arn(const Client *client, const char *arn);
extern Lookup *lookup_create(Client *client, const char *arn);
extern bool lookup_is_settled(const Lookup *lookup);
extern void lookup_wait(long timeout);
extern const Document *lookup_finish(Lookup *lookup);
extern const LookupStats *lookup_stats(const Lookup *lookup);
extern void lookup_free(Lookup *lookup);

#endif							/* IMAGEBUILDER_LOOKUP_H */
