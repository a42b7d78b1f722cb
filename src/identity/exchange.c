/*
 * exchange.c: the requests that credential providers send, and their failures.
 *
 * Only time-outs, which take seconds, show that a host has no metadata service.  A
 * session waits for them once every SILENCE_PAUSE seconds, not in each statement.
 */
#include "postgres.h"

#include "clock.h"
#include "foreign_text.h"
#include "identity/fetch.h"
#include "retry.h"
#include "utils/memutils.h"

/* Seconds for which a service that did not answer is not asked; AWS gives no figure. */
#define SILENCE_PAUSE	30

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
 * "send" starts unless that is NULL.  Return FETCH_DONE when exchange.transfer
 * has the outcome of the last attempt, else FETCH_WAITING.
 */
FetchState
fetch_exchange(Fetch *fetch, HttpTransfer *(*send) (Fetch *), int tries)
{
	Exchange   *x = &fetch->exchange;
	MemoryContext previous;
	bool		throttled;

	if (x->transfer == NULL)
	{
		if (clock_us() < x->retry_at)
		{
			fetch->wake_at = x->retry_at;
			return FETCH_WAITING;
		}
		MemoryContextReset(x->context);
		previous = MemoryContextSwitchTo(x->context);
		x->request.user_agent = USER_AGENT;
		x->request.max_body = MAX_ANSWER;
		x->request.secret = true;
		x->transfer = send ? send(fetch) : http_start(&x->request);
		x->request.fresh = false;
		MemoryContextSwitchTo(previous);
		x->attempts++;
	}
	if (x->transfer->outcome == HTTP_PENDING)
		return FETCH_WAITING;
	if (x->attempts < tries && is_transient(fetch, &throttled))
	{
		x->retry_at = retry_at(x->attempts, throttled, NULL);
		x->transfer = NULL;
		x->request.fresh = !throttled;
		fetch->wake_at = x->retry_at;
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
					  foreign_text(psprintf("%s.", problem), MAX_FOREIGN_TEXT, transfer->secrets),
					  NULL);
}

/*
 * True during the pause of a provider whose service did not answer, which a change of any
 * server or user mapping ends.  fetch->failure says how it failed, and when that was.
 */
bool
fetch_is_paused(Fetch *fetch)
{
	const Provider *provider = fetch->provider;
	int64		seconds = (clock_us() - provider->silent_since) / 1000000;

	if (provider->silence == NULL || provider->silent_epoch != config_epoch() ||
		seconds >= SILENCE_PAUSE)
		return false;
	fetch->failure = failure_copy(provider->silence);
	fetch->failure->detail =
		psprintf("%s That was %d s ago; the session asks again once %d s have passed.",
				 provider->silence->detail, (int) seconds, SILENCE_PAUSE);
	return true;
}

/*
 * Fail because the service did not answer the fetch's request, and begin a pause of the
 * provider.  A renewal's fetch begins none, even if a look-up has adopted it: its request may have
 * timed out long ago, and once the credentials expire, the service must be asked.
 */
FetchState
fetch_fail_silent(Fetch *fetch, const char *cause, const char *hint)
{
	Provider   *provider = fetch->provider;
	const HttpTransfer *transfer = fetch->exchange.transfer;
	const char *start = strstr(fetch->exchange.request.url, "//") + 2;
	char	   *host = pnstrdup(start, strcspn(start, "/?"));
	Failure    *failure = failure_of_transfer(transfer, host, fetch->exchange.attempts,
											   "one with credentials", "Region", "endpoint_url");
	MemoryContext previous;

	failure->cause = cause;
	failure->hint = hint;
	fetch->failure = failure;
	if (fetch->background ||
		(transfer->outcome != HTTP_NO_CONNECTION && transfer->outcome != HTTP_CONNECTION_LOST))
		return FETCH_FAILED;
	if (provider->silence_context == NULL)
		provider->silence_context = AllocSetContextCreate(TopMemoryContext,
														  "imagebuilder_fdw silence",
														  ALLOCSET_SMALL_SIZES);
	provider->silence = NULL;
	MemoryContextReset(provider->silence_context);
	previous = MemoryContextSwitchTo(provider->silence_context);
	provider->silence = failure_copy(failure);
	MemoryContextSwitchTo(previous);
	provider->silent_since = clock_us();
	provider->silent_epoch = config_epoch();
	return FETCH_FAILED;
}
