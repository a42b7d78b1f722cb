/* exchange.c: the requests that credential providers send, and their failures. */
#include "postgres.h"

#include "clock.h"
#include "common/pg_prng.h"
#include "foreign_text.h"
#include "identity/provider.h"
#include "retry.h"
#include "utils/memutils.h"

/* Lower *wait to "ms" if it is more, or negative, which means no limit. */
void
fetch_wait_until(long *wait, long ms)
{
	*wait = *wait < 0 ? ms : Min(*wait, ms);
}

/* Fail because there are no credentials (28000). */
FetchState
fetch_fail(Fetch *fetch, const char *cause, const char *detail, const char *hint)
{
	fetch->failure = failure_create(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
									cause, detail, hint);
	return FETCH_FAILED;
}

/* True if a service answered with an error, which is put into *error, by STS's rules. */
bool
fetch_read_error(const Fetch *fetch, AwsError *error)
{
	const HttpTransfer *transfer = fetch->exchange.transfer;

	if (transfer->outcome != HTTP_ANSWERED || transfer->status < 300)
		return false;
	issued_parse_sts_error(error, transfer->status, transfer->body, transfer->length);
	return true;
}

/* True if the outcome of a request is worth another attempt. */
static bool
is_transient(const Fetch *fetch, bool *throttled)
{
	const HttpTransfer *transfer = fetch->exchange.transfer;
	AwsError	error;

	*throttled = false;
	if (transfer->outcome != HTTP_ANSWERED)
		return transfer->outcome == HTTP_NO_CONNECTION ||
			transfer->outcome == HTTP_CONNECTION_LOST;
	if (transfer->status < 400 || !fetch_read_error(fetch, &error))
		return false;
	*throttled = error.class == AWS_ERROR_THROTTLING;
	return *throttled || error.class == AWS_ERROR_TRANSIENT;
}

/*
 * Send a fetch's request, up to "tries" times: exchange.request, or the one that
 * "sign_and_send" starts unless that is NULL.  Return FETCH_DONE when exchange.transfer
 * has the outcome of the last attempt, else FETCH_WAITING.
 */
FetchState
fetch_exchange(Fetch *fetch, HttpTransfer *(*sign_and_send) (Fetch *), int tries, long *wait)
{
	Exchange   *x = &fetch->exchange;
	bool		throttled;

	if (x->transfer == NULL)
	{
		MemoryContext previous;

		if (x->attempts > 0 && clock_ms_until(x->retry_at) > 0)
		{
			fetch_wait_until(wait, clock_ms_until(x->retry_at));
			return FETCH_WAITING;
		}
		MemoryContextReset(x->context);
		previous = MemoryContextSwitchTo(x->context);
		x->request.user_agent = USER_AGENT;
		x->request.max_body = MAX_ANSWER;
		x->request.secret = true;
		x->transfer = sign_and_send ? sign_and_send(fetch) : http_start(&x->request);
		x->request.fresh = false;
		MemoryContextSwitchTo(previous);
		x->attempts++;
	}
	if (x->transfer->outcome == HTTP_PENDING)
		return FETCH_WAITING;
	if (x->attempts < tries && is_transient(fetch, &throttled))
	{
		x->retry_at = clock_us() +
			1000 * (int64) retry_delay(x->attempts, throttled,
									   pg_prng_double(&pg_global_prng_state), NULL);
		x->transfer = NULL;
		x->request.fresh = !throttled;
		fetch_wait_until(wait, clock_ms_until(x->retry_at));
		return FETCH_WAITING;
	}
	return FETCH_DONE;
}

/* Free the current exchange, so that the next one can begin. */
void
fetch_next_request(Fetch *fetch)
{
	MemoryContextReset(fetch->exchange.context);
	fetch->exchange.transfer = NULL;
	fetch->exchange.attempts = 0;
	fetch->exchange.secrets[0] = NULL;
}

/* Take the credentials of an answer; if "expires", the answer must name an expiration. */
FetchState
fetch_take_issued(Fetch *fetch, bool expires, const char *cause)
{
	const HttpTransfer *transfer = fetch->exchange.transfer;
	const char *problem;

	if (transfer->status != 200)
		problem = psprintf("it answered with HTTP status %d", transfer->status);
	else
		problem = issued_parse(&fetch->issued, transfer->body, transfer->length);
	if (problem == NULL && expires && fetch->issued.expires == ISSUED_FOR_GOOD)
		problem = "the answer has no \"Expiration\"";
	if (problem == NULL)
		return FETCH_DONE;
	return fetch_fail(fetch, cause,
					  foreign_text(psprintf("%s.", problem), MAX_FOREIGN_TEXT,
								   fetch->exchange.secrets),
					  NULL);
}
