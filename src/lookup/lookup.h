/* lookup.h: looking up resources of EC2 Image Builder. */
#ifndef IMAGEBUILDER_LOOKUP_H
#define IMAGEBUILDER_LOOKUP_H

#include "failure.h"
#include "identity/identity.h"
#include "lib/ilist.h"
#include "lookup/request.h"
#include "rows/document.h"

/* Statistics of a look-up, a scan or the session. */
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

typedef struct Client Client;	/* see statement.h */

typedef enum LookupState
{
	LOOKUP_QUEUED,				/* waiting for a request slot */
	LOOKUP_SENT,				/* an attempt is under way */
	LOOKUP_BACKING_OFF,			/* to be queued again at retry_at */
	LOOKUP_ANSWERED,			/* settled, but the answer has not been parsed */
	LOOKUP_FOUND,
	LOOKUP_NOT_FOUND,
	LOOKUP_FAILED,
} LookupState;

/* Request and its answer, within one statement. */
typedef struct Lookup
{
	Client	   *client;
	MemoryContext context;		/* holds the look-up and its document */
	MemoryContext attempt_context;	/* holds the current attempt, or the document's body */
	Request    *request;
	Target		target;
	Endpoint	endpoint;
	Identity   *identity;		/* signs the requests; NULL when settled */
	LookupState state;
	dlist_node	node;			/* in "unsettled", until the look-up is settled */
	MemoryContextCallback callback;
	int			attempts;		/* requests sent so far */
	bool		taken;			/* a request of the statement's has been taken for it */
	bool		refused;		/* not sent, as the statement may send no more */
	bool		clock_corrected;	/* one attempt corrected the clock */
	bool		renewed;		/* one attempt followed a renewal of credentials */
	int			budget_taken;	/* tokens that the latest retry took from the budget */
	int64		sent_at;		/* time of clock.h */
	int64		retry_at;
	bool		fresh;			/* the next attempt uses no kept connection */
	HttpTransfer *transfer;		/* of the current attempt */
	const char *access_key_id;	/* key of the current attempt's signature */
	int64		clock_offset;	/* clock offset of the current attempt's signature */
	const Document *document;	/* if found */
	Failure    *failure;		/* if failed */
	bool		rejected;		/* failed because the Region does not know the access key */
	bool		reported;		/* the failure has been raised or warned of */
	LookupStats stats;
} Lookup;

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

/* True if a request of a look-up's may have been sent, so that it has been counted. */
static inline bool
lookup_has_begun(const Lookup *lookup)
{
	return lookup->stats.requests > 0;
}

extern bool lookup_warns(const Client *client);
extern Lookup *lookup_create(Client *client, const Request *request);
extern bool lookup_is_settled(const Lookup *lookup);
extern void lookup_wait(long timeout);
extern const Document *lookup_finish(Lookup *lookup);
extern void lookup_account(Client *client, const Target *target, const char *action,
						   char *account);

/* Functions of attempt.c for lookup.c. */
extern void attempt_send(Lookup *lookup);
extern void attempt_take_outcome(Lookup *lookup);
extern void attempt_read_answer(Lookup *lookup);
extern void attempt_fail(Lookup *lookup, Failure *failure);

#endif							/* IMAGEBUILDER_LOOKUP_H */
