/*
 * engine.c: the session's only libcurl multi handle.
 *
 * libcurl tells which sockets it waits for and until when; http_wait() waits for them
 * together with the process latch, so that a cancel, a time-out or a shutdown acts at
 * once.  The multi handle lives as long as the session, and with it its connections,
 * DNS answers and TLS sessions.
 *
 * No callback that libcurl runs raises an error, allocates with palloc or serves
 * interrupts.  Where libcurl or OpenSSL takes long in one call, its callbacks ask the
 * functions call_...() whether to go on.
 */
#include "postgres.h"

#include <signal.h>

#include "clock.h"
#include "http/transfer.h"
#include "miscadmin.h"

/* Upper bound of idle connections; AWS closes them after some 20 s anyway. */
#define MAX_IDLE_CONNECTIONS	64

/* Events taken from the kernel at once. */
#define MAX_EVENTS				16

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
	CURLM	   *multi;
	CURLSH	   *share;			/* TLS sessions, which a multi handle does not share */
	int64		deadline;		/* when libcurl's timer is due, of clock.h */
	uint32		wait_event;
	int			nhandles;		/* easy handles in use */
	bool		expired;		/* connections and TLS sessions must not be used again */
} engine;

/* The call of curl_multi_socket_action() under way. */
static struct
{
	bool		acting;			/* libcurl is acting, with signals blocked */
	bool		has_read;		/* OpenSSL has read in this call */
	bool		put_off;		/* OpenSSL was told to read later, in this call or an
								 * earlier one */
	int64		since;			/* when the call began, of clock.h */
	int64		look_at;		/* when call_is_look_due() is true next */
	sigset_t	signals;		/* PostgreSQL's signal mask */
} call;

/* Note when libcurl wants to be called at the latest (a CURLMOPT_TIMERFUNCTION). */
static int
timer_changed(CURLM *multi, long timeout, void *userp)
{
	engine.deadline = timeout < 0 ? PG_INT64_MAX : clock_us() + 1000 * (int64) timeout;
	return 0;
}

/* Make the handles that are missing; false, with no multi handle, if libcurl fails. */
static bool
set_up(void)
{
	if (engine.share == NULL)
	{
		engine.share = curl_share_init();
		if (engine.share && curl_share_setopt(engine.share, CURLSHOPT_SHARE,
											  CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK)
		{
			curl_share_cleanup(engine.share);
			engine.share = NULL;
		}
	}
	if (engine.share == NULL)
		return false;
	engine.multi = sockets_make_multi();
	if (engine.multi &&
		curl_multi_setopt(engine.multi, CURLMOPT_SOCKETFUNCTION, sockets_note) == CURLM_OK &&
		curl_multi_setopt(engine.multi, CURLMOPT_TIMERFUNCTION, timer_changed) == CURLM_OK &&
		curl_multi_setopt(engine.multi, CURLMOPT_MAXCONNECTS,
						  (long) MAX_IDLE_CONNECTIONS) == CURLM_OK)
		return true;
	curl_multi_cleanup(engine.multi);
	engine.multi = NULL;
	return false;
}

/* Make libcurl's handles, anew if connections have expired and no handle is in use. */
static void
make_handles(void)
{
	if (engine.expired && engine.nhandles == 0)
	{
		curl_multi_cleanup(engine.multi);
		curl_share_cleanup(engine.share);
		engine.multi = NULL;
		engine.share = NULL;
		engine.expired = false;
	}
	if (engine.multi)
		return;
	memory_start();
	if (!set_up())
		memory_raise("libcurl could not be set up.");
	engine.deadline = PG_INT64_MAX;
	engine.wait_event = compat_wait_event("ImageBuilderRequest");
}

/* Return a new easy handle, which engine_discard() frees.  Raises 53200. */
CURL *
engine_handle(void)
{
	CURL	   *handle;

	make_handles();
	handle = curl_easy_init();
	if (handle == NULL)
		memory_raise("libcurl could not make a handle.");
	engine.nhandles++;
	return handle;
}

/* Hand a transfer to libcurl; "fresh" as in HttpRequest.  Raises 53200, HV000. */
void
engine_add(Transfer *x, bool fresh)
{
	CURLMcode	code;

	/* While requests are under way, expired connections can only be left unused. */
	REQUIRE(x->handle, CURLOPT_FRESH_CONNECT, engine.expired || fresh ? 1L : 0L);
	REQUIRE(x->handle, CURLOPT_SHARE, engine.share);
	code = curl_multi_add_handle(engine.multi, x->handle);
	if (code == CURLM_OUT_OF_MEMORY)
		memory_raise("A request could not be started.");
	if (code != CURLM_OK)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("could not start a request"),
				 errdetail("libcurl: %s.", curl_multi_strerror(code))));
	x->multi = engine.multi;
}

/* Free an easy handle whose transfer is not under way; never fails. */
void
engine_discard(CURL *handle)
{
	curl_easy_cleanup(handle);
	engine.nhandles--;
}

/*
 * Free the multi handle, and fail all transfers.  After libcurl has run out of memory,
 * libcurl may wait for a socket that sockets.c does not watch, and libcurl 7.88
 * divides by zero when the socket's number is used again.
 */
static void
give_up(CURLcode result)
{
	transfers_fail(result);
	curl_multi_cleanup(engine.multi);
	engine.multi = NULL;
	engine.deadline = PG_INT64_MAX;
}

/*
 * Block signals while libcurl acts: libcurl may start a thread to resolve a name, which
 * would inherit an open signal mask and run PostgreSQL's handlers.
 */
static void
block_signals(void)
{
	sigset_t	all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &call.signals);
}

/* Have libcurl act on a socket, or on its timer (CURL_SOCKET_TIMEOUT). */
static void
call_libcurl(curl_socket_t fd, int events)
{
	uint64		refused = sockets_refused;
	CURLMcode	code;
	int			running;

	if (fd == CURL_SOCKET_TIMEOUT)
		engine.deadline = PG_INT64_MAX;
	/*
	 * libcurl may send a request on a kept connection now, and would take stray data
	 * there for the answer.
	 */
	sockets_reject_unsolicited_data();
	call.since = clock_us();
	call.look_at = call.since + LOOK_INTERVAL;
	call.has_read = false;
	block_signals();
	call.acting = true;
	code = curl_multi_socket_action(engine.multi, fd, events, &running);
	call.acting = false;
	sigprocmask(SIG_SETMASK, &call.signals, NULL);
	if (code == CURLM_OUT_OF_MEMORY || refused != sockets_refused)
		give_up(CURLE_OUT_OF_MEMORY);
	else if (code != CURLM_OK)
		give_up(CURLE_RECV_ERROR);
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

void
call_note_read(void)
{
	call.has_read = true;
}

static void
read_socket(curl_socket_t fd)
{
	if (engine.multi)
		call_libcurl(fd, CURL_CSELECT_IN);
}

/* Have libcurl and watchers act on events, and reset the latch if it is set. */
static void
take_events(const WaitEvent *events, int nevents)
{
	bool		silent = true;

	for (int i = 0; i < nevents; i++)
	{
		if (events[i].events & WL_LATCH_SET)
			ResetLatch(MyLatch);
		else
		{
			silent = false;
			if (sockets_take_event(events[i].fd) && engine.multi)
				call_libcurl(events[i].fd,
							 (events[i].events & WL_SOCKET_READABLE ? CURL_CSELECT_IN : 0) |
							 (events[i].events & WL_SOCKET_WRITEABLE ? CURL_CSELECT_OUT : 0));
		}
	}
	/*
	 * Have libcurl resume reads that were put off.  The kernel need not report their
	 * sockets as readable: with TLS inside a proxy's TLS, OpenSSL may have taken the data
	 * from the kernel already.
	 */
	if (silent && call.put_off)
	{
		call.put_off = false;
		sockets_read_all(read_socket);
	}
}

/*
 * Wait until something happens on the network or on a watched descriptor (see
 * sockets_watch()), or for "timeout" ms (-1: without limit; 0: only look), and have
 * libcurl or the watcher act on it.  Raises what an interrupt raises: 57014 for a
 * cancel.
 */
void
http_wait(long timeout)
{
	WaitEvent	events[MAX_EVENTS];
	int64		next;
	int			nevents;

	CHECK_FOR_INTERRUPTS();
	make_handles();
	if (call.put_off)
		timeout = 0;
	next = Min(engine.deadline, transfers_resume());
	if (next != PG_INT64_MAX)
	{
		long		left = clock_ms_until(next);

		if (timeout < 0 || left < timeout)
			timeout = left;
	}
	nevents = WaitEventSetWait(sockets_wait_set(), timeout, events, MAX_EVENTS,
							   engine.wait_event);
	take_events(events, nevents);
	if (clock_us() >= engine.deadline)
		call_libcurl(CURL_SOCKET_TIMEOUT, 0);
	transfers_pause(engine.multi);
	CHECK_FOR_INTERRUPTS();
}

/* Have later requests use none of the present connections; never fails. */
void
http_expire_connections(void)
{
	engine.expired = true;
}
