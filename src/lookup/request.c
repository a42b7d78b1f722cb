/* request.c: a request to EC2 Image Builder: an operation, and the ARN that it takes. */
#include "postgres.h"

#include "api/schema.h"
#include "aws/arn.h"
#include "aws/sigv4.h"
#include "catalog/namespace.h"
#include "common/string.h"
#include "foreign_text.h"
#include "lookup/request.h"
#include "mb/pg_wchar.h"
#include "utils/json.h"

/* Return a request for a page, in one block of the current memory context. */
static Request *
create(const Operation *operation, const char *arn, int page, const char *token,
	   size_t token_length)
{
	const char *member = operation->parameter.member;
	size_t		length = strlen(arn);
	/* Add 64 for the separators and the digits of the lengths. */
	size_t		size = strlen(operation->name) + strlen(member) + 64 + length + token_length;
	Request    *request = palloc(offsetof(Request, text) + size);
	char	   *text = request->text;

	text += sprintf(text, "%.*s;;", (int) strcspn(operation->name, ":"), operation->name);
	request->token = NULL;
	if (token_length > 0)
	{
		text += sprintf(text, "nextToken=%zu:", token_length);
		request->token = memcpy(text, token, token_length);
		text += token_length;
		*text++ = ';';
	}
	text += sprintf(text, "%s=%zu:", member, length);
	memcpy(text, arn, length + 1);
	request->operation = operation;
	request->page = page;
	request->arn = text;
	request->token_length = token_length;
	return request;
}

/* Return a request, for the first page of a list, in the current memory context. */
Request *
request_create(const Operation *operation, const char *arn)
{
	return create(operation, arn, 1, NULL, 0);
}

/* Return a copy in the current memory context. */
Request *
request_copy(const Request *request)
{
	return create(request->operation, request->arn, request->page, request->token,
				  request->token_length);
}

/*
 * Return the request for the page after the one that answers a request, in the current
 * memory context; NULL after the last page, which has no nextToken, or null or an empty
 * one.  The token is sent as it was received.  Reports HV00M at "level" for a token that
 * is no string.
 */
Request *
request_next(const Request *request, const Document *document, int level)
{
	DocumentNode node;
	const char *token;
	size_t		length;

	if (!request->operation->paged)
		return NULL;
	node = document_member(document, document->root, "nextToken", strlen("nextToken"));
	if (document_is_null(document, node))
		return NULL;
	token = document_raw(document, node, &length);
	if (document_kind(document, node) == DOC_STRING)
		return length == strlen("\"\"") ? NULL :
			create(request->operation, request->arn, request->page + 1, token, length);
	ereport(level,
			(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
			 errmsg("could not go on after %s: its nextToken is a JSON %s",
					request_subject(request),
					document_kind_name(document_kind(document, node)))));
	return NULL;
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

	return arn_parse(arn, &parts) && arn_is_of_kind(&parts, operation->parameter.kind) && has_utf8(arn);
}

/* True if an ARN is a version's where an operation takes builds of that resource type. */
static bool
lacks_build(const Operation *operation, const Arn *parts)
{
	const char *kind = operation->parameter.kind;
	const char *type = strchr(kind, ' ') ? strrchr(kind, ' ') + 1 : kind;

	/* Of alternatives, the last is the one with builds. */
	return operation->builds &&
		arn_is_of_kind(parts, psprintf("%.*s:version", (int) strcspn(type, ":"), type));
}

/* Return the first table whose key takes an ARN; NULL if no table does. */
static const char *
table_for(const Arn *parts)
{
	for (int i = 0; i < schema_ntables; i++)
	{
		const Operation *operation = schema_operation(&schema_tables[i]);

		if (!operation->part && arn_is_of_kind(parts, operation->parameter.kind))
			return schema_tables[i].name;
	}
	return NULL;
}

/*
 * Report, at an elog level, 22023 for a text that request_fits() refuses, with the form
 * that the ARN must have, or the table that takes the ARN it is.
 */
static void
report_misfit(const Operation *operation, const char *arn, const char *detail, int level)
{
	const char *kind = operation->parameter.kind;
	char	   *noun = arn_kind_noun(kind);
	char	   *elsewhere = "";
	Arn			parts;

	if (!arn_parse(arn, &parts))
		elsewhere = "";
	else if (lacks_build(operation, &parts))
		elsewhere = psprintf(" The table \"%s\" has a version's builds.", operation->builds);
	else if (!arn_is_of_kind(&parts, kind) && table_for(&parts))
		elsewhere = psprintf(" This one is for the table \"%s\".", table_for(&parts));
	ereport(level,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is not the ARN of an Image Builder %s",
					local_text(arn, MAX_FOREIGN_TEXT), noun),
			 detail ? errdetail_internal("%s", detail) : 0,
			 errhint("%s %s's ARN has the form %s.%s", strchr("aeiou", *noun) ? "An" : "A", noun,
					 arn_kind_form(kind, "PARTITION", false), elsewhere)));
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
		report_misfit(operation, arn, NULL, level);
	return fits;
}

/* True if a text is an ARN of Image Builder, of whatever kind. */
bool
request_is_arn(const char *text)
{
	Arn			parts;

	return arn_parse(text, &parts);
}

/* Warn of a row's ARN that is of another kind than the operation's. */
void
request_warn_of_kind(const Operation *operation, const char *arn)
{
	report_misfit(operation, arn,
				  "A row of this statement has it, and finds nothing; the statement's other rows of the kind are not warned of.",
				  WARNING);
}

/*
 * Return what a request asks for, as messages name it: image "ARN", page 2 of packages
 * of image build version "ARN".
 */
char *
request_subject(const Request *request)
{
	const Operation *operation = request->operation;
	StringInfoData subject;

	initStringInfo(&subject);
	if (request->page > 1)
		appendStringInfo(&subject, "page %d of ", request->page);
	if (operation->part)
		appendStringInfo(&subject, "%s of ", operation->part);
	appendStringInfo(&subject, "%s \"%s\"", arn_kind_noun(operation->parameter.kind),
					 local_text(request->arn, MAX_FOREIGN_TEXT));
	return subject.data;
}

/* Return a request's body, a JSON object in UTF-8; "arn" is in UTF-8, too. */
static char *
request_body(const Request *request, const char *arn)
{
	const Operation *operation = request->operation;
	const char *member = operation->parameter.member;
	StringInfoData body;

	initStringInfo(&body);
	if (operation->parameter.place == PLACE_FILTER)
		appendStringInfo(&body, "{\"filter\": {\"name\": \"%s\", \"values\": [", member);
	else
		appendStringInfo(&body, "{\"%s\": ", member);
	escape_json(&body, arn);
	if (operation->parameter.place == PLACE_FILTER)
		appendStringInfoString(&body, "]}");
	if (operation->page_size > 0)
		appendStringInfo(&body, ", \"maxResults\": %d", operation->page_size);
	if (request->token_length > 0)
	{
		appendStringInfoString(&body, ", \"nextToken\": ");
		appendBinaryStringInfo(&body, request->token, request->token_length);
	}
	appendStringInfoChar(&body, '}');
	return body.data;
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
	const Operation *operation = request->operation;
	char	   *arn = pg_server_to_any(request->arn, strlen(request->arn), PG_UTF8);
	NameValue	query = {operation->parameter.member, arn};
	StringInfoData path;
	SignedRequest http = {
		.service = REQUEST_SERVICE,
		.region = region,
		.endpoint = endpoint,
		.max_body = config->max_response_size,
		.fresh = fresh,
	};

	initStringInfo(&path);
	appendStringInfoString(&path, operation->path);
	switch (operation->parameter.place)
	{
		case PLACE_QUERY:
			http.query = &query;
			http.nquery = 1;
			break;
		case PLACE_PATH:
			sigv4_uri_encode(&path, arn, false);
			break;
		case PLACE_BODY:
		case PLACE_FILTER:
			http.body = request_body(request, arn);
			http.content_type = "application/json";
			break;
	}
	http.path = path.data;
	return signed_send(&http, config, credentials, secrets);
}
