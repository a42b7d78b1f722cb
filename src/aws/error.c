/* error.c: error answers of AWS's services. */
#include "aws/base.h"

#include "aws/error.h"
#include "aws/json.h"

/*
 * Classes of error codes: those of botocore's retry handlers and of the AWS APIs'
 * common errors.  The code comes before the HTTP status, except for 429; a code that
 * is missing here goes by the status.  The list holds more than GetImage's documented
 * errors, since GetImage returns others, too.
 */
static const struct
{
	const char *code;
	AwsErrorClass class;
}			error_codes[] = {
	{"ResourceNotFoundException", AWS_ERROR_NOT_FOUND},
	{"InvalidRequestException", AWS_ERROR_REQUEST},
	{"InvalidPaginationTokenException", AWS_ERROR_TOKEN},

	{"RequestTimeout", AWS_ERROR_TRANSIENT},
	{"RequestTimeoutException", AWS_ERROR_TRANSIENT},
	{"PriorRequestNotComplete", AWS_ERROR_TRANSIENT},
	{"IDPCommunicationError", AWS_ERROR_TRANSIENT},

	{"Throttling", AWS_ERROR_THROTTLING},
	{"ThrottlingException", AWS_ERROR_THROTTLING},
	{"ThrottledException", AWS_ERROR_THROTTLING},
	{"RequestThrottled", AWS_ERROR_THROTTLING},
	{"RequestThrottledException", AWS_ERROR_THROTTLING},
	{"TooManyRequestsException", AWS_ERROR_THROTTLING},
	{"ProvisionedThroughputExceededException", AWS_ERROR_THROTTLING},
	{"RequestLimitExceeded", AWS_ERROR_THROTTLING},
	{"BandwidthLimitExceeded", AWS_ERROR_THROTTLING},
	{"LimitExceededException", AWS_ERROR_THROTTLING},
	{"SlowDown", AWS_ERROR_THROTTLING},
	{"TransactionInProgressException", AWS_ERROR_THROTTLING},
	{"EC2ThrottledException", AWS_ERROR_THROTTLING},
	{"CallRateLimitExceededException", AWS_ERROR_THROTTLING},

	{"RequestTimeTooSkewed", AWS_ERROR_CLOCK},
	{"RequestExpired", AWS_ERROR_CLOCK},
	{"RequestInTheFuture", AWS_ERROR_CLOCK},
	{"InvalidSignatureException", AWS_ERROR_CLOCK},
	{"SignatureDoesNotMatch", AWS_ERROR_CLOCK},
	{"AuthFailure", AWS_ERROR_CLOCK},

	{"UnrecognizedClientException", AWS_ERROR_UNKNOWN_KEY},
	{"InvalidClientTokenId", AWS_ERROR_UNKNOWN_KEY},
	{"IncompleteSignature", AWS_ERROR_AUTHENTICATION},
	{"IncompleteSignatureException", AWS_ERROR_AUTHENTICATION},
	{"MissingAuthenticationToken", AWS_ERROR_AUTHENTICATION},
	{"MissingAuthenticationTokenException", AWS_ERROR_AUTHENTICATION},
	{"ExpiredToken", AWS_ERROR_EXPIRED_TOKEN},
	{"ExpiredTokenException", AWS_ERROR_EXPIRED_TOKEN},

	{"ForbiddenException", AWS_ERROR_FORBIDDEN},
	{"AccessDenied", AWS_ERROR_FORBIDDEN},
	{"AccessDeniedException", AWS_ERROR_FORBIDDEN},
	{"UnauthorizedOperation", AWS_ERROR_FORBIDDEN},
};

static AwsErrorClass
classify(const char *code, int status)
{
	if (status == 429)
		return AWS_ERROR_THROTTLING;
	for (size_t i = 0; code && i < lengthof(error_codes); i++)
	{
		if (strcmp(error_codes[i].code, code) == 0)
			return error_codes[i].class;
	}
	switch (status)
	{
		case 500:
		case 502:
		case 503:
		case 504:
			return AWS_ERROR_TRANSIENT;
		case 401:
			return AWS_ERROR_AUTHENTICATION;
		case 403:
			return AWS_ERROR_FORBIDDEN;
		default:
			return status >= 500 ? AWS_ERROR_SERVER : AWS_ERROR_OTHER;
	}
}

/* Return the code in an error type such as "com.amazonaws#Code:http://example.com/". */
static char *
bare_code(const char *text)
{
	char	   *code = pnstrdup(text, strcspn(text, ":"));
	char	   *hash = strrchr(code, '#');

	if (hash)
		code = hash + 1;
	return *code ? code : NULL;
}

/* Return the string of the first of some members that has one; NULL if none has. */
static char *
first_string(json_object *object, const char *const *pointers)
{
	char	   *text = NULL;

	for (; text == NULL && *pointers; pointers++)
		text = json_string_at(object, *pointers);
	return text;
}

/*
 * Parse a REST-JSON service's answer with an error status.
 *
 * The code is the header x-amzn-ErrorType's, else the body's; the message is the
 * body's, or the body itself where the body is not JSON, as in the Smithy
 * specification of aws.protocols#restJson1.  Allocated in the current memory context.
 * "length" is below 2 GB.
 */
void
aws_error_parse(AwsError *error, int status, const char *type_header,
				const char *body, size_t length)
{
	static const char *const codes[] = {"/code", "/Code", "/__type", NULL};
	static const char *const messages[] = {"/message", "/Message", NULL};
	json_object *object = json_parse_object(body, length);
	const char *code;

	memset(error, 0, sizeof(AwsError));
	if (type_header)
		error->code = bare_code(type_header);
	/* U+0001 may stand for U+0000 (json_string_at()): no code has it, a message ends there. */
	if (!error->code && (code = first_string(object, codes)) && !strchr(code, '\x01'))
		error->code = bare_code(code);
	error->message = first_string(object, messages);
	if (error->message)
		error->message[strcspn(error->message, "\x01")] = '\0';
	else if (object == NULL && length > 0)
		error->message = pnstrdup(body, length);
	json_release(object);
	error->class = classify(error->code, status);
}
