/* retry.h: when to retry a request, by the AWS SDKs' standard retry mode. */
#ifndef IMAGEBUILDER_RETRY_H
#define IMAGEBUILDER_RETRY_H

/* Budget of retries, which keeps an outage from being met with a flood of requests. */
typedef struct RetryBudget
{
	int			tokens;
} RetryBudget;

extern void retry_budget_init(RetryBudget *budget);
extern int	retry_budget_take(RetryBudget *budget, bool throttled);
extern void retry_budget_refund(RetryBudget *budget, int taken);
extern int64 retry_at(int retry, bool throttled, const char *retry_after);

#endif							/* IMAGEBUILDER_RETRY_H */
