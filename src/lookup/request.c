/* request.c: a request to EC2 Image Builder: an operation, and the ARN that it takes. */
#include "postgres.h"

#include "aws/arn.h"
#include "catalog/namespace.h"
#include "common/string.h"
#include "foreign_text.h"
#include "lookup/request.h"
#include "mb/pg_wchar.h"

/* Return a request, in one block of the current memory context. */
Request *
request_create(const Operation *operation, const char *arn)
{
	size_t		length = strlen(arn);
	/* Add 32 for the separators and the digits of the length. */
	size_t		size = strlen(operation->name) + strlen(operation->parameter) + 32 + length;
	Request    *request = palloc(offsetof(Request, text) + size);
	int			before = snprintf(request->text, size, "%s;;%s=%zu:", operation->name,
								  operation->parameter, length);

	memcpy(request->text + before, arn, length + 1);
	request->operation = operation;
	request->arn = request->text + before;
	return request;
}

/* Return a copy in the current memory context. */
Request *
request_copy(const Request *request)
{
	return request_create(request->operation, request->arn);
}

/* True if a text in the database's encoding can be sent, as UTF-8. */
static bool
has_utf8(const char *text)
{
	int			encoding = GetDatabaseEncoding();
	int			length = strlen(text);
	unsigned char *out;

	if (encoding == PG_UTF8 || pg_is_ascii(text))
		return true;
	if (encoding == PG_SQL_ASCII)
		return pg_encoding_verifymbstr(PG_UTF8, text, length) == length;
	out = palloc((Size) length * MAX_CONVERSION_GROWTH + 1);
	return pg_do_encoding_conversion_buf(FindDefaultConversionProc(encoding, PG_UTF8),
										 encoding, PG_UTF8,
										 (unsigned char *) unconstify(char *, text), length,
										 out, length * MAX_CONVERSION_GROWTH + 1, true) == length;
}

/* True if a text is an ARN that an operation takes. */
bool
request_fits(const Operation *operation, const char *arn)
{
	Arn			parts;

	return arn_parse(arn, &parts) && arn_is_of_kind(&parts, operation->kind) && has_utf8(arn);
}

/*
 * True if a text is an ARN that an operation takes; if not, report 22023 at "level",
 * with the form that the ARN must have.
 */
bool
request_check(const Operation *operation, const char *arn, int level)
{
	bool		fits = request_fits(operation, arn);

	if (!fits)
		ereport(level,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not the ARN of an Image Builder %s",
						local_text(arn, MAX_FOREIGN_TEXT), operation->noun),
				 errhint("%s %s's ARN has the form %s.",
						 strchr("aeiou", *operation->noun) ? "An" : "A", operation->noun,
						 operation_arn_form(operation, "PARTITION", false))));
	return fits;
}

/* Return what a request asks for, as messages name it: image "ARN". */
char *
request_subject(const Request *request)
{
	return psprintf("%s \"%s\"", request->operation->noun,
					local_text(request->arn, MAX_FOREIGN_TEXT));
}

/*
 * Send a request, signed for a Region, and return without waiting; see signed_send().
 * If "fresh", libcurl uses no kept connection.
 */
HttpTransfer *
request_send(const Request *request, const ClientConfig *config,
			 const AwsCredentials *credentials, const Endpoint *endpoint, const char *region,
			 bool fresh, const char *secrets[SIGNED_MAX_SECRETS + 1])
{
	NameValue	query = {request->operation->parameter, NULL};
	SignedRequest http = {
		.service = REQUEST_SERVICE,
		.region = region,
		.endpoint = endpoint,
		.path = request->operation->path,
		.query = &query,
		.nquery = 1,
		.max_body = config->max_response_size,
		.fresh = fresh,
	};

	query.value = pg_server_to_any(request->arn, strlen(request->arn), PG_UTF8);
	return signed_send(&http, config, credentials, secrets);
}
