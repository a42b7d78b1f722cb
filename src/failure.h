/* failure.h: why a look-up failed, in PostgreSQL's terms. */
#ifndef IMAGEBUILDER_FAILURE_H
#define IMAGEBUILDER_FAILURE_H

#include "api/schema.h"
#include "aws/error.h"
#include "http/http.h"

typedef struct Failure
{
	int			sqlstate;
	const char *cause;			/* a clause, for the primary message */
	const char *detail;			/* sentences; NULL: no DETAIL */
	const char *hint;			/* a sentence; NULL: no HINT */
	bool		fails_all;		/* nothing else can be requested either: the credential
								 * source failed, or the statement may send no more */
} Failure;

extern Failure *failure_create(int sqlstate, const char *cause,
							   const char *detail, const char *hint);
extern Failure *failure_copy(const Failure *failure);
extern Failure *failure_of_transfer(const HttpTransfer *transfer,
									const char *host, int attempts, const char *answer,
									const char *region, const char *option);
extern Failure *failure_of_aws_error(const AwsError *error, const Operation *operation,
									 const HttpTransfer *transfer, int attempts);
extern Failure *failure_of_answer(const HttpTransfer *transfer, const char *answer,
								  const char *detail);
extern void failure_report(const Failure *failure, const char *action, int level);

#endif							/* IMAGEBUILDER_FAILURE_H */
