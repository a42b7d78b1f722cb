/* retry.h: when to retry a request, by the AWS SDKs' standard retry mode. */
#ifndef IMAGEBUILDER_RETRY_H
#define IMAGEBUILDER_RETRY_H

/* Tokens of a budget of retries, which keeps an outage from a flood of requests. */
#define RETRY_BUDGET		500

extern int	retry_budget_take(int *budget, bool throttled);
extern void retry_budget_refund(int *budget, int taken);
extern int64 retry_at(int retry, bool throttled, const char *retry_after);

#endif							/* IMAGEBUILDER_RETRY_H */
