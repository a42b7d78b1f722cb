/* lookup.h: looking up resources of EC2 Image Builder. */
#ifndef IMAGEBUILDER_LOOKUP_H
#define IMAGEBUILDER_LOOKUP_H

#include "failure.h"
#include "identity/identity.h"
#include "lib/ilist.h"
#include "lookup/request.h"
#include "lookup/stats.h"
#include "rows/document.h"

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
	bool		refused;		/* failed because the statement may send no more */
	bool		begun;			/* a request may have been sent, and is counted */
	bool		clock_corrected;	/* one attempt corrected the clock */
	bool		renewed;		/* one attempt followed a renewal of credentials */
	int			budget_taken;	/* tokens that the latest retry took from the budget */
	int64		sent_at;		/* time of clock.h */
	int64		retry_at;
	bool		fresh;			/* the next attempt uses no kept connection */
	HttpTransfer *transfer;		/* of the current attempt */
	const char *access_key_id;	/* key of the current attempt's signature */
	int64		clock_offset;	/* clock offset of the current attempt's signature */
	const char *secrets[SIGNED_MAX_SECRETS + 1];	/* values that messages must not
													 * show */
	const Document *document;	/* if found */
	Failure    *failure;		/* if failed */
	bool		rejected;		/* failed because the Region does not know the access key */
	bool		reported;		/* the failure has been raised or warned of */
	LookupStats stats;
} Lookup;

extern int *lookup_in_flight(Oid serverid);
extern bool lookup_warns(const Client *client);
extern Lookup *lookup_create(Client *client, const Request *request);
extern bool lookup_is_settled(const Lookup *lookup);
extern void lookup_wait(long timeout);
extern const Document *lookup_finish(Lookup *lookup);
extern void lookup_account(Client *client, const Target *target, const char *action,
						   char *account);

#endif							/* IMAGEBUILDER_LOOKUP_H */
