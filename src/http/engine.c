/*
 * engine.c: the session's one libcurl multi handle.
 *
 * libcurl tells which sockets it waits for and until when; they are waited for
 * together with the process latch, so that a cancel, a time-out or a shutdown
 * acts at once.  The handle lives as long as the session, and with it its
 * connections, DNS answers and TLS sessions.
 *
 * No callback of libcurl's raises an error, allocates with palloc or looks at
 * interrupts.  Signals are blocked while libcurl acts, because it may start a
 * thread to resolve a name, which would inherit an open signal mask and run
 * PostgreSQL's handlers; watch() lets them in where libcurl takes long, and
 * engine_may_read() ends the call where OpenSSL does.
 */
#include "postgres.h"

#include <signal.h>

#include "clock.h"
#include "compat.h"
#include "http/engine.h"
#include "http/memory.h"
#include "http/sockets.h"
#include "lib/ilist.h"
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

/* Events taken from the kernel at once. */
#define MAX_EVENTS				16

/* A transfer under way, or done: handed to libcurl as its private pointer. */
typedef struct Job
{
	dlist_node	node;			/* in jobs, until it is done */
	CURL	   *handle;
	void	   *owner;
	EngineDone	done;
	int			connect_timeout;	/* ms */
	int			timeout;
	bool		ready;			/* has been told that it can be sent */
	bool		secret;			/* the answer is */
	bool		timed_out;		/* watch() has ended it */
	uint64		refused;		/* refusals() when it was added */
	int64		begun;			/* of clock.h; -1: not yet */
	int64		idle;			/* engine.idle when it was begun */
} Job;

static struct
{
	CURLM	   *multi;
	CURLSH	   *share;			/* TLS sessions, which multi does not share */
	int64		deadline;		/* libcurl's own, of clock.h; -1: none */
	uint32		wait_event;
	int			nhandles;		/* made and not discarded */
	bool		expired;		/* connections are, and TLS sessions */
	int64		idle;			/* us spent outside engine_wait() */
	int64		left_at;		/* of clock.h: the end of the last one */
	bool		acting;			/* libcurl is: signals are blocked */
	int64		acts_since;		/* of clock.h */
	int64		look_at;		/* of clock.h: when watch() looks next */
	bool		has_read;		/* OpenSSL has, since acts_since */
	bool		put_off;		/* OpenSSL was told to read later */
	sigset_t	signals;		/* blocked while libcurl does not act */
} engine;

static dlist_head jobs = DLIST_STATIC_INIT(jobs);

static void
block_signals(void)
{
	sigset_t	all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &engine.signals);
}

static void
restore_signals(void)
{
	sigprocmask(SIG_SETMASK, &engine.signals, NULL);
}

/* CURLMOPT_TIMERFUNCTION: when libcurl wants to be called at the latest. */
static int
timer_changed(CURLM *multi, long timeout, void *userp)
{
	(void) multi;
	(void) userp;
	engine.deadline = timeout < 0 ? -1 : clock_us() + 1000 * (int64) timeout;
	return 0;
}

/* Drop connections, DNS answers and TLS sessions; no handle must be left. */
static void
engine_stop(void)
{
	curl_multi_cleanup(engine.multi);
	curl_share_cleanup(engine.share);
	engine.multi = NULL;
	engine.share = NULL;
}

/* Requests for memory that were refused so far, those of sockets.c included. */
static uint64
refusals(void)
{
	return memory_refused() + sockets_refused();
}

/* Make libcurl's multi and share handles, if there are none; false, with neither, if that fails. */
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

static void
engine_start(void)
{
	if (engine.expired && engine.nhandles == 0)
	{
		engine_stop();
		engine.expired = false;
	}
	if (engine.multi)
		return;
	memory_start();
	if (!set_up())
		memory_raise("libcurl could not be set up.");
	engine.deadline = -1;
	engine.wait_event = compat_wait_event("ImageBuilderRequest");
}

/*
 * A code of curl_easy_setopt() for an option that a request cannot do without.
 * Raises 53200 for want of memory, HV000 if libcurl does not have the option.
 */
void
engine_require(CURLcode code)
{
	if (code == CURLE_OUT_OF_MEMORY)
		memory_raise("libcurl could not take an option.");
	if (code != CURLE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("could not set up a request"),
				 errdetail("libcurl: %s.", curl_easy_strerror(code))));
}

/* The same for an option that not every libcurl has: only memory may not run out. */
void
engine_ask_for(CURLcode code)
{
	if (code == CURLE_OUT_OF_MEMORY)
		engine_require(code);
}

/*
 * A new easy handle with what every request needs, to be given to
 * engine_discard() in the end.  Raises 53200.
 */
CURL *
engine_handle(void)
{
	CURL	   *handle;

	engine_start();
	handle = curl_easy_init();
	if (handle == NULL)
		memory_raise("libcurl could not make a handle.");
	engine.nhandles++;
	return handle;
}

/*
 * Set the options that all requests share; "secret": the answer is one; "fresh": use
 * no kept connection.  Raises as engine_require().
 */
void
engine_set_options(CURL *handle, bool secret, bool fresh)
{
	/* While others are under way, what is expired can only be left unused. */
	engine_require(curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT,
									engine.expired || fresh ? 1L : 0L));
	engine_require(curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L));
	engine_require(curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, (long)
									(secret ? MEMORY_SECRET_BUFFER : MEMORY_BUFFER)));
	engine_require(curl_easy_setopt(handle, CURLOPT_SHARE, engine.share));
	engine_require(curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, sockets_open));
	engine_require(curl_easy_setopt(handle, CURLOPT_CLOSESOCKETFUNCTION, sockets_close));
	/* A cancel must not wait for a name server that does not answer. */
	engine_ask_for(compat_curl_set_quick_exit(handle));
}

/* CURLOPT_PREREQFUNCTION; 0: go on. */
static int
note_ready(void *data, char *remote, char *local, int remote_port, int local_port)
{
	(void) remote;
	(void) local;
	(void) remote_port;
	(void) local_port;
	((Job *) data)->ready = true;
	return 0;
}

static bool
is_ready(const Job *job, CURL *handle)
{
	curl_off_t	pretransfer_time = 0;

	curl_easy_getinfo(handle, CURLINFO_PRETRANSFER_TIME_T, &pretransfer_time);
	return compat_curl_is_ready(job->ready, pretransfer_time);
}

/* Whether a handle's request could be sent, or had begun to be. */
bool
engine_is_ready(CURL *handle)
{
	char	   *job = NULL;

	curl_easy_getinfo(handle, CURLINFO_PRIVATE, &job);
	return job && is_ready((Job *) job, handle);
}

/* When a transfer's time is up, of clock.h. */
static int64
deadline_of(const Job *job)
{
	int			limit = job->timeout;

	if (!is_ready(job, job->handle))
		limit = Min(limit, job->connect_timeout);
	return job->begun + 1000 * (int64) limit + engine.idle - job->idle;
}

/*
 * Whether an interrupt waits for which a transfer is to be ended.  Most that
 * PostgreSQL has (a barrier, a message of a parallel worker) raise no error, and
 * are served once libcurl returns, as it nearly always does in a moment: the
 * transfer could go on.  Which raise one cannot be told of all of them.
 */
static bool
is_to_be_interrupted(int64 now)
{
	return InterruptPending && INTERRUPTS_CAN_BE_PROCESSED() &&
		(QueryCancelPending || ProcDiePending || now >= engine.acts_since + MAX_DELAY);
}

/*
 * CURLOPT_XFERINFOFUNCTION: libcurl calls it in its loops, too, such as that
 * which reads a proxy's answer to CONNECT for as long as bytes come.  There it
 * ends the transfer whose time is up, or which an interrupt is to end:
 * engine_wait() serves that.  Signals are let in for a moment: PostgreSQL's
 * handlers only set flags, or end the process (SIGQUIT).
 */
static int
watch(void *data, curl_off_t download_total, curl_off_t downloaded, curl_off_t upload_total,
	  curl_off_t uploaded)
{
	Job		   *job = data;
	int64		now;

	(void) download_total;
	(void) downloaded;
	(void) upload_total;
	(void) uploaded;
	if (!engine.acting)
		return 0;
	now = clock_us();
	if (now < engine.look_at)
		return 0;
	engine.look_at = now + LOOK_INTERVAL;
	restore_signals();
	block_signals();
	job->timed_out = now >= deadline_of(job);
	return job->timed_out || is_to_be_interrupted(now);
}

/*
 * Whether OpenSSL may go on to read; false: it is to return, as if nothing had come.
 * In each call of libcurl's OpenSSL may read at least once, so that what is put off
 * gets on however slow the machine is.  When libcurl does not act, it closes a
 * connection, in vain reading what the peer may yet have said.
 */
bool
engine_may_read(void)
{
	int64		now;

	if (!engine.acting)
		return false;
	if (!engine.has_read)
		return true;
	now = clock_us();
	if (now < engine.acts_since + LOOK_INTERVAL && !is_to_be_interrupted(now))
		return true;
	engine.put_off = true;
	return false;
}

/* OpenSSL has read something. */
void
engine_note_read(void)
{
	engine.has_read = true;
}

/*
 * Start a handle's transfer, with the time that it may take to connect and
 * altogether, in ms; "done" will be called from engine_wait().  Raises 53200.
 */
void
engine_add(CURL *handle, int connect_timeout, int timeout, bool secret, void *owner,
		   EngineDone done)
{
	CURLMcode	code;
	Job		   *job = malloc(sizeof(Job));

	if (job == NULL)
		memory_raise("A request could not be started.");
	*job = (Job) {
		.handle = handle,
		.owner = owner,
		.done = done,
		.connect_timeout = connect_timeout,
		.timeout = timeout,
		.secret = secret,
		.refused = refusals(),
		.begun = -1,
	};
	dlist_push_tail(&jobs, &job->node);
	curl_easy_setopt(handle, CURLOPT_PRIVATE, job);
	engine_require(curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L));
	engine_require(curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, watch));
	engine_require(curl_easy_setopt(handle, CURLOPT_XFERINFODATA, job));
	engine_require(compat_curl_tell_ready(handle, note_ready, job));
	code = curl_multi_add_handle(engine.multi, handle);
	if (code == CURLM_OUT_OF_MEMORY)
		memory_raise("A request could not be started.");
	if (code != CURLM_OK)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("could not start a request"),
				 errdetail("libcurl: %s.", curl_multi_strerror(code))));
}

/* Let a transfer not get on any longer, without telling its owner. */
static void
end_job(Job *job)
{
	if (job->handle)
	{
		if (engine.multi)
			curl_multi_remove_handle(engine.multi, job->handle);
		dlist_delete(&job->node);
		if (!is_ready(job, job->handle))
			sockets_forget_gone();	/* it may have been connecting */
	}
	job->handle = NULL;
}

/* End a handle, its transfer included if that is under way; never fails. */
void
engine_discard(CURL *handle)
{
	char	   *private = NULL;
	Job		   *job;

	curl_easy_getinfo(handle, CURLINFO_PRIVATE, &private);
	job = (Job *) private;
	if (job)
		end_job(job);
	curl_easy_cleanup(handle);
	engine.nhandles--;
	if (job && job->secret)
		memory_wipe_buffer();
	free(job);
}

/*
 * Have no request use the idle connections to the address that a handle's connection
 * went to: it was lost, or nothing came, and what ended it (a NAT gateway that forgot
 * its connections, say) has ended these, too, without a word.
 */
void
engine_end_idle(CURL *handle)
{
	char	   *address = NULL;
	long		port = 0;

	curl_easy_getinfo(handle, CURLINFO_PRIMARY_IP, &address);
	curl_easy_getinfo(handle, CURLINFO_PRIMARY_PORT, &port);
	if (address)
		sockets_end_idle(address, port);
}

/* What a code of libcurl's, or watch()'s end of a transfer, means. */
static CURLcode
meaning_of(const Job *job, CURLcode result)
{
	/* libcurl may have gone on without what it could not copy, a URL's query, say. */
	if (job->refused != refusals())
		return CURLE_OUT_OF_MEMORY;
	if (result == CURLE_ABORTED_BY_CALLBACK)
		return job->timed_out ? CURLE_OPERATION_TIMEDOUT : CURLE_RECV_ERROR;
	/* No request was refused: an answer's headers are over a limit of libcurl's. */
	if (result == CURLE_OUT_OF_MEMORY && memory_is_ours() && is_ready(job, job->handle))
		return CURLE_WEIRD_SERVER_REPLY;
	return result;
}

static void
finish_job(Job *job, CURLcode result)
{
	result = meaning_of(job, result);
	end_job(job);
	job->done(job->owner, result);
}

/* Take libcurl's word on which transfers are done. */
static void
collect_results(void)
{
	CURLMsg    *message;
	int			left;

	while (engine.multi && (message = curl_multi_info_read(engine.multi, &left)))
	{
		CURLcode	result = message->data.result;
		char	   *private;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
		finish_job((Job *) private, result);
	}
}

/*
 * Note what has passed since the last wait.  Time-outs do not count it, as
 * transfers could not get on: what came while PostgreSQL did other things, between
 * two rows of a cursor, say, is only seen now.
 */
static void
resume_jobs(void)
{
	int64		now = clock_us();
	dlist_iter	iter;

	engine.idle += now - engine.left_at;
	engine.left_at = now;
	dlist_foreach(iter, &jobs)
	{
		Job		   *job = dlist_container(Job, node, iter.cur);

		if (job->begun < 0)
		{
			job->begun = now;
			job->idle = engine.idle;
		}
		/* It shares this out among a host's addresses, but goes by the clock. */
		curl_easy_setopt(job->handle, CURLOPT_CONNECTTIMEOUT_MS, (long)
						 (job->connect_timeout + (engine.idle - job->idle + 999) / 1000));
	}
}

/* When the next transfer's time is up, or libcurl wants to be called; -1: never. */
static int64
next_deadline(void)
{
	int64		next = engine.deadline;
	dlist_iter	iter;

	dlist_foreach(iter, &jobs)
	{
		int64		deadline = deadline_of(dlist_container(Job, node, iter.cur));

		if (next < 0 || deadline < next)
			next = deadline;
	}
	return next;
}

/* End the transfers whose time is up. */
static void
enforce_timeouts(void)
{
	int64		now = clock_us();
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &jobs)
	{
		Job		   *job = dlist_container(Job, node, iter.cur);

		if (now >= deadline_of(job))
			finish_job(job, CURLE_OPERATION_TIMEDOUT);
	}
}

/*
 * Drop the multi handle, and fail all transfers.  After it has run out of memory
 * a socket may be waited for that nobody looks at, and 7.88 divides by zero when
 * the socket's number is used again.
 */
static void
give_up(CURLcode result)
{
	while (!dlist_is_empty(&jobs))
		finish_job(dlist_head_element(Job, node, &jobs), result);
	curl_multi_cleanup(engine.multi);
	engine.multi = NULL;
	engine.deadline = -1;
}

/* Let libcurl act on a socket, or on its timer. */
static void
act(curl_socket_t fd, int events)
{
	uint64		refused = sockets_refused();
	CURLMcode	code;
	int			running;

	if (fd == CURL_SOCKET_TIMEOUT)
		engine.deadline = -1;
	/* It may start a request, or send one again on another connection. */
	sockets_end_talkative();
	engine.acts_since = clock_us();
	engine.look_at = engine.acts_since + LOOK_INTERVAL;
	block_signals();
	engine.acting = true;
	engine.has_read = false;
	code = curl_multi_socket_action(engine.multi, fd, events, &running);
	engine.acting = false;
	restore_signals();
	if (code == CURLM_OUT_OF_MEMORY || refused != sockets_refused())
		give_up(CURLE_OUT_OF_MEMORY);
	else if (code != CURLM_OK)
		give_up(CURLE_RECV_ERROR);
}

/* Something has happened on a socket. */
static void
act_on_socket(const WaitEvent *event)
{
	if (!sockets_tell_watcher(event->fd) && sockets_is_waited_for(event->fd) && engine.multi)
		act(event->fd,
			(event->events & WL_SOCKET_READABLE ? CURL_CSELECT_IN : 0) |
			(event->events & WL_SOCKET_WRITEABLE ? CURL_CSELECT_OUT : 0));
}

/*
 * Have libcurl go on with what engine_may_read() has put off.  The kernel need not
 * have it: of a record of a proxy's TLS a part may have been read, by the TLS within.
 */
static void
read_on(void)
{
	engine.put_off = false;
	/* From the last one: acting may remove any, and moves the last one to its place. */
	for (int i = sockets_count() - 1; i >= 0 && engine.multi; i--)
	{
		curl_socket_t fd = sockets_reading(i);

		if (fd != CURL_SOCKET_BAD)
			act(fd, CURL_CSELECT_IN);
	}
}

/* Let libcurl and watchers act on what has happened; the latch is reset. */
static void
take_events(const WaitEvent *events, int nevents)
{
	bool		silent = true;

	for (int i = 0; i < nevents; i++)
	{
		if (events[i].events & WL_LATCH_SET)
			ResetLatch(MyLatch);
		else if (events[i].events & WL_SOCKET_MASK)
		{
			silent = false;
			act_on_socket(&events[i]);
		}
	}
	if (silent && engine.put_off)
		read_on();
}

/*
 * Wait until something happens on the network or on a watched descriptor (see
 * sockets_watch()), or for "timeout" ms (-1: for ever; 0: only look), and let
 * libcurl or the watcher act on it.  Raises whatever an
 * interrupt raises.
 */
void
engine_wait(long timeout)
{
	WaitEvent	events[MAX_EVENTS];
	bool		look = timeout == 0 || engine.put_off;
	int64		next;
	int			nevents;

	CHECK_FOR_INTERRUPTS();
	engine_start();
	resume_jobs();
	next = next_deadline();
	if (next >= 0)
	{
		long		left = clock_ms_until(next);

		if (timeout < 0 || left < timeout)
			timeout = left;
	}
	if (engine.put_off)
		timeout = 0;
	/* Nothing to look at before libcurl has acted on a timer that is due. */
	if (timeout != 0 || look || next != engine.deadline)
	{
		nevents = WaitEventSetWait(sockets_wait_set(), timeout, events, MAX_EVENTS,
								   engine.wait_event);
		take_events(events, nevents);
	}
	if (engine.deadline >= 0 && clock_us() >= engine.deadline)
		act(CURL_SOCKET_TIMEOUT, 0);
	collect_results();
	enforce_timeouts();
	engine.left_at = clock_us();
	CHECK_FOR_INTERRUPTS();
}

/* Use none of the connections there are for later requests; never fails. */
void
engine_expire_connections(void)
{
	engine.expired = true;
}
