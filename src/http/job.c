/*
 * job.c: transfers, from their start to their result.
 *
 * A job is the CURLOPT_PRIVATE pointer of its easy handle.  A job ends when libcurl
 * reports the transfer done, when its time is up, or when its handle is discarded.
 * Only time spent in http_wait() counts towards time-outs: while PostgreSQL does other
 * things, such as between two rows of a cursor, libcurl does not receive.
 */
#include "postgres.h"

#include "clock.h"
#include "http/call.h"
#include "http/job.h"
#include "http/memory.h"
#include "http/sockets.h"
#include "lib/ilist.h"

typedef struct Job
{
	dlist_node	node;			/* in jobs, until the job is over */
	CURLM	   *multi;
	CURL	   *handle;
	void	   *owner;
	JobDone		done;
	int			connect_timeout;	/* ms */
	int			timeout;
	bool		ready;			/* libcurl has a connection for the request */
	bool		over;			/* not in jobs any more */
	bool		timed_out;		/* watch() ended it because its time was up */
	uint64		refused;		/* refusals() at the start */
	int64		begun;			/* when the first wait began, of clock.h; -1: not yet */
	int64		idle;			/* us since "begun" spent outside http_wait() */
} Job;

static dlist_head jobs = DLIST_STATIC_INIT(jobs);

/* End of the last wait, of clock.h. */
static int64 paused_at;

/* Return how many requests for memory have been refused, those of sockets.c included. */
static uint64
refusals(void)
{
	return memory_refused() + sockets_refused();
}

static Job *
job_of(CURL *handle)
{
	char	   *job = NULL;

	curl_easy_getinfo(handle, CURLINFO_PRIVATE, &job);
	return (Job *) job;
}

/* Note that libcurl is about to send the request (a CURLOPT_PREREQFUNCTION); 0: go on. */
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

/* True if a handle, whose transfer job_start() began, had a connection for its request. */
bool
job_is_ready(CURL *handle)
{
	curl_off_t	pretransfer_time = 0;

	curl_easy_getinfo(handle, CURLINFO_PRETRANSFER_TIME_T, &pretransfer_time);
	return compat_curl_is_ready(job_of(handle)->ready, pretransfer_time);
}

/* Return when a transfer's time is up, of clock.h. */
static int64
deadline_of(const Job *job)
{
	int			limit = job_is_ready(job->handle) ? job->timeout :
		Min(job->timeout, job->connect_timeout);

	return job->begun + 1000 * (int64) limit + job->idle;
}

/*
 * End a transfer whose time is up or which an interrupt has to end (a
 * CURLOPT_XFERINFOFUNCTION).  libcurl calls this inside its loops, too, such as the
 * one that reads a proxy's answer to CONNECT for as long as bytes come; http_wait()
 * serves the interrupt afterwards.
 */
static int
watch(void *data, curl_off_t download_total, curl_off_t downloaded, curl_off_t upload_total,
	  curl_off_t uploaded)
{
	Job		   *job = data;
	int64		now = clock_us();

	(void) download_total;
	(void) downloaded;
	(void) upload_total;
	(void) uploaded;
	if (!call_is_look_due(now))
		return 0;
	job->timed_out = now >= deadline_of(job);
	return job->timed_out || call_is_to_be_interrupted(now);
}

/* Start a handle's transfer; time limits are in ms.  Raises 53200, HV000. */
void
job_start(CURLM *multi, CURL *handle, int connect_timeout, int timeout, void *owner,
		  JobDone done)
{
	CURLMcode	code;
	Job		   *job = malloc(sizeof(Job));

	if (job == NULL)
		memory_raise("A request could not be started.");
	*job = (Job) {
		.multi = multi,
		.handle = handle,
		.owner = owner,
		.done = done,
		.connect_timeout = connect_timeout,
		.timeout = timeout,
		.refused = refusals(),
		.begun = -1,
	};
	dlist_push_tail(&jobs, &job->node);
	curl_easy_setopt(handle, CURLOPT_PRIVATE, job);
	REQUIRE(handle, CURLOPT_NOPROGRESS, 0L);
	REQUIRE(handle, CURLOPT_XFERINFOFUNCTION, watch);
	REQUIRE(handle, CURLOPT_XFERINFODATA, job);
	setopt_check(compat_curl_tell_ready(handle, note_ready, job), true);
	code = curl_multi_add_handle(multi, handle);
	if (code == CURLM_OUT_OF_MEMORY)
		memory_raise("A request could not be started.");
	if (code != CURLM_OK)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("could not start a request"),
				 errdetail("libcurl: %s.", curl_multi_strerror(code))));
}

/* Remove a transfer from libcurl, unless it is over, without calling its JobDone. */
static void
end(Job *job)
{
	if (job->over)
		return;
	job->over = true;
	curl_multi_remove_handle(job->multi, job->handle);
	dlist_delete(&job->node);
	if (!job_is_ready(job->handle))
		sockets_forget_closed();	/* libcurl closes a connecting socket without a
									 * callback */
}

/* End the transfer of a handle, if there is one, and free the handle; never fails. */
void
job_free(CURL *handle)
{
	Job		   *job = job_of(handle);

	if (job)
		end(job);
	curl_easy_cleanup(handle);
	free(job);
}

/* Map libcurl's result, or watch()'s, to the result that JobDone gets. */
static CURLcode
meaning_of(const Job *job, CURLcode result)
{
	/* libcurl may have sent the request without a part, such as the query. */
	if (job->refused != refusals())
		return CURLE_OUT_OF_MEMORY;
	if (result == CURLE_ABORTED_BY_CALLBACK)
		return job->timed_out ? CURLE_OPERATION_TIMEDOUT : CURLE_RECV_ERROR;
	/* libcurl reports headers over one of its own limits as CURLE_OUT_OF_MEMORY. */
	if (result == CURLE_OUT_OF_MEMORY && memory_is_ours() && job_is_ready(job->handle))
		return CURLE_WEIRD_SERVER_REPLY;
	return result;
}

/*
 * Start a transfer again, on a new connection, if libcurl could send nothing of the
 * request, since it has tried kept connections only, which were all dead; false if that
 * is not so, or fails.  From 8.22 on libcurl takes a connection that it used within the
 * last second for alive, even one that sockets.c has shut down, and gives up after six.
 */
static bool
restart(Job *job, CURLcode result)
{
	long		connections = 0;	/* new ones */
	long		sent = 0;			/* bytes of requests */

	curl_easy_getinfo(job->handle, CURLINFO_NUM_CONNECTS, &connections);
	curl_easy_getinfo(job->handle, CURLINFO_REQUEST_SIZE, &sent);
	if (result != CURLE_SEND_ERROR || connections > 0 || sent > 0)
		return false;
	curl_multi_remove_handle(job->multi, job->handle);
	job->ready = false;
	return curl_easy_setopt(job->handle, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
		curl_multi_add_handle(job->multi, job->handle) == CURLM_OK;
}

static void
finish(Job *job, CURLcode result)
{
	result = meaning_of(job, result);
	end(job);
	job->done(job->owner, result);
}

/* Note that a wait begins.  Return when the first transfer's time is up, of clock.h. */
int64
job_resume_all(void)
{
	int64		now = clock_us();
	int64		next = PG_INT64_MAX;
	dlist_iter	iter;

	dlist_foreach(iter, &jobs)
	{
		Job		   *job = dlist_container(Job, node, iter.cur);

		if (job->begun < 0)
			job->begun = now;
		else
			job->idle += now - paused_at;
		/* libcurl divides this time among addresses, and counts the time between waits. */
		curl_easy_setopt(job->handle, CURLOPT_CONNECTTIMEOUT_MS, (long)
						 (job->connect_timeout + (job->idle + 999) / 1000));
		next = Min(next, deadline_of(job));
	}
	paused_at = now;			/* in case the wait raises an error */
	return next;
}

/* Note that a wait ends: finish the transfers that are done, or whose time is up. */
void
job_pause_all(CURLM *multi)
{
	CURLMsg    *message;
	int			left;
	int64		now;
	dlist_mutable_iter iter;

	while (multi && (message = curl_multi_info_read(multi, &left)))
	{
		Job		   *job = job_of(message->easy_handle);
		CURLcode	result = message->data.result;

		if (message->msg == CURLMSG_DONE && !restart(job, result))
			finish(job, result);
	}
	now = clock_us();
	dlist_foreach_modify(iter, &jobs)
	{
		Job		   *job = dlist_container(Job, node, iter.cur);

		if (now >= deadline_of(job))
			finish(job, CURLE_OPERATION_TIMEDOUT);
	}
	paused_at = clock_us();
}

/* Finish all transfers with a result. */
void
job_fail_all(CURLcode result)
{
	while (!dlist_is_empty(&jobs))
		finish(dlist_head_element(Job, node, &jobs), result);
}
