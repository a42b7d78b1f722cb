/* issued.h: temporary credentials as STS, IMDS, containers and programs issue them. */
#ifndef IMAGEBUILDER_ISSUED_H
#define IMAGEBUILDER_ISSUED_H

#include "aws/error.h"
#include "aws/sigv4.h"

typedef struct IssuedCredentials
{
	AwsCredentials credentials;
	int64		expires;		/* Unix time in s; ISSUED_FOR_GOOD: never */
} IssuedCredentials;

#define ISSUED_FOR_GOOD		PG_INT64_MAX

extern bool issued_parse_time(const char *text, int64 *time);
extern bool issued_is_sendable(const AwsCredentials *credentials);
extern const char *issued_parse(IssuedCredentials *issued, const char *body,
								size_t length);
extern const char *issued_parse_process(IssuedCredentials *issued, const char *output,
										size_t length);
extern const char *issued_parse_sts(IssuedCredentials *issued, const char *body,
									size_t length);
extern char *issued_parse_account(const char *body, size_t length);
extern void issued_parse_sts_error(AwsError *error, int status, const char *body,
								   size_t length);

#endif							/* IMAGEBUILDER_ISSUED_H */
