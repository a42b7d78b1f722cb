/* lookup.h: looking up resources of EC2 Image Builder, each request once a statement. */
#ifndef IMAGEBUILDER_LOOKUP_H
#define IMAGEBUILDER_LOOKUP_H

#include "failure.h"
#include "identity/identity.h"
#include "identity/signed.h"
#include "lookup/request.h"
#include "nodes/execnodes.h"
#include "retry.h"
#include "utils/hsearch.h"

/* Name of the service in host names and signatures. */
#define LOOKUP_SERVICE		"imagebuilder"

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

/* State of one server's pace; times are those of clock.h, in us. */
typedef struct Pace
{
	double		max;			/* upper bound: max_concurrency */
	double		allowed;		/* limit of requests under way; below 1: one, with pauses */
	int64		cut_at;			/* when throttling last lowered "allowed"; 0: "allowed" is
								 * "max" */
	int64		grown_at;		/* when "allowed" last grew */
	int64		sent_at;		/* when the latest request was sent */
	double		round_trip;		/* smoothed, of granted requests; 0: unknown */
} Pace;

/* One run of the executor, with what its clients share. */
typedef struct Statement
{
	dlist_node	node;			/* in "statements" */
	EState	   *estate;
	MemoryContext context;		/* a child of the EState's */
	uint64		number;			/* counted in the session */
	List	   *clients;
	int			budget;			/* of retries, in tokens; see retry.h */
	bool		kind_warned;	/* a row's ARN of another kind has been warned of */
	int			nrequests;		/* sent, or to be sent with the next wait */
	MemoryContextCallback callback;
} Statement;

/* Server as one user reaches it within one statement. */
typedef struct Client
{
	Statement  *statement;
	const ClientConfig *config;
	Pace		pace;			/* limits the requests under way */
	int			nscans;			/* scans of the statement that use this client */
	HTAB	   *lookups;		/* LookupEntry by request text */
	Target		scope;			/* see statement_scope(); region and partition may be NULL */
} Client;

typedef enum LookupState
{
	LOOKUP_QUEUED,				/* waiting for a request slot */
	LOOKUP_SENT,				/* an attempt is under way */
	LOOKUP_BACKING_OFF,			/* to be queued again at retry_at */
	LOOKUP_ANSWERED,			/* settled, but the answer has not been parsed */
	LOOKUP_FOUND,
	LOOKUP_NOT_FOUND,
	LOOKUP_FAILED,
	LOOKUP_REFUSED,				/* not sent, as the statement may send no more */
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
	Failure    *failure;		/* if failed or refused */
	bool		rejected;		/* failed because the Region does not know the access key */
	bool		reported;		/* the failure has been raised or warned of */
	LookupStats stats;
	const void *owner;			/* node whose EXPLAIN counts the look-up: the first scan that
								 * claimed it; until then, the read-ahead that started it */
	bool		claimed;		/* a scan has asked for the look-up */
	bool		counted;		/* counted as claimed in ReadAheadCounts */
	bool		in_vain;		/* counted as in_vain in ReadAheadCounts */
} Lookup;

/* Outcomes of look-ups made ahead of rows that the read-ahead has passed. */
typedef struct ReadAheadCounts
{
	int			claimed;		/* a scan has asked for the look-up */
	int			in_vain;		/* no scan has asked, but a request was sent */
} ReadAheadCounts;

/* True if a request of a look-up's may have been sent, so that it has been counted. */
static inline bool
lookup_has_begun(const Lookup *lookup)
{
	return lookup->stats.requests > 0;
}

/* True if lookup_finish() would not have to wait. */
static inline bool
lookup_is_settled(const Lookup *lookup)
{
	return lookup->state >= LOOKUP_ANSWERED;
}

/* in lookup.c */
extern bool lookup_warns(const Client *client);
extern Lookup *lookup_create(Client *client, const Request *request);
extern void lookup_wait(long timeout);
extern const Document *lookup_finish(Lookup *lookup);
extern void lookup_account(Client *client, const Target *target, const char *action,
						   char *account);

/* in statement.c */
extern HTAB *text_table_create(const char *name, Size entrysize, MemoryContext context);
extern void statement_init(void);
extern Client *statement_client(EState *estate, Oid serverid, Oid userid);
extern const Target *statement_scope(const Client *client);
extern Failure *statement_refusal(const Client *client);
extern bool statement_look_ahead(Client *client, const Request *request, const void *starter);
extern bool statement_withdraw(Client *client, const Request *request);
extern void statement_pass(Client *client, const Request *request, ReadAheadCounts *counts);
extern void statement_stats(const Client *client, const void *owner, LookupStats *stats);
extern Lookup *statement_lookup(Client *client, const Request *request, const void *scan,
								bool *shared);
extern void statement_forget(Client *client, const Request *request, LookupStats *stats);

/* in attempt.c, for lookup.c */
extern void attempt_send(Lookup *lookup);
extern void attempt_take_outcome(Lookup *lookup);
extern void attempt_read_answer(Lookup *lookup);
extern void attempt_fail(Lookup *lookup, Failure *failure);

/* in pace.c */
extern void pace_init(Pace *pace, int max);
extern bool pace_allows(Pace *pace, int in_flight, long *wait);
extern void pace_throttled(Pace *pace, int64 sent_at);
extern void pace_granted(Pace *pace, int64 sent_at);

/* in cache.c */
extern char *cache_get(const ClientConfig *config, const Request *request);
extern void cache_put(const ClientConfig *config, const Request *request, const char *body,
					  int64 sent_at);
extern void cache_clear(void);

#endif							/* IMAGEBUILDER_LOOKUP_H */
