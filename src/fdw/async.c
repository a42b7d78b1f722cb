/*
 * async.c: scans below an asynchronous Append.
 *
 * UNION ALL and partitions over several servers ask all of them at once.
 *
 * Append lets each of its scans put one socket into a set of events to wait
 * for.  Ours have many sockets, or none while backing off, all of the one
 * engine that advances every look-up of the session: so the waiting is done
 * when we are asked for our socket, for all of our scans below that Append
 * together.  Other wrappers' scans there have sent their requests by then, and
 * are attended to each time that one of ours has got on.
 */
#include "postgres.h"

#include "executor/execAsync.h"
#include "executor/instrument.h"
#include "executor/tuptable.h"
#include "fdw/async.h"
#include "fdw/scan.h"
#include "lookup/lookup.h"

/* Any scan can wait for its look-ups together with others. */
bool
imagebuilderIsForeignPathAsyncCapable(ForeignPath *path)
{
	(void) path;
	return true;
}

/* Answer a request with a row or the end, or leave it pending. */
static void
respond(AsyncRequest *areq)
{
	bool		blocked;
	TupleTableSlot *row = scan_next_async((ForeignScanState *) areq->requestee, &blocked);

	if (blocked)
		ExecAsyncRequestPending(areq);
	else
		ExecAsyncRequestDone(areq, row);
}

/* Append wants a row, now or later. */
void
imagebuilderForeignAsyncRequest(AsyncRequest *areq)
{
	respond(areq);
}

static bool
is_ours(const AsyncRequest *areq)
{
	return ((ForeignScanState *) areq->requestee)->fdwroutine->ForeignAsyncConfigureWait ==
		imagebuilderForeignAsyncConfigureWait;
}

/* Whether one of our scans that an Append waits for can go on. */
static bool
any_can_go_on(const AppendState *append)
{
	int			i = -1;

	while ((i = bms_next_member(append->as_asyncplans, i)) >= 0)
	{
		AsyncRequest *areq = append->as_asyncrequests[i];

		if (areq->callback_pending && is_ours(areq) &&
			scan_can_go_on((ForeignScanState *) areq->requestee))
			return true;
	}
	return false;
}

/*
 * Append would wait for a socket of ours: wait ourselves, unless it has rows
 * to return already or scans to run meanwhile, and respond if we can.
 */
void
imagebuilderForeignAsyncConfigureWait(AsyncRequest *areq)
{
	AppendState *append = (AppendState *) areq->requestor;

	if (!append->as_syncdone)
		lookup_wait(0);
	else if (append->as_nasyncresults == 0)
	{
		while (!any_can_go_on(append))
			lookup_wait(-1);
	}
	if (!scan_can_go_on((ForeignScanState *) areq->requestee))
		return;

	/* As for a notification, which Append does not give here. */
	areq->callback_pending = false;
	respond(areq);
	ExecAsyncResponse(areq);
	if (areq->requestee->instrument)
		InstrUpdateTupleCount(areq->requestee->instrument,
							  TupIsNull(areq->result) ? 0.0 : 1.0);
}

/* Never called: no socket is given. */
void
imagebuilderForeignAsyncNotify(AsyncRequest *areq)
{
	respond(areq);
}
