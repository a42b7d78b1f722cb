/* failure.c: why a look-up failed, in PostgreSQL's terms. */
#include "postgres.h"

#include "aws/arn.h"
#include "failure.h"
#include "foreign_text.h"
#include "lib/stringinfo.h"

/*
 * Words and SQLSTATE for each class of error that the service reports.  A hint is a
 * format: its first argument says for which resource, its second is the operation's
 * name.
 */
static const struct
{
	int			sqlstate;
	const char *cause;
	const char *hint;
}			classes[] = {
	[AWS_ERROR_OTHER] = {ERRCODE_FDW_ERROR, "the service reports an error", NULL},
	[AWS_ERROR_REQUEST] = {ERRCODE_FDW_ERROR, "the service reports an error", NULL},
	[AWS_ERROR_NOT_FOUND] = {ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
		"the list is no longer there", "Run the statement again."},
	[AWS_ERROR_TOKEN] = {ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
		"the page is no longer there",
	"Run the statement again, and take a cursor's rows without long pauses."},
	[AWS_ERROR_TRANSIENT] = {ERRCODE_CONNECTION_FAILURE,
		"the service is unavailable", "Try again later."},
	[AWS_ERROR_SERVER] = {ERRCODE_CONNECTION_FAILURE,
	"the service failed", NULL},
	[AWS_ERROR_THROTTLING] = {ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
		"the service is throttling requests",
	"Ask for fewer ARNs at a time, or raise the server's option \"max_attempts\"."},
	[AWS_ERROR_AUTHENTICATION] = {ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
		"the service rejects the credentials",
	"Check the user mapping's options \"access_key_id\", \"secret_access_key\" and \"session_token\"; temporary credentials may have expired."},
	[AWS_ERROR_UNKNOWN_KEY] = {ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
		"the service rejects the credentials",
	"Check the user mapping's options \"access_key_id\" and \"session_token\", or the source that \"credential_provider\" names; or the Region may not be enabled for the account."},
	[AWS_ERROR_EXPIRED_TOKEN] = {ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
		"the service rejects the credentials",
	"The temporary credentials have expired: get new ones, or let \"credential_provider\" do so."},
	[AWS_ERROR_CLOCK] = {ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
		"the service rejects the request's signature",
	"Check the user mapping's option \"secret_access_key\", and this server's clock."},
	[AWS_ERROR_FORBIDDEN] = {ERRCODE_INSUFFICIENT_PRIVILEGE,
		"the service denies access",
	"The AWS identity needs the permission imagebuilder:%2$s%1$s."},
};

/* Return a failure that refers to the texts passed. */
Failure *
failure_create(int sqlstate, const char *cause, const char *detail, const char *hint)
{
	Failure    *failure = palloc0(sizeof(Failure));

	failure->sqlstate = sqlstate;
	failure->cause = cause;
	failure->detail = detail;
	failure->hint = hint;
	return failure;
}

/* Return a copy in the current memory context. */
Failure *
failure_copy(const Failure *failure)
{
	Failure    *copy = failure_create(failure->sqlstate, pstrdup(failure->cause),
									  failure->detail ? pstrdup(failure->detail) : NULL,
									  failure->hint ? pstrdup(failure->hint) : NULL);

	copy->fails_all = failure->fails_all;
	return copy;
}

/* Return the hint for a transfer that made no connection, or lost it. */
static const char *
connection_hint(const HttpTransfer *transfer, const char *region, const char *option)
{
	switch (transfer->obstacle)
	{
		case HTTP_OBSTACLE_NAME:
			return psprintf("Check the %s, the server's option \"%s\", and that DNS knows the host.",
							region, option);
		case HTTP_OBSTACLE_PORT:
			return psprintf("Check that something listens at that port, the server's option \"%s\", and the network: a VPC endpoint, NAT or proxy.",
							option);
		case HTTP_OBSTACLE_PROXY:
			return "The server's option \"proxy\" names the proxy.";
		case HTTP_OBSTACLE_SILENCE:
			return psprintf("Check the %s, the server's option \"%s\", the network, and that the port speaks TLS.",
							region, option);
		case HTTP_OBSTACLE_PLAIN:
			return psprintf("Check that the port speaks TLS; for one that does not, write http:// or another port in the server's option \"%s\".",
							option);
		case HTTP_OBSTACLE_TLS:
			return psprintf("If the port speaks TLS, write https:// in the server's option \"%s\".",
							option);
		default:
			break;
	}
	switch (transfer->outcome)
	{
		case HTTP_UNTRUSTED:
			return psprintf("The server's option \"ca_bundle\" names the certificate authorities to trust, and \"%s\" the host that the certificate must be for.",
							option);
		case HTTP_CONNECTION_LOST:
			return "The server's options \"request_timeout\" and \"max_attempts\" limit each attempt and their number.";
		default:
			return psprintf("Check the %s, the server's option \"%s\", and the network.",
							region, option);
	}
}

/*
 * Return the failure of a transfer that brought no complete answer in its last
 * attempt; "answer" is the answer expected, with its article.  The hints say where the
 * Region is from, and name the server's option that has the endpoint's URL.
 */
Failure *
failure_of_transfer(const HttpTransfer *transfer, const char *host, int attempts,
					const char *answer, const char *region, const char *option)
{
	char	   *problem = foreign_text(transfer->problem, MAX_FOREIGN_TEXT, NIL);
	char	   *detail = attempts > 1 ?
		psprintf("Host \"%s\": %s (%d attempts).", host, problem, attempts) :
		psprintf("Host \"%s\": %s.", host, problem);

	switch (transfer->outcome)
	{
		case HTTP_NO_CONNECTION:
		case HTTP_UNTRUSTED:
		case HTTP_REFUSED_BY_PROXY:
			return failure_create(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
								  psprintf("could not connect to \"%s\"", host), detail,
								  connection_hint(transfer, region, option));
		case HTTP_CONNECTION_LOST:
			return failure_create(ERRCODE_CONNECTION_FAILURE,
								  psprintf("the connection to \"%s\" failed", host), detail,
								  connection_hint(transfer, region, option));
		case HTTP_TOO_LARGE:
			return failure_create(ERRCODE_PROGRAM_LIMIT_EXCEEDED,
								  "the answer is too large", detail,
								  "The server's option \"max_response_size\" sets the limit.");
		case HTTP_MALFORMED:
			return failure_create(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY,
								  psprintf("the answer is not %s", answer), detail,
								  psprintf("Check the server's option \"%s\".", option));
		case HTTP_NO_MEMORY:
			return failure_create(ERRCODE_OUT_OF_MEMORY, "out of memory", detail, NULL);
		default:
			return failure_create(ERRCODE_FDW_ERROR, "libcurl failed", detail, NULL);
	}
}

/*
 * Return the failure for an error that a service reported in the last attempt.
 * "operation" is the Image Builder operation requested; NULL if another service was
 * asked, for which there is no hint.
 */
Failure *
failure_of_aws_error(const AwsError *error, const Operation *operation,
					 const HttpTransfer *transfer, int attempts)
{
	const char *hint = operation ? classes[error->class].hint : NULL;
	bool		refused = operation && error->class == AWS_ERROR_REQUEST;
	char	   *resource = operation && operation->target == TARGET_ARN ?
		psprintf(" for this %s", arn_kind_noun(operation->parameters[0].kind)) : "";
	char	   *request_id = http_header(transfer, "x-amzn-RequestId");
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfoString(&detail, "AWS error");
	if (error->code)
		appendStringInfo(&detail, " %s",
						 foreign_text(error->code, MAX_FOREIGN_WORD, transfer->secrets));
	if (error->message)
		appendStringInfo(&detail, ": %s",
						 foreign_text(error->message, MAX_FOREIGN_TEXT, transfer->secrets));
	appendStringInfo(&detail, " (HTTP status %d", transfer->status);
	if (request_id)
		appendStringInfo(&detail, ", request ID %s",
						 foreign_text(request_id, MAX_FOREIGN_WORD, transfer->secrets));
	if (attempts > 1)
		appendStringInfo(&detail, ", %d attempts", attempts);
	appendStringInfoString(&detail, ").");
	return failure_create(classes[error->class].sqlstate, classes[error->class].cause,
						  detail.data,
						  refused ? operation->refusal :
						  hint ? psprintf(hint, resource, operation_api(operation)) : NULL);
}

/* Return the failure of an unexpected answer; "detail" says why, in sentences. */
Failure *
failure_of_answer(const HttpTransfer *transfer, const char *answer, const char *detail)
{
	StringInfoData out;
	char	   *type = http_header(transfer, "Content-Type");
	char	   *location = http_header(transfer, "Location");

	initStringInfo(&out);
	appendStringInfo(&out, "%s HTTP status %d", detail, transfer->status);
	if (type)
		appendStringInfo(&out, ", content type \"%s\"",
						 foreign_text(type, MAX_FOREIGN_WORD, transfer->secrets));
	if (location)
		appendStringInfo(&out, ", redirecting to \"%s\"",
						 foreign_text(location, MAX_FOREIGN_TEXT, transfer->secrets));
	appendStringInfoChar(&out, '.');
	return failure_create(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY,
						  psprintf("the answer is not %s", answer), out.data,
						  "Check the server's option \"endpoint_url\".");
}

/* Report a failure at an elog level; "action" is what request_action() returns. */
void
failure_report(const Failure *failure, const char *action, int level)
{
	ereport(level,
			(errcode(failure->sqlstate),
			 errmsg("could not %s: %s", action,
					local_text(failure->cause, MAX_FOREIGN_TEXT)),
			 failure->detail ?
			 errdetail("%s", local_text(failure->detail, 2 * MAX_FOREIGN_TEXT)) : 0,
			 failure->hint ? errhint("%s", failure->hint) : 0));
}
