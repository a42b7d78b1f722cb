/* signed.h: signed requests to AWS's services. */
#ifndef IMAGEBUILDER_SIGNED_H
#define IMAGEBUILDER_SIGNED_H

#include "config/config.h"
#include "http/http.h"

typedef struct SignedRequest
{
	const char *service;		/* as in signatures */
	const char *region;
	const Endpoint *endpoint;
	const char *path;			/* below the endpoint's base path: "/GetImage", say */
	const NameValue *query;
	int			nquery;
	const char *body;			/* of a POST, must live as long as the transfer; NULL:
								 * GET */
	const char *content_type;	/* of the body */
	size_t		max_body;		/* of the answer, in bytes */
	bool		secret;			/* the answer is secret: wipe it when it is freed */
	bool		fresh;			/* use no kept connection */
	List	   *secrets;		/* of the body, as in HttpRequest */
} SignedRequest;

/* Value of the header User-Agent. */
#define USER_AGENT \
	"imagebuilder_fdw/" IMAGEBUILDER_FDW_VERSION " PostgreSQL/" PG_VERSION

extern HttpTransfer *signed_send(const SignedRequest *request, const ClientConfig *config,
								 const AwsCredentials *credentials);
extern int64 signed_clock_offset(const char *host);
extern bool signed_correct_clock(const char *host, const HttpTransfer *transfer, int64 offset);

#endif							/* IMAGEBUILDER_SIGNED_H */
