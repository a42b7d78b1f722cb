/* error.h: error answers of AWS's services. */
#ifndef IMAGEBUILDER_AWS_ERROR_H
#define IMAGEBUILDER_AWS_ERROR_H

/* Class of an error: how the request that met it can go on. */
typedef enum AwsErrorClass
{
	AWS_ERROR_OTHER,
	AWS_ERROR_NOT_FOUND,		/* the resource does not exist */
	AWS_ERROR_TRANSIENT,		/* worth another attempt */
	AWS_ERROR_SERVER,			/* the service's fault, but another attempt will not
								 * help */
	AWS_ERROR_THROTTLING,		/* worth another attempt, later */
	AWS_ERROR_AUTHENTICATION,	/* key, token or signature rejected */
	AWS_ERROR_EXPIRED_TOKEN,	/* the temporary credentials have expired */
	AWS_ERROR_CLOCK,			/* signature rejected, perhaps because of the clock */
	AWS_ERROR_FORBIDDEN,		/* credentials accepted, but not allowed to do this */
	AWS_ERROR_UNKNOWN_KEY,		/* the Region or the service does not know the key */
	AWS_ERROR_REQUEST,			/* not possible in the resource's state */
	AWS_ERROR_TOKEN,			/* a page of a list is no longer there */
} AwsErrorClass;

typedef struct AwsError
{
	AwsErrorClass class;
	char	   *code;			/* without namespace; NULL if the answer has no code */
	char	   *message;		/* as received, which should be UTF-8; NULL if the answer
								 * has no message */
} AwsError;

extern void aws_error_parse(AwsError *error, int status, const char *type_header,
							const char *body, size_t length);

#endif							/* IMAGEBUILDER_AWS_ERROR_H */
