/* retry.h: when to try again: the AWS SDKs' standard retry mode. */
#ifndef IMAGEBUILDER_RETRY_H
#define IMAGEBUILDER_RETRY_H

/* What may be spent on retries, so that an outage is not hammered. */
typedef struct RetryBudget
{
	int			tokens;
} RetryBudget;

extern void retry_budget_init(RetryBudget *budget);
extern int	retry_budget_take(RetryBudget *budget, bool throttled);
extern void retry_budget_refund(RetryBudget *budget, int taken);
extern int	retry_delay(int retry, bool throttled, double jitter,
						const char *retry_after);

#endif							/* IMAGEBUILDER_RETRY_H */
