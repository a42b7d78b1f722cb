/*
 * http.c: HTTP requests whose waits PostgreSQL can interrupt.
 *
 * A transfer ends when libcurl reports it done, when its time is up, or when its
 * memory context is reset.  Only time spent in http_wait() counts towards time-outs:
 * while PostgreSQL does other things, such as between two rows of a cursor, libcurl
 * does not receive.
 */
#include "postgres.h"

#include "clock.h"
#include "http/transfer.h"

static dlist_head transfers = DLIST_STATIC_INIT(transfers);	/* under way */

/* End of the last wait, of clock.h. */
static int64 paused_at;

/* Return how many requests for memory have been refused, those of sockets.c included. */
static uint64
refusals(void)
{
	return memory_refused + sockets_refused;
}

/* Note that libcurl is about to send the request (a CURLOPT_PREREQFUNCTION); 0: go on. */
static int
note_ready(void *data, char *remote, char *local, int remote_port, int local_port)
{
	((Transfer *) data)->ready = true;
	return 0;
}

/* True if a transfer had a connection for its request. */
bool
transfer_is_ready(const Transfer *x)
{
	curl_off_t	pretransfer_time = 0;

	curl_easy_getinfo(x->handle, CURLINFO_PRETRANSFER_TIME_T, &pretransfer_time);
	return compat_curl_is_ready(x->ready, pretransfer_time);
}

/* Return when a transfer's time is up, of clock.h. */
static int64
deadline_of(const Transfer *x)
{
	int			limit = transfer_is_ready(x) ? x->timeout :
		Min(x->timeout, x->connect_timeout);

	return x->begun + 1000 * (int64) limit + x->idle;
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
	Transfer   *x = data;
	int64		now = clock_us();

	if (!call_is_look_due(now))
		return 0;
	x->timed_out = now >= deadline_of(x);
	return x->timed_out || call_is_to_be_interrupted(now);
}

/* Remove a transfer from libcurl if it is under way. */
static void
end(Transfer *x)
{
	if (x->multi == NULL)
		return;
	curl_multi_remove_handle(x->multi, x->handle);
	x->multi = NULL;
	dlist_delete(&x->node);
	if (!transfer_is_ready(x))
		sockets_forget_closed();	/* libcurl closes a connecting socket without a
									 * callback */
}

/* Map libcurl's result, or watch()'s, to the result that counts. */
static CURLcode
meaning_of(const Transfer *x, CURLcode result)
{
	/* libcurl may have sent the request without a part, such as the query. */
	if (x->no_memory || x->refused != refusals())
		return CURLE_OUT_OF_MEMORY;
	if (result == CURLE_ABORTED_BY_CALLBACK)
		return x->timed_out ? CURLE_OPERATION_TIMEDOUT : CURLE_RECV_ERROR;
	/* libcurl reports headers over one of its own limits as CURLE_OUT_OF_MEMORY. */
	if (result == CURLE_OUT_OF_MEMORY && memory_is_ours && transfer_is_ready(x))
		return CURLE_WEIRD_SERVER_REPLY;
	return result;
}

/* End a transfer, and store its outcome; raises no errors. */
static void
finish(Transfer *x, CURLcode result)
{
	long		status = 0;

	result = meaning_of(x, result);
	end(x);
	curl_easy_getinfo(x->handle, CURLINFO_RESPONSE_CODE, &status);
	x->pub.status = (int) status;
	x->pub.milliseconds = (clock_us() - x->started) / 1000.0;
	x->pub.body = x->body.data ? x->body.data : "";
	x->pub.length = x->body.length;
	x->pub.outcome = outcome_of(x, result);
	/* A NAT gateway, say, that forgot this connection has probably forgotten idle ones. */
	if (x->pub.outcome == HTTP_CONNECTION_LOST)
		sockets_shutdown_idle_connections(x->handle);
}

/*
 * Start a transfer again, on a new connection, if libcurl could send nothing of the
 * request, since it has tried kept connections only, which were all dead; false if that
 * is not so, or fails.  From 8.22 on libcurl takes a connection that it used within the
 * last second for alive, even one that sockets.c has shut down, and gives up after six.
 */
static bool
restart(Transfer *x, CURLcode result)
{
	long		connections = 0;	/* new ones */
	long		sent = 0;			/* bytes of requests */

	curl_easy_getinfo(x->handle, CURLINFO_NUM_CONNECTS, &connections);
	curl_easy_getinfo(x->handle, CURLINFO_REQUEST_SIZE, &sent);
	if (result != CURLE_SEND_ERROR || connections > 0 || sent > 0)
		return false;
	curl_multi_remove_handle(x->multi, x->handle);
	x->ready = false;
	x->error[0] = '\0';
	return curl_easy_setopt(x->handle, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
		curl_multi_add_handle(x->multi, x->handle) == CURLM_OK;
}

/* Note that a wait begins.  Return when the first transfer's time is up, of clock.h. */
int64
transfers_resume(void)
{
	int64		now = clock_us();
	int64		next = PG_INT64_MAX;
	dlist_iter	iter;

	dlist_foreach(iter, &transfers)
	{
		Transfer   *x = dlist_container(Transfer, node, iter.cur);

		if (x->begun < 0)
			x->begun = now;
		else
			x->idle += now - paused_at;
		/* libcurl divides this time among addresses, and counts the time between waits. */
		curl_easy_setopt(x->handle, CURLOPT_CONNECTTIMEOUT_MS, (long)
						 (x->connect_timeout + (x->idle + 999) / 1000));
		next = Min(next, deadline_of(x));
	}
	paused_at = now;			/* in case the wait raises an error */
	return next;
}

/* Note that a wait ends: finish the transfers that are done, or whose time is up. */
void
transfers_pause(CURLM *multi)
{
	CURLMsg    *message;
	int			left;
	int64		now;
	dlist_mutable_iter iter;

	while (multi && (message = curl_multi_info_read(multi, &left)))
	{
		char	   *x = NULL;
		CURLcode	result = message->data.result;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &x);
		if (message->msg == CURLMSG_DONE && !restart((Transfer *) x, result))
			finish((Transfer *) x, result);
	}
	now = clock_us();
	dlist_foreach_modify(iter, &transfers)
	{
		Transfer   *x = dlist_container(Transfer, node, iter.cur);

		if (now >= deadline_of(x))
			finish(x, CURLE_OPERATION_TIMEDOUT);
	}
	paused_at = clock_us();
}

/* Finish all transfers with a result. */
void
transfers_fail(CURLcode result)
{
	while (!dlist_is_empty(&transfers))
		finish(dlist_head_element(Transfer, node, &transfers), result);
}

/* Free a transfer but for the answer's body; http_header() must not be called then. */
void
http_release(HttpTransfer *transfer)
{
	Transfer   *x = (Transfer *) transfer;

	if (x->handle)
	{
		end(x);
		engine_discard(x->handle);
		if (x->secret)
			memory_wipe_buffer();
	}
	curl_slist_free_all(x->request_headers);
	answer_free(x, &x->headers);
	x->handle = NULL;
	x->request_headers = NULL;
}

/* End and free a transfer (a MemoryContextCallback). */
static void
free_transfer(void *arg)
{
	Transfer   *x = arg;

	http_release(&x->pub);
	answer_free(x, &x->body);
}

/* Set the options for a request and its answer.  Raises 53200, HV000. */
static void
set_options(Transfer *x, const HttpRequest *request)
{
	CURL	   *h = x->handle;
	ListCell   *lc;

	foreach(lc, request->headers)
	{
		struct curl_slist *longer = curl_slist_append(x->request_headers, lfirst(lc));

		if (longer == NULL)
			setopt_check(CURLE_OUT_OF_MEMORY, true);
		x->request_headers = longer;
	}
	REQUIRE(h, CURLOPT_URL, request->url);
	REQUIRE(h, CURLOPT_PATH_AS_IS, 1L);	/* send the path as it was signed */
	setopt_check(compat_curl_set_protocol(h, x->tls), true);
	REQUIRE(h, CURLOPT_FOLLOWLOCATION, 0L);
	if (strcmp(request->method, "POST") == 0)
	{
		REQUIRE(h, CURLOPT_POST, 1L);
		REQUIRE(h, CURLOPT_POSTFIELDS, request->body ? request->body : "");
	}
	else if (strcmp(request->method, "GET") != 0)
		REQUIRE(h, CURLOPT_CUSTOMREQUEST, request->method);
	/* Ignore http_proxy and no_proxy from the environment. */
	REQUIRE(h, CURLOPT_PROXY, request->proxy ? request->proxy : "");
	REQUIRE(h, CURLOPT_NOPROXY, "");
	/* Tunnel plain HTTP, too: the proxy then gets a CONNECT in place of the request. */
	REQUIRE(h, CURLOPT_HTTPPROXYTUNNEL, 1L);
	REQUIRE(h, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	REQUIRE(h, CURLOPT_HTTPHEADER, x->request_headers);
	REQUIRE(h, CURLOPT_USERAGENT, request->user_agent);
	REQUIRE(h, CURLOPT_BUFFERSIZE, (long) (x->secret ? MEMORY_SECRET_BUFFER : MEMORY_BUFFER));
	REQUIRE(h, CURLOPT_NOSIGNAL, 1L);
	/* Let a cancel end the transfer at once even if a name server does not answer. */
	setopt_check(compat_curl_set_quick_exit(h), false);
}

/* Set libcurl's callbacks for a transfer.  Raises 53200, HV000. */
static void
set_callbacks(Transfer *x)
{
	CURL	   *h = x->handle;

	REQUIRE(h, CURLOPT_PRIVATE, x);
	REQUIRE(h, CURLOPT_OPENSOCKETFUNCTION, sockets_open);
	REQUIRE(h, CURLOPT_CLOSESOCKETFUNCTION, sockets_close);
	setopt_check(compat_curl_tell_ready(h, note_ready, x), true);
	REQUIRE(h, CURLOPT_NOPROGRESS, 0L);
	REQUIRE(h, CURLOPT_XFERINFOFUNCTION, watch);
	REQUIRE(h, CURLOPT_XFERINFODATA, x);
	REQUIRE(h, CURLOPT_HEADERFUNCTION, answer_take_header);
	REQUIRE(h, CURLOPT_HEADERDATA, x);
	REQUIRE(h, CURLOPT_WRITEFUNCTION, answer_take_body);
	REQUIRE(h, CURLOPT_WRITEDATA, x);
	REQUIRE(h, CURLOPT_ERRORBUFFER, x->error);
}

/*
 * Send a request and return without waiting.
 *
 * The transfer belongs to the current memory context, and ends with it at the latest;
 * http_wait() sets its outcome.  Redirects are not followed, certificates and host
 * names are verified, TLS is 1.2 or later.  Raises 53200, HV000, and what an interrupt
 * raises.
 */
HttpTransfer *
http_start(const HttpRequest *request)
{
	Transfer   *x = palloc0(sizeof(Transfer));

	x->pub.outcome = HTTP_PENDING;
	x->pub.secrets = request->secrets;
	x->handle = engine_handle();
	x->callback.func = free_transfer;
	x->callback.arg = x;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &x->callback);
	x->tls = strncmp(request->url, "https:", 6) == 0;
	x->proxied = request->proxy != NULL;
	x->connect_timeout = request->connect_timeout;
	x->timeout = request->timeout;
	x->max_body = request->max_body;
	x->secret = request->secret;
	x->started = clock_us();
	x->begun = -1;
	set_options(x, request);
	set_callbacks(x);
	if (x->tls || (request->proxy && strncmp(request->proxy, "https:", 6) == 0))
		tls_set_options(x->handle, request->ca_bundle);
	x->refused = refusals();
	engine_add(x, request->fresh);
	dlist_push_tail(&transfers, &x->node);
	return &x->pub;
}
