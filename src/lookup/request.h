/* request.h: a request to EC2 Image Builder: an operation, and the ARN that it takes. */
#ifndef IMAGEBUILDER_REQUEST_H
#define IMAGEBUILDER_REQUEST_H

#include "api/operation.h"
#include "identity/signed.h"

/* Name of the service in host names and signatures. */
#define REQUEST_SERVICE		"imagebuilder"

/* Request in one block of memory; equal texts mean equal requests. */
typedef struct Request
{
	const Operation *operation;
	const char *arn;			/* in the database's encoding; points into text */
	char		text[FLEXIBLE_ARRAY_MEMBER];	/* OPERATION;;PARAMETER=LENGTH:ARN */
} Request;

extern Request *request_create(const Operation *operation, const char *arn);
extern Request *request_copy(const Request *request);
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
