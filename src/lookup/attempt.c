/* attempt.c: the successive requests of a look-up, and the outcome of each. */
#include "postgres.h"

#include "aws/sigv4.h"
#include "clock.h"
#include "lookup/lookup.h"
#include "mb/pg_wchar.h"
#include "utils/json.h"
#include "utils/memutils.h"

/* Settle a look-up as failed; "failure" must live as long as the look-up. */
void
attempt_fail(Lookup *lookup, Failure *failure)
{
	lookup->state = LOOKUP_FAILED;
	lookup->failure = failure;
	session_stats.errors++;
}

/* Return the name of the expected answer, with an article, for messages. */
static char *
expected_answer(const Lookup *lookup)
{
	return psprintf("a %s response", operation_api(lookup->request->operation));
}

/* Return a text of the database's encoding in UTF-8. */
static char *
to_utf8(const char *text)
{
	return pg_server_to_any(text, strlen(text), PG_UTF8);
}

/* Return a request's body, a JSON object in UTF-8. */
static char *
request_body(const Request *request)
{
	const Operation *operation = request->operation;
	const char *separator = "";
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	for (int i = 0; i < operation->nparameters; i++)
	{
		const Parameter *parameter = &operation->parameters[i];
		bool		filter = parameter->place == PLACE_FILTER;

		appendStringInfo(&body, filter ? "%s\"filter\": {\"name\": \"%s\", \"values\": [" :
						 "%s\"%s\": ", separator, parameter->member);
		escape_json(&body, to_utf8(request->values[i]));
		if (filter)
			appendStringInfoString(&body, "]}");
		separator = ", ";
	}
	if (operation->constant)
	{
		appendStringInfo(&body, "%s\"%s\": \"%s\"", separator, operation->constant_member,
						 operation->constant);
		separator = ", ";
	}
	if (operation->page_size > 0)
		appendStringInfo(&body, "%s\"maxResults\": %d", separator, operation->page_size);
	if (request->token)
		appendStringInfo(&body, ", \"nextToken\": %s", request->token);
	appendStringInfoChar(&body, '}');
	return body.data;
}

/* Send an attempt with a new signature; the identity must be ready. */
void
attempt_send(Lookup *lookup)
{
	const Request *request = lookup->request;
	const Operation *operation = request->operation;
	const ClientConfig *config = lookup->client->config;
	const AwsCredentials *credentials = &lookup->identity->credentials;
	MemoryContext previous;
	NameValue	query[MAX_PARAMETERS];
	bool		in_body = operation->nparameters == 0;
	StringInfoData path;
	SignedRequest http = {
		.service = LOOKUP_SERVICE,
		.region = lookup->target.region,
		.endpoint = &lookup->endpoint,
		.query = query,
		.max_body = config->max_response_size,
		.fresh = lookup->fresh,
	};

	MemoryContextReset(lookup->attempt_context);
	previous = MemoryContextSwitchTo(lookup->attempt_context);
	initStringInfo(&path);
	appendStringInfoString(&path, operation->path);
	for (int i = 0; i < operation->nparameters; i++)
	{
		const Parameter *parameter = &operation->parameters[i];
		char	   *value = to_utf8(request->values[i]);

		if (parameter->place == PLACE_PATH)
			sigv4_uri_encode(&path, value, false);
		else if (parameter->place == PLACE_QUERY)
			query[http.nquery++] = (NameValue) {parameter->member, value};
		else
			in_body = true;
	}
	if (in_body)
	{
		http.body = request_body(request);
		http.content_type = "application/json";
	}
	http.path = path.data;
	lookup->access_key_id = pstrdup(credentials->access_key_id);
	lookup->clock_offset = signed_clock_offset(lookup->endpoint.host);
	lookup->transfer = signed_send(&http, config, credentials);
	MemoryContextSwitchTo(previous);

	lookup->fresh = false;
	lookup->state = LOOKUP_SENT;
	lookup->sent_at = clock_us();
	lookup->client->pace.sent_at = lookup->sent_at;
	(*config->in_flight)++;
	if (lookup->attempts++ == 0)
		lookup->client->statement->nrequests++;
	else
		STATS_COUNT(lookup, retries, 1);
}

/*
 * Schedule another attempt, on a new connection unless the service throttled this one;
 * false if no further attempt may be made.
 */
static bool
schedule_retry(Lookup *lookup, bool throttled)
{
	int			attempts = lookup->attempts - lookup->clock_corrected - lookup->renewed;

	if (attempts >= lookup->client->config->max_attempts)
		return false;
	lookup->budget_taken = retry_budget_take(&lookup->client->statement->budget, throttled);
	if (lookup->budget_taken == 0)
		return false;
	lookup->fresh = !throttled;
	lookup->state = LOOKUP_BACKING_OFF;
	lookup->retry_at = retry_at(attempts, throttled,
								http_header(lookup->transfer, "x-amz-retry-after"));
	return true;
}

static void
take_aws_error(Lookup *lookup)
{
	const HttpTransfer *transfer = lookup->transfer;
	AwsError	error;

	aws_error_parse(&error, transfer->status, http_header(transfer, "x-amzn-ErrorType"),
					transfer->body ? transfer->body : "", transfer->length);
	switch (error.class)
	{
		case AWS_ERROR_NOT_FOUND:
			/* The rows of earlier pages have been returned: the list is not whole. */
			if (lookup->request->page > 1)
				break;
			lookup->state = LOOKUP_NOT_FOUND;
			session_stats.not_found++;
			return;
		case AWS_ERROR_THROTTLING:
			session_stats.throttled++;
			pace_throttled(&lookup->client->pace, lookup->sent_at);
			if (schedule_retry(lookup, true))
				return;
			break;
		case AWS_ERROR_TRANSIENT:
			if (schedule_retry(lookup, false))
				return;
			break;
		case AWS_ERROR_CLOCK:
			if (!lookup->clock_corrected &&
				signed_correct_clock(lookup->endpoint.host, transfer, lookup->clock_offset))
			{
				lookup->clock_corrected = true;
				lookup->state = LOOKUP_QUEUED;
				return;
			}
			break;
		case AWS_ERROR_EXPIRED_TOKEN:
		case AWS_ERROR_UNKNOWN_KEY:
			if (!lookup->renewed &&
				identity_renew(lookup->identity, lookup->access_key_id, error.class))
			{
				lookup->renewed = true;
				lookup->state = LOOKUP_QUEUED;
				return;
			}
			break;
		default:
			break;
	}
	/* Only a service that knows the credentials sends a code; a proxy may send a 403. */
	if (error.class == AWS_ERROR_FORBIDDEN && error.code)
		identity_note_accepted(lookup->identity, lookup->target.region);
	lookup->rejected = error.class == AWS_ERROR_UNKNOWN_KEY;
	attempt_fail(lookup, failure_of_aws_error(&error, lookup->request->operation, transfer,
									  lookup->attempts));
}

/*
 * Take the outcome of an attempt whose transfer is done: settle the look-up, or have
 * it sent again, at once or at retry_at.
 */
void
attempt_take_outcome(Lookup *lookup)
{
	const HttpTransfer *transfer = lookup->transfer;

	STATS_COUNT(lookup, bytes_received, transfer->length);
	STATS_COUNT(lookup, request_time, transfer->milliseconds);

	if (transfer->outcome == HTTP_ANSWERED)
	{
		if (transfer->status >= 400)
			take_aws_error(lookup);
		else
			lookup->state = LOOKUP_ANSWERED;
		if (lookup->state == LOOKUP_ANSWERED || lookup->state == LOOKUP_NOT_FOUND)
		{
			retry_budget_refund(&lookup->client->statement->budget, lookup->budget_taken);
			pace_granted(&lookup->client->pace, lookup->sent_at);
			/* A redirect does not show that anybody checked the signature. */
			if (transfer->status < 300 || transfer->status >= 400)
				identity_note_accepted(lookup->identity, lookup->target.region);
		}
		return;
	}
	if ((transfer->outcome == HTTP_NO_CONNECTION ||
		 transfer->outcome == HTTP_CONNECTION_LOST) &&
		schedule_retry(lookup, false))
		return;
	attempt_fail(lookup, failure_of_transfer(transfer, lookup->endpoint.host, lookup->attempts,
									 expected_answer(lookup), lookup->request->scope ?
									 "server's option \"region\"" : "ARN's Region",
									 "endpoint_url"));
}

/* True if a document is an object with one of the operation's top-level members. */
static bool
is_answer(const Document *document, const Operation *operation)
{
	if (document_kind(document, document->root) != DOC_OBJECT)
		return false;
	for (const char *const *member = operation->answer; *member; member++)
	{
		if (document_member(document, document->root, *member) != DOC_ABSENT)
			return true;
	}
	return false;
}

/*
 * Parse the answer when a scan first asks for the look-up, since no scan may ever ask.
 * The state goes from LOOKUP_ANSWERED to LOOKUP_FOUND or LOOKUP_FAILED.
 */
void
attempt_read_answer(Lookup *lookup)
{
	const HttpTransfer *transfer = lookup->transfer;
	MemoryContext previous = MemoryContextSwitchTo(lookup->context);
	const Operation *operation = lookup->request->operation;
	Document   *document = NULL;
	char	   *problem = "A redirect is not followed.";

	if (transfer->status < 300)
	{
		document = document_parse(transfer->body ? transfer->body : "",
								  transfer->length, &problem);
		if (document && !is_answer(document, operation))
		{
			document = NULL;
			problem = psprintf("The body is JSON, but not an object with a member \"%s\".",
							   operation->answer[0]);
		}
	}
	if (document)
	{
		lookup->document = document;
		lookup->state = LOOKUP_FOUND;
		cache_put(lookup->client->config, lookup->request, transfer->body, lookup->sent_at);
		http_release(lookup->transfer);
	}
	else
	{
		attempt_fail(lookup, failure_of_answer(transfer, expected_answer(lookup), problem));
		MemoryContextReset(lookup->attempt_context);
	}
	MemoryContextSwitchTo(previous);
}
