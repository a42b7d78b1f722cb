/*
 * call.c: one call of a libcurl function, and when libcurl has to return from it.
 *
 * Signals are blocked while libcurl acts, because libcurl may start a thread to
 * resolve a name, which would inherit an open signal mask and run PostgreSQL's
 * handlers.  Where libcurl or OpenSSL takes long in one call, its callbacks ask the
 * functions here whether to go on; none of these raises an error or serves an
 * interrupt.
 */
#include "postgres.h"

#include <signal.h>

#include "clock.h"
#include "http/call.h"
#include "miscadmin.h"

/*
 * Microseconds for which libcurl may act in one call before its callbacks look at
 * interrupts and time-outs: a fifth of the 100 ms within which a cancel should act.
 */
#define LOOK_INTERVAL			20000

/*
 * Microseconds for which libcurl may act in one call while an interrupt is pending
 * that need not end the statement, such as a ProcSignal barrier.
 */
#define MAX_DELAY				1000000

static struct
{
	bool		acting;			/* libcurl is acting, with signals blocked */
	bool		has_read;		/* OpenSSL has read in this call */
	bool		put_off;		/* OpenSSL was told to read later */
	int64		since;			/* when the call began, of clock.h */
	int64		look_at;		/* when call_is_look_due() is true next */
	sigset_t	signals;		/* PostgreSQL's signal mask */
} call;

static void
block_signals(void)
{
	sigset_t	all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &call.signals);
}

/* Block signals and start the clock; call this before libcurl acts. */
void
call_begin(void)
{
	call.since = clock_us();
	call.look_at = call.since + LOOK_INTERVAL;
	call.has_read = false;
	block_signals();
	call.acting = true;
}

/* Restore PostgreSQL's signal mask; call this when libcurl has acted. */
void
call_end(void)
{
	call.acting = false;
	sigprocmask(SIG_SETMASK, &call.signals, NULL);
}

/*
 * True if libcurl has acted for so long that its callbacks must look at time-outs and
 * interrupts.  Pending signals are then delivered: PostgreSQL's handlers only set
 * flags, or end the process (SIGQUIT).
 */
bool
call_is_look_due(int64 now)
{
	if (!call.acting || now < call.look_at)
		return false;
	call.look_at = now + LOOK_INTERVAL;
	sigprocmask(SIG_SETMASK, &call.signals, NULL);
	block_signals();
	return true;
}

/*
 * True if an interrupt is pending for which libcurl has to return.  Most of
 * PostgreSQL's interrupts (a barrier, a message of a parallel worker) raise no error
 * and do not end a transfer: PostgreSQL serves them once libcurl returns, nearly
 * always in a moment.  PostgreSQL does not tell for all interrupts whether they raise
 * an error, hence MAX_DELAY.
 */
bool
call_is_to_be_interrupted(int64 now)
{
	return InterruptPending && INTERRUPTS_CAN_BE_PROCESSED() &&
		(QueryCancelPending || ProcDiePending || now >= call.since + MAX_DELAY);
}

/*
 * True if OpenSSL may read on; otherwise OpenSSL has to return, as if no data had
 * come.  In each call of libcurl OpenSSL may read at least once, so that a transfer
 * that was put off advances however slow the machine is.  OpenSSL reads outside such a
 * call when libcurl closes a connection, where the peer's last data is of no use.
 */
bool
call_may_read(void)
{
	int64		now;

	if (!call.acting)
		return false;
	if (!call.has_read)
		return true;
	now = clock_us();
	if (now < call.since + LOOK_INTERVAL && !call_is_to_be_interrupted(now))
		return true;
	call.put_off = true;
	return false;
}

/* Note that OpenSSL has read data in this call. */
void
call_note_read(void)
{
	call.has_read = true;
}

/* True if call_may_read() has put off a read since call_forget_put_off(). */
bool
call_has_put_off(void)
{
	return call.put_off;
}

/* Forget reads that were put off; call this before libcurl resumes them. */
void
call_forget_put_off(void)
{
	call.put_off = false;
}
