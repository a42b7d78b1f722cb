/*
 * pace.c: limiting the requests under way to a server, by the service's throttling.
 *
 * The limit is divided when the service throttles and grows steadily with time, as
 * TCP's congestion window.  AWS grants a rate, not a number of requests: so once it
 * has throttled, requests are spread over a round trip instead of sent together, and
 * a limit below one is a pause between requests.
 */
#include "postgres.h"

#include "clock.h"
#include "lookup/lookup.h"

/* Divisor of the limit when the service throttles. */
#define CUT_DIVISOR		2.0

/* Requests by which the limit grows in a second. */
#define GROWTH			0.5

/* Lower bound of the limit: one request in 64 round trips. */
#define MIN_ALLOWED		(1.0 / 64)

/* Weight of the latest round trip in the smoothed one, as in RFC 6298. */
#define LATEST_WEIGHT	0.125

/* Longest pause, in us; then the limit is computed again. */
#define LONGEST_WAIT	250000

void
pace_init(Pace *pace, int max)
{
	memset(pace, 0, sizeof(*pace));
	pace->max = pace->allowed = max;
}

static void
grow(Pace *pace, int64 now)
{
	pace->allowed += GROWTH * (now - pace->grown_at) / 1e6;
	pace->grown_at = now;
	if (pace->allowed < pace->max)
		return;
	pace->allowed = pace->max;
	pace->cut_at = 0;
}

/*
 * True if another request may be sent now; if not, lower *wait to the ms until the next
 * try, unless that is when a request under way is answered.
 */
bool
pace_allows(Pace *pace, int in_flight, long *wait)
{
	int64		now = clock_us();
	int64		pause;

	if (pace->cut_at)
		grow(pace, now);
	if (in_flight > 0 && in_flight >= pace->allowed)
		return false;
	if (pace->cut_at == 0)
		return true;
	pause = pace->sent_at + (int64) (pace->round_trip / pace->allowed) - now;
	if (pause <= 0)
		return true;
	/* Bound the pause, since the limit grows meanwhile. */
	fetch_wait_until(wait, Min(pause, LONGEST_WAIT) / 1000 + 1);
	return false;
}

/* Lower the limit, unless the throttled request was sent before the latest cut. */
void
pace_throttled(Pace *pace, int64 sent_at)
{
	if (sent_at <= pace->cut_at)
		return;
	pace->allowed = Max(MIN_ALLOWED, pace->allowed / CUT_DIVISOR);
	pace->cut_at = pace->grown_at = clock_us();
}

void
pace_granted(Pace *pace, int64 sent_at)
{
	double		latest = clock_us() - sent_at;

	pace->round_trip = pace->round_trip == 0 ? latest :
		pace->round_trip + LATEST_WEIGHT * (latest - pace->round_trip);
}
