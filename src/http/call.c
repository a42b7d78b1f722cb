/*
 * call.c: one call of libcurl's, and when it has to return.
 *
 * Signals are blocked while libcurl acts, because it may start a thread to resolve
 * a name, which would inherit an open signal mask and run PostgreSQL's handlers.
 * Where libcurl or OpenSSL takes long in one call, it asks the functions here
 * whether to go on; none of them raises an error or serves an interrupt.
 */
#include "postgres.h"

#include <signal.h>

#include "clock.h"
#include "http/call.h"
#include "miscadmin.h"

/*
 * How long libcurl may act in one call, in us, before interrupts and time-outs
 * are looked at from within the call: a fifth of the 100 ms in which a cancel is
 * to act.  A call that does not loop takes less.
 */
#define LOOK_INTERVAL			20000

/*
 * How long libcurl may act in one call, in us, while an interrupt waits that need
 * not end the statement, such as a barrier of the server's.
 */
#define MAX_DELAY				1000000

static struct
{
	bool		acting;			/* libcurl is: signals are blocked */
	bool		has_read;		/* OpenSSL has, in this call */
	bool		put_off;		/* OpenSSL was told to read later */
	int64		since;			/* of clock.h: the call began */
	int64		look_at;		/* of clock.h: call_is_look_due() looks next */
	sigset_t	signals;		/* blocked while libcurl does not act */
} call;

static void
block_signals(void)
{
	sigset_t	all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &call.signals);
}

static void
restore_signals(void)
{
	sigprocmask(SIG_SETMASK, &call.signals, NULL);
}

/* To be called before libcurl acts. */
void
call_begin(void)
{
	call.since = clock_us();
	call.look_at = call.since + LOOK_INTERVAL;
	call.has_read = false;
	block_signals();
	call.acting = true;
}

/* To be called when libcurl has acted. */
void
call_end(void)
{
	call.acting = false;
	restore_signals();
}

/*
 * True if libcurl has acted for so long that time-outs and interrupts are to be
 * looked at.  Signals are then let in for a moment: PostgreSQL's handlers only set
 * flags, or end the process (SIGQUIT).
 */
bool
call_is_look_due(int64 now)
{
	if (!call.acting || now < call.look_at)
		return false;
	call.look_at = now + LOOK_INTERVAL;
	restore_signals();
	block_signals();
	return true;
}

/*
 * True if an interrupt waits for which libcurl is to return.  Most that PostgreSQL
 * has (a barrier, a message of a parallel worker) raise no error, and are served
 * once libcurl returns, as it nearly always does in a moment: a transfer could go
 * on.  Which raise one cannot be told of all of them.
 */
bool
call_is_to_be_interrupted(int64 now)
{
	return InterruptPending && INTERRUPTS_CAN_BE_PROCESSED() &&
		(QueryCancelPending || ProcDiePending || now >= call.since + MAX_DELAY);
}

/*
 * True if OpenSSL may go on to read; else it is to return, as if nothing had come.
 * In each call of libcurl's OpenSSL may read at least once, so that what is put off
 * gets on however slow the machine is.  When libcurl does not act, it closes a
 * connection, in vain reading what the peer may yet have said.
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

/* OpenSSL has read something. */
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

/* To be called before libcurl is to go on with what was put off. */
void
call_forget_put_off(void)
{
	call.put_off = false;
}
