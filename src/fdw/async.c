/*
 * async.c: scans below an asynchronous Append.
 *
 * With these callbacks, a UNION ALL or a partitioned table over several servers has
 * requests under way to all of the servers at once.
 *
 * Append lets each of its scans add one socket to a wait event set.  A scan of this
 * wrapper has many sockets, or none during a back-off, and one engine advances all
 * look-ups of the session.  So imagebuilderForeignAsyncConfigureWait() adds no socket,
 * but waits there for all of this wrapper's scans below the Append.  Scans of other
 * wrappers below the Append have sent their requests by then; Append serves them each
 * time that a scan of this wrapper can go on.
 */
#include "postgres.h"

#include "executor/execAsync.h"
#include "executor/instrument.h"
#include "fdw/fdw.h"

/*
 * Return true: any scan of this wrapper can wait for its look-ups together with others.
 */
bool
imagebuilderIsForeignPathAsyncCapable(ForeignPath *path)
{
	return true;
}

/*
 * Give Append the scan's next row, or the end of the rows, or mark the request as
 * pending.  Also serves as ForeignAsyncNotify, which Append never calls, since no scan
 * of this wrapper adds a socket.
 */
void
imagebuilderForeignAsyncRequest(AsyncRequest *areq)
{
	bool		blocked;
	TupleTableSlot *row = scan_next_async((ForeignScanState *) areq->requestee, &blocked);

	if (blocked)
		ExecAsyncRequestPending(areq);
	else
		ExecAsyncRequestDone(areq, row);
}

static bool
is_ours(const AsyncRequest *areq)
{
	return ((ForeignScanState *) areq->requestee)->fdwroutine->ForeignAsyncConfigureWait ==
		imagebuilderForeignAsyncConfigureWait;
}

/* True if any of this wrapper's scans that an Append waits for can go on. */
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
 * Wait for look-ups where Append would have a scan add its socket.  Return without
 * waiting if Append has rows to return already or synchronous scans to run.  Answer the
 * scan's request if the scan can go on.
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

	/*
	 * Do what ExecAppendAsyncEventWait() and ExecAsyncNotify() do after an event on a
	 * socket; Append does not call them for a scan without a socket.
	 */
	areq->callback_pending = false;
	imagebuilderForeignAsyncRequest(areq);
	ExecAsyncResponse(areq);
	if (areq->requestee->instrument)
		InstrUpdateTupleCount(areq->requestee->instrument,
							  TupIsNull(areq->result) ? 0.0 : 1.0);
}
