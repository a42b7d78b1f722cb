/* request.h: a request to EC2 Image Builder: an operation, and values for its parameters. */
#ifndef IMAGEBUILDER_REQUEST_H
#define IMAGEBUILDER_REQUEST_H

#include "api/schema.h"
#include "rows/document.h"

/* Where a request goes, and as whose account. */
typedef struct Target
{
	const char *partition;
	const char *region;
	const char *account;		/* account that "{account}" in role_arn stands for; "" if
								 * none is known */
} Target;

/* Request in one block of memory; equal texts mean equal requests. */
typedef struct Request
{
	const Operation *operation;
	const Target *scope;		/* of TARGET_SCOPE; not in the block */
	int			page;			/* of the list, from 1 */
	const char *values[MAX_PARAMETERS]; /* in the database's encoding */
	const char *token;			/* the previous page's nextToken, a JSON string as
								 * received; NULL for the first page */
	char		text[FLEXIBLE_ARRAY_MEMBER];	/* OPERATION;REGION/ACCOUNT;
												 * nextToken=LENGTH:TOKEN;
												 * MEMBER=LENGTH:VALUE;..., each part
												 * where there is one */
} Request;

extern Request *request_create(const Operation *operation, const Target *scope,
							   const char *const *values);
extern Request *request_copy(const Request *request);
extern Request *request_next(const Request *request, const Document *document, int level);
extern Target request_target(const Request *request);
extern bool request_fits(const Operation *operation, int parameter, const char *value);
extern bool request_check(const Operation *operation, int parameter, const char *value,
						  const char *detail, int level);
extern char *request_subject(const Request *request);
extern char *request_action(const Request *request);

#endif							/* IMAGEBUILDER_REQUEST_H */
