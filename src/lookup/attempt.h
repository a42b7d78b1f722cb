/* attempt.h: a look-up's requests, one after another, and what comes of each. */
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
	LOOKUP_QUEUED,				/* to be sent as soon as that may be */
	LOOKUP_SENT,				/* an attempt is under way */
	LOOKUP_BACKING_OFF,			/* to be queued again at retry_at */
	LOOKUP_ANSWERED,			/* settled, but for reading the answer */
	LOOKUP_FOUND,
	LOOKUP_NOT_FOUND,
	LOOKUP_FAILED,
} LookupState;

struct Lookup
{
	Client	   *client;
	MemoryContext context;		/* holds all of this, and the document */
	MemoryContext attempt_context;	/* the current attempt; of a found image, its
									 * body */
	Request    *request;
	Arn			parts;
	Endpoint	endpoint;
	Identity   *identity;		/* who asks; NULL until it has to be known */
	LookupState state;
	dlist_node	node;			/* in unsettled, while it is one of those */
	MemoryContextCallback callback;
	int			attempts;		/* sent so far */
	bool		begun;			/* a request has: it is counted */
	bool		clock_corrected;	/* one of them was for the clock's sake */
	bool		renewed;		/* one was for rejected credentials' sake */
	int			budget_taken;	/* by the latest retry */
	int64		sent_at;		/* of clock.h */
	int64		retry_at;
	bool		fresh;			/* the next attempt uses no kept connection */
	HttpTransfer *transfer;		/* of the current attempt */
	const char *access_key_id;	/* it was signed with */
	int64		clock_offset;	/* the same */
	const char *secrets[SIGNED_MAX_SECRETS + 1];	/* not to be shown */
	const Document *document;	/* if found */
	const Failure *failure;		/* if failed */
	bool		rejected;		/* that is because the Region knows no such key */
	bool		reported;		/* the failure has been */
	LookupStats stats;
};

extern void attempt_send(Lookup *lookup);
extern void attempt_take_outcome(Lookup *lookup);
extern void attempt_read_answer(Lookup *lookup);
extern void attempt_fail(Lookup *lookup, const Failure *failure);

#endif							/* IMAGEBUILDER_ATTEMPT_H */
