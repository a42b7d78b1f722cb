/* signed.h: requests to AWS's services, signed. */
#ifndef IMAGEBUILDER_SIGNED_H
#define IMAGEBUILDER_SIGNED_H

#include "aws/endpoint.h"
#include "config.h"
#include "http/http.h"

typedef struct SignedRequest
{
	const char *service;		/* as signatures name it */
	const char *region;
	const Endpoint *endpoint;
	const char *path;			/* below the endpoint's, "/GetImage" say */
	const NameValue *query;
	int			nquery;
	const char *form;			/* what is posted, if anything; kept as long as
								 * the transfer */
	size_t		max_body;		/* bytes of the answer */
	bool		secret;			/* the answer is */
	bool		fresh;			/* use no kept connection */
} SignedRequest;

/* The key, the token, and the signature in two forms. */
#define SIGNED_MAX_SECRETS	4

/* Who asks. */
#define USER_AGENT \
	"imagebuilder_fdw/" IMAGEBUILDER_FDW_VERSION " PostgreSQL/" PG_VERSION

extern void signed_set_client(HttpRequest *http, const ClientConfig *config);
extern HttpTransfer *signed_send(const SignedRequest *request, const ClientConfig *config,
								 const AwsCredentials *credentials,
								 const char *secrets[SIGNED_MAX_SECRETS + 1]);
extern int64 signed_clock_offset(const char *host);
extern bool signed_correct_clock(const char *host, const HttpTransfer *transfer, int64 offset);

#endif							/* IMAGEBUILDER_SIGNED_H */
