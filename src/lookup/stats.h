/* stats.h: what this session's look-ups did. */
#ifndef IMAGEBUILDER_STATS_H
#define IMAGEBUILDER_STATS_H

typedef struct LookupStats
{
	int64		requests;		/* look-ups sent */
	int64		retries;		/* further attempts */
	int64		throttled;		/* attempts answered by throttling; the session's only */
	int64		not_found;		/* look-ups of what does not exist; the same */
	int64		errors;			/* look-ups that failed; the same */
	int64		cache_hits;		/* look-ups answered by an earlier one */
	int64		bytes_received; /* of bodies */
	double		request_time;	/* ms, summed over the attempts */
} LookupStats;

/* The session's totals; zeroed by imagebuilder_fdw_stats_reset(). */
extern LookupStats session_stats;

/* Count for the session and for a look-up (or a scan) whose statistics EXPLAIN adds up. */
#define STATS_COUNT(of, member, amount) \
	((void) (session_stats.member += (amount), (of)->stats.member += (amount)))

/* What EXPLAIN shows. */
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
