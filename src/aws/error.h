/* error.h: errors as AWS's services report them. */
#ifndef IMAGEBUILDER_AWS_ERROR_H
#define IMAGEBUILDER_AWS_ERROR_H

/* What an error means for the request that met it. */
typedef enum AwsErrorClass
{
	AWS_ERROR_OTHER,
	AWS_ERROR_NOT_FOUND,		/* there is no such resource */
	AWS_ERROR_TRANSIENT,		/* worth another attempt */
	AWS_ERROR_SERVER,			/* the service's own fault, but for good */
	AWS_ERROR_THROTTLING,		/* worth another attempt, later */
	AWS_ERROR_AUTHENTICATION,	/* key, token or signature rejected */
	AWS_ERROR_EXPIRED_TOKEN,	/* temporary credentials are no longer good */
	AWS_ERROR_CLOCK,			/* the same, and perhaps for the clock's sake */
	AWS_ERROR_FORBIDDEN,		/* known, but not allowed */
	AWS_ERROR_UNKNOWN_KEY,		/* there is no such key where it was sent */
} AwsErrorClass;

typedef struct AwsError
{
	AwsErrorClass class;
	char	   *code;			/* without namespace; NULL if there is none */
	char	   *message;		/* as received, in UTF-8 if the service keeps to
								 * it; NULL if there is none */
} AwsError;

extern void aws_error_parse(AwsError *error, int status, const char *type_header,
							const char *body, size_t length);

#endif							/* IMAGEBUILDER_AWS_ERROR_H */
