/*
 * silence.c: metadata services that did not answer, and are left alone for a
 * while.
 *
 * Where there is no metadata service, only time-outs show it, which take
 * seconds.  A session pays for them once in a while, not for each statement.
 */
#include "postgres.h"

#include "clock.h"
#include "identity/identity.h"
#include "identity/silence.h"
#include "utils/memutils.h"

/* How long a service is left alone, in s: our choice. */
#define PAUSE			30

static int64
seconds_since(const Silence *silence)
{
	return (clock_us() - silence->since) / 1000000;
}

/* Whether the service is not to be asked yet; never once a server or mapping has changed. */
bool
silence_lasts(const Silence *silence)
{
	return silence->failure && silence->epoch == identity_epoch() &&
		seconds_since(silence) < PAUSE;
}

/* Fail as the service did when it was asked, and say that it was not asked now. */
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
 * Remember that the service did not answer the fetch, which has failed for that.
 * Not if the fetch was begun ahead of time, even if a look-up has come to wait
 * for it (replace_at): once the credentials that there are have expired, the
 * service has to be asked, and may have been silent long ago.
 */
void
silence_note(Silence *silence, const Fetch *fetch)
{
	HttpOutcome outcome = fetch->exchange.transfer->outcome;
	MemoryContext previous;

	if (fetch->ahead || fetch->replace_at != 0 ||
		(outcome != HTTP_NO_CONNECTION && outcome != HTTP_CONNECTION_LOST))
		return;
	if (silence->context == NULL)
		silence->context = AllocSetContextCreate(TopMemoryContext, "imagebuilder_fdw silence",
												 ALLOCSET_SMALL_SIZES);
	silence->failure = NULL;
	MemoryContextReset(silence->context);
	previous = MemoryContextSwitchTo(silence->context);
	silence->failure = failure_copy(fetch->failure);
	MemoryContextSwitchTo(previous);
	silence->since = clock_us();
	silence->epoch = identity_epoch();
}
