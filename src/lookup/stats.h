/* stats.h: statistics of the session's look-ups. */
#ifndef IMAGEBUILDER_STATS_H
#define IMAGEBUILDER_STATS_H

typedef struct LookupStats
{
	int64		requests;		/* look-ups for which a request was begun */
	int64		retries;		/* further attempts of look-ups */
	int64		throttled;		/* throttled attempts; counted for the session only */
	int64		not_found;		/* resources that do not exist; for the session only */
	int64		errors;			/* failed look-ups; for the session only */
	int64		cache_hits;		/* look-ups answered from earlier ones */
	int64		bytes_received; /* of the answers' bodies */
	double		request_time;	/* ms, summed over the attempts */
} LookupStats;

/* Totals of the session; imagebuilder_fdw_stats_reset() zeroes them. */
extern LookupStats session_stats;

/* Add to a statistic of the session, and to that of a look-up or a scan. */
#define STATS_COUNT(of, member, amount) \
	((void) (session_stats.member += (amount), (of)->stats.member += (amount)))

/* Add the statistics that EXPLAIN shows. */
static inline void
stats_add(LookupStats *sum, const LookupStats *add)
{
	sum->requests += add->requests;
	sum->retries += add->retries;
	sum->cache_hits += add->cache_hits;
	sum->bytes_received += add->bytes_received;
	sum->request_time += add->request_time;
}

#endif							/* IMAGEBUILDER_STATS_H */
