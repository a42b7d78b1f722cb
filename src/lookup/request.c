/* request.c: a request to EC2 Image Builder: an operation, and values for its parameters. */
#include "postgres.h"

#include "aws/arn.h"
#include "catalog/namespace.h"
#include "common/string.h"
#include "foreign_text.h"
#include "lookup/request.h"
#include "mb/pg_wchar.h"

/* Return a request for a page, in one block of the current memory context. */
static Request *
create(const Operation *operation, const Target *scope, const char *const *values, int page,
	   const char *token)
{
	Request    *request;
	StringInfoData text;
	const char *value;

	initStringInfo(&text);
	appendStringInfo(&text, "%.*s;", (int) strcspn(operation->name, ":"), operation->name);
	if (scope)
		appendStringInfo(&text, "%s/%s", scope->region, scope->account);
	appendStringInfoChar(&text, ';');
	if (token)
		appendStringInfo(&text, "nextToken=%zu:%s;", strlen(token), token);
	for (int i = 0; i < operation->nparameters; i++)
		appendStringInfo(&text, "%s=%zu:%s;", operation->parameters[i].member,
						 strlen(values[i]), values[i]);
	if (operation->constant)
		appendStringInfo(&text, "%s=%zu:%s;", operation->constant_member,
						 strlen(operation->constant), operation->constant);
	/* The values and the token follow the text, each with its NUL. */
	appendStringInfoChar(&text, '\0');
	for (int i = 0; i < operation->nparameters; i++)
		appendBinaryStringInfo(&text, values[i], strlen(values[i]) + 1);
	if (token)
		appendBinaryStringInfo(&text, token, strlen(token) + 1);

	request = palloc(offsetof(Request, text) + text.len);
	request->operation = operation;
	request->scope = scope;
	request->page = page;
	memcpy(request->text, text.data, text.len);
	pfree(text.data);
	value = request->text;
	for (int i = 0; i < operation->nparameters; i++)
		request->values[i] = value += strlen(value) + 1;
	request->token = token ? value + strlen(value) + 1 : NULL;
	return request;
}

/*
 * Return a request, for the first page of a list, in the current memory context.
 * "scope" is that of an operation with TARGET_SCOPE, and must outlive the request; NULL
 * for others.
 */
Request *
request_create(const Operation *operation, const Target *scope, const char *const *values)
{
	return create(operation, scope, values, 1, NULL);
}

/* Return a copy in the current memory context. */
Request *
request_copy(const Request *request)
{
	return create(request->operation, request->scope, request->values, request->page,
				  request->token);
}

/* Return where a request goes; the texts live in the current memory context. */
Target
request_target(const Request *request)
{
	Arn			arn;

	if (request->scope)
		return *request->scope;
	arn_parse(request->values[0], &arn);
	return (Target) {arn.partition, arn.region, arn.account_id};
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
	Request    *next;
	const char *raw;
	char	   *token;
	size_t		length;

	if (!request->operation->paged)
		return NULL;
	node = document_member(document, document->root, "nextToken");
	if (document_is_null(document, node))
		return NULL;
	if (document_kind(document, node) != DOC_STRING)
	{
		ereport(level,
				(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
				 errmsg("could not go on after %s: its nextToken is a JSON %s",
						request_subject(request),
						document_kind_name(document_kind(document, node)))));
		return NULL;
	}
	raw = document_raw(document, node, &length);
	if (length == strlen("\"\""))
		return NULL;
	token = pnstrdup(raw, length);
	next = create(request->operation, request->scope, request->values, request->page + 1, token);
	pfree(token);
	return next;
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

/* True if a value is one that an operation's parameter takes. */
bool
request_fits(const Operation *operation, int parameter, const char *value)
{
	const char *kind = operation->parameters[parameter].kind;
	Arn			parts;

	return (strcmp(kind, "text") == 0 ||
			(arn_parse(value, &parts) && arn_is_of_kind(&parts, kind))) && has_utf8(value);
}

/* True if an ARN is a version's where a kind is that of builds of its resource type. */
static bool
lacks_build(const char *kind, const Arn *parts)
{
	const char *type = strchr(kind, ' ') ? strrchr(kind, ' ') + 1 : kind;

	/* Of alternatives, the last is the one with builds. */
	return arn_is_of_kind(parts, psprintf("%.*s:version", (int) strcspn(type, ":"), type));
}

/* Return the first table whose key takes an ARN; NULL if no table does. */
static const char *
table_for(const Arn *parts)
{
	for (int i = 0; i < schema_ntables; i++)
	{
		const Operation *operation = schema_operation(&schema_tables[i]);

		if (operation->target == TARGET_ARN && !operation->part &&
			arn_is_of_kind(parts, operation->parameters[0].kind))
			return schema_tables[i].name;
	}
	return NULL;
}

/*
 * True if a value is one that an operation's parameter takes; if not, report 22023 at
 * "level", with the form that the ARN must have, or the table that takes the ARN it is.
 * "detail" is a sentence to add, or NULL.
 */
bool
request_check(const Operation *operation, int parameter, const char *value,
			  const char *detail, int level)
{
	const char *kind = operation->parameters[parameter].kind;
	const char *elsewhere = "";
	char	   *noun;
	Arn			parts;
	bool		is_arn;

	if (request_fits(operation, parameter, value))
		return true;
	if (strcmp(kind, "text") == 0)
	{
		ereport(level,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" has no equivalent in UTF-8",
						local_text(value, MAX_FOREIGN_TEXT))));
		return false;
	}
	noun = arn_kind_noun(kind);
	is_arn = arn_parse(value, &parts);
	if (is_arn && operation->builds && lacks_build(kind, &parts))
		elsewhere = psprintf(" The table \"%s\" has a version's builds.", operation->builds);
	else if (is_arn && !arn_is_of_kind(&parts, kind) && table_for(&parts))
		elsewhere = psprintf(" This one is for the table \"%s\".", table_for(&parts));
	ereport(level,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is not the ARN of an Image Builder %s",
					local_text(value, MAX_FOREIGN_TEXT), noun),
			 detail ? errdetail_internal("%s", detail) : 0,
			 errhint("%s %s's ARN has the form %s.%s", strchr("aeiou", *noun) ? "An" : "A", noun,
					 arn_kind_form(kind, "PARTITION", false), elsewhere)));
	return false;
}

/*
 * Return what a request asks for, as messages name it: image "ARN", page 2 of packages
 * of image build version "ARN", images in Region "eu-west-1" of account 123456789012.
 */
char *
request_subject(const Request *request)
{
	const Operation *operation = request->operation;
	const char *separator = "";
	StringInfoData subject;

	initStringInfo(&subject);
	if (request->page > 1)
		appendStringInfo(&subject, "page %d of ", request->page);
	if (operation->part)
	{
		appendStringInfoString(&subject, operation->part);
		separator = " of ";
	}
	for (int i = 0; i < operation->nparameters; i++)
	{
		const char *kind = operation->parameters[i].kind;

		appendStringInfo(&subject, "%s%s \"%s\"", separator,
						 strcmp(kind, "text") == 0 ? operation->parameters[i].name :
						 arn_kind_noun(kind),
						 local_text(request->values[i], MAX_FOREIGN_TEXT));
		separator = " and ";
	}
	if (request->scope)
		appendStringInfo(&subject, " in Region \"%s\"", request->scope->region);
	if (request->scope && *request->scope->account)
		appendStringInfo(&subject, " of account %s", request->scope->account);
	return subject.data;
}

/* Return what a request does, as messages name it: 'look up image "ARN"', say. */
char *
request_action(const Request *request)
{
	return psprintf("%s %s", request->scope ? "list" : "look up", request_subject(request));
}
