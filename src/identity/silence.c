/*
 * silence.c: pauses for metadata services that did not answer.
 *
 * Only time-outs, which take seconds, show that a host has no metadata service.  A
 * session waits for them once every PAUSE seconds, not in each statement.
 */
#include "postgres.h"

#include "clock.h"
#include "identity/identity.h"
#include "identity/silence.h"
#include "utils/memutils.h"

/* Seconds for which a service that did not answer is not asked; AWS gives no figure. */
#define PAUSE			30

static int64
seconds_since(const Silence *silence)
{
	return (clock_us() - silence->since) / 1000000;
}

/* True during a service's pause, which a change of any server or user mapping ends. */
bool
silence_lasts(const Silence *silence)
{
	return silence->failure && silence->epoch == config_epoch() &&
		seconds_since(silence) < PAUSE;
}

/* Fail as the last request to the service did, and say when that was. */
FetchState
silence_fail(const Silence *silence, Fetch *fetch)
{
	Failure    *failure = failure_copy(silence->failure);

	failure->detail = psprintf("%s That was %d s ago; the session asks again once %d s have passed.",
							   failure->detail, (int) seconds_since(silence), PAUSE);
	fetch->failure = failure;
	return FETCH_FAILED;
}

/*
 * Fail because the service did not answer the fetch's request, and begin a pause.  A
 * renewal's fetch begins none, even if a look-up has adopted it: its request may have
 * timed out long ago, and once the credentials expire, the service must be asked.
 */
FetchState
silence_begin(Silence *silence, Fetch *fetch, const char *cause, const char *hint)
{
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
	if (silence->context == NULL)
		silence->context = AllocSetContextCreate(TopMemoryContext, "imagebuilder_fdw silence",
												 ALLOCSET_SMALL_SIZES);
	silence->failure = NULL;
	MemoryContextReset(silence->context);
	previous = MemoryContextSwitchTo(silence->context);
	silence->failure = failure_copy(failure);
	MemoryContextSwitchTo(previous);
	silence->since = clock_us();
	silence->epoch = config_epoch();
	return FETCH_FAILED;
}
