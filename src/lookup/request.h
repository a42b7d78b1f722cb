/* request.h: what is asked of EC2 Image Builder: an operation, and the ARN that it takes. */
#ifndef IMAGEBUILDER_REQUEST_H
#define IMAGEBUILDER_REQUEST_H

#include "api/operation.h"
#include "identity/signed.h"

/* The service's name in host names and signatures. */
#define REQUEST_SERVICE		"imagebuilder"

/* One block of memory: two requests ask the same if their texts are equal. */
typedef struct Request
{
	const Operation *operation;
	const char *arn;			/* as asked for, in the database's encoding: the end of text */
	char		text[FLEXIBLE_ARRAY_MEMBER];	/* "GetImage;;imageBuildVersionArn=47:arn:…" */
} Request;

extern Request *request_create(const Operation *operation, const char *arn);
extern Request *request_copy(const Request *request);
extern bool request_fits(const Operation *operation, const char *arn);
extern bool request_check(const Operation *operation, const char *arn, int level);
extern char *request_subject(const Request *request);
extern HttpTransfer *request_send(const Request *request, const ClientConfig *config,
								  const AwsCredentials *credentials,
								  const Endpoint *endpoint, const char *region, bool fresh,
								  const char *secrets[SIGNED_MAX_SECRETS + 1]);

#endif							/* IMAGEBUILDER_REQUEST_H */
