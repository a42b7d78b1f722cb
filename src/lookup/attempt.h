/* attempt.h: the successive requests of a look-up, and the outcome of each. */
#ifndef IMAGEBUILDER_ATTEMPT_H
#define IMAGEBUILDER_ATTEMPT_H

#include "aws/arn.h"
#include "failure.h"
#include "identity/identity.h"
#include "identity/signed.h"
#include "lib/ilist.h"
#include "lookup/lookup.h"
#include "lookup/request.h"

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

struct Lookup
{
	Client	   *client;
	MemoryContext context;		/* holds the look-up and its document */
	MemoryContext attempt_context;	/* holds the current attempt, or a found image's
									 * body */
	Request    *request;
	Arn			parts;
	Endpoint	endpoint;
	Identity   *identity;		/* signs the requests; NULL when settled */
	LookupState state;
	dlist_node	node;			/* in "unsettled", until the look-up is settled */
	MemoryContextCallback callback;
	int			attempts;		/* requests sent so far */
	bool		begun;			/* a request may have been sent, and is counted */
	bool		clock_corrected;	/* one attempt corrected the clock */
	bool		renewed;		/* one attempt followed a renewal of credentials */
	int			budget_taken;	/* what the latest retry cost */
	int64		sent_at;		/* time of clock.h */
	int64		retry_at;
	bool		fresh;			/* the next attempt uses no kept connection */
	HttpTransfer *transfer;		/* of the current attempt */
	const char *access_key_id;	/* key of the current attempt's signature */
	int64		clock_offset;	/* clock offset of the current attempt's signature */
	const char *secrets[SIGNED_MAX_SECRETS + 1];	/* values that messages must not
													 * show */
	const Document *document;	/* if found */
	const Failure *failure;		/* if failed */
	bool		rejected;		/* failed because the Region does not know the key */
	bool		reported;		/* the failure has been raised or warned of */
	LookupStats stats;
};

extern void attempt_send(Lookup *lookup);
extern void attempt_take_outcome(Lookup *lookup);
extern void attempt_read_answer(Lookup *lookup);
extern void attempt_fail(Lookup *lookup, const Failure *failure);

#endif							/* IMAGEBUILDER_ATTEMPT_H */
