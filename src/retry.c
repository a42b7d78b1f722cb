/*
 * retry.c: when to retry a request, by the AWS SDKs' standard retry mode.
 *
 * The figures are those of the AWS SDKs and Tools Reference Guide, "Retry behavior",
 * as of 2026.
 */
#include "postgres.h"

#include <math.h>

#include "clock.h"
#include "common/pg_prng.h"
#include "retry.h"

#define THROTTLED_COST		5
#define TRANSIENT_COST		14
#define SUCCESS_REFUND		1

#define THROTTLED_BASE_MS	1000
#define TRANSIENT_BASE_MS	50
#define MAX_BACKOFF_MS		20000

/* Upper bound of what x-amz-retry-after may add to the computed delay. */
#define RETRY_AFTER_SLACK_MS	5000

/* Take the price of a retry from the budget and return it; 0 if the budget holds less. */
int
retry_budget_take(int *budget, bool throttled)
{
	int			cost = throttled ? THROTTLED_COST : TRANSIENT_COST;

	if (*budget < cost)
		return 0;
	*budget -= cost;
	return cost;
}

/* Pay back, after a success, what the last retry cost; SUCCESS_REFUND without a retry. */
void
retry_budget_refund(int *budget, int taken)
{
	*budget = Min(RETRY_BUDGET, *budget + (taken > 0 ? taken : SUCCESS_REFUND));
}

/*
 * Return when to retry, as a time of clock.h.
 *
 * "retry" is 1 for the first retry, "retry_after" is the value of the header
 * x-amz-retry-after (ms), NULL if the service sent no such header.
 */
int64
retry_at(int retry, bool throttled, const char *retry_after)
{
	double		jitter = pg_prng_double(&pg_global_prng_state);
	double		base = throttled ? THROTTLED_BASE_MS : TRANSIENT_BASE_MS;
	int			delay = (int) (jitter * Min(ldexp(base, retry - 1), MAX_BACKOFF_MS));

	if (retry_after)
	{
		char	   *end;
		long		wish = strtol(retry_after, &end, 10);

		if (end != retry_after && *end == '\0')
			delay = (int) Max(delay, Min(wish, delay + RETRY_AFTER_SLACK_MS));
	}
	return clock_us() + 1000 * (int64) delay;
}
