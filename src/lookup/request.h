/* request.h: a request to EC2 Image Builder: an operation, and the ARN that it takes. */
#ifndef IMAGEBUILDER_REQUEST_H
#define IMAGEBUILDER_REQUEST_H

#include "api/operation.h"
#include "identity/signed.h"
#include "rows/document.h"

/* Name of the service in host names and signatures. */
#define REQUEST_SERVICE		"imagebuilder"

/* Request in one block of memory; equal texts mean equal requests. */
typedef struct Request
{
	const Operation *operation;
	int			page;			/* of the list, from 1 */
	const char *arn;			/* in the database's encoding; points into text */
	const char *token;			/* the previous page's nextToken, a JSON string as
								 * received; points into text, without a NUL */
	size_t		token_length;	/* in bytes; 0 for the first page */
	char		text[FLEXIBLE_ARRAY_MEMBER];	/* OPERATION;;nextToken=LENGTH:TOKEN;
												 * PARAMETER=LENGTH:ARN, without the
												 * token's part for the first page */
} Request;

extern Request *request_create(const Operation *operation, const char *arn);
extern Request *request_copy(const Request *request);
extern Request *request_next(const Request *request, const Document *document, int level);
extern bool request_fits(const Operation *operation, const char *arn);
extern bool request_check(const Operation *operation, const char *arn, int level);
extern bool request_is_arn(const char *text);
extern void request_warn_of_kind(const Operation *operation, const char *arn);
extern char *request_subject(const Request *request);
extern HttpTransfer *request_send(const Request *request, const ClientConfig *config,
								  const AwsCredentials *credentials,
								  const Endpoint *endpoint, const char *region, bool fresh,
								  const char *secrets[SIGNED_MAX_SECRETS + 1]);

#endif							/* IMAGEBUILDER_REQUEST_H */
