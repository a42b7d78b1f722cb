/* http.c: HTTP requests whose waits PostgreSQL can interrupt. */
#include "postgres.h"

#include "clock.h"
#include "compat.h"
#include "http/answer.h"
#include "http/engine.h"
#include "http/memory.h"
#include "http/sockets.h"
#include "secret.h"

/* State of a transfer that libcurl uses; freed with the HttpTransfer's memory context. */
typedef struct HttpState
{
	CURL	   *handle;
	struct curl_slist *headers;
	bool		tls;
	bool		proxied;
	Answer		answer;
	int64		started;		/* time of clock.h */
	char		error[CURL_ERROR_SIZE];
	MemoryContextCallback callback;
} HttpState;

/* Put into x->error how far a transfer got before it timed out. */
static void
timed_out(HttpState *x)
{
	curl_off_t	resolved = 0;
	curl_off_t	connect = 0;
	curl_off_t	first_byte = 0;
	bool		connected = job_is_ready(x->handle);

	curl_easy_getinfo(x->handle, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
	curl_easy_getinfo(x->handle, CURLINFO_CONNECT_TIME_T, &connect);
	curl_easy_getinfo(x->handle, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
	snprintf(x->error, sizeof(x->error), "timed out after %d ms while %s",
			 (int) ((clock_us() - x->started) / 1000),
			 first_byte > 0 ? "receiving the answer" :
			 connected ? "waiting for the answer" :
			 connect > 0 ? "making the TLS connection" :
			 resolved > 0 ? "connecting" : "resolving the host's name");
}

/* True if a proxy refused the connection, which another attempt would hardly change. */
static bool
refused_by_proxy(HttpState *x)
{
	long		status = 0;

	curl_easy_getinfo(x->handle, CURLINFO_HTTP_CONNECTCODE, &status);
	if (status < 300)
		return false;
	snprintf(x->error, sizeof(x->error), "the proxy answered with HTTP status %ld%s", status,
			 status == 407 ? ", which asks for a user name and a password" : "");
	return true;
}

/* Map a CURLcode to the outcome of a failed transfer. */
static HttpOutcome
outcome_of_code(HttpState *x, CURLcode result, const char **problem)
{
	bool		connected = job_is_ready(x->handle);

	/* libcurl keeps its first message, even one about a kept connection that was dead. */
	if (result == CURLE_PEER_FAILED_VERIFICATION && !strstr(*problem, "certificate"))
		*problem = curl_easy_strerror(result);
	if (compat_curl_is_bad_chunk(result, *problem))
		return HTTP_MALFORMED;
	switch (result)
	{
		case CURLE_OUT_OF_MEMORY:
			*problem = "memory ran out";
			return HTTP_NO_MEMORY;
		case CURLE_OPERATION_TIMEDOUT:
			timed_out(x);
			*problem = x->error;
			return connected ? HTTP_CONNECTION_LOST : HTTP_NO_CONNECTION;
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_COULDNT_RESOLVE_PROXY:
		case CURLE_COULDNT_CONNECT:
		case CURLE_SSL_CONNECT_ERROR:
			return HTTP_NO_CONNECTION;
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_ENGINE_INITFAILED:
			return HTTP_UNTRUSTED;
		case CURLE_GOT_NOTHING:
		case CURLE_PARTIAL_FILE:
		case CURLE_RECV_ERROR:
		case CURLE_SEND_ERROR:
			/* A connection was not lost if it had not been made, say by a proxy. */
			return connected ? HTTP_CONNECTION_LOST : HTTP_NO_CONNECTION;
		default:
			/* The other codes are about reading an answer, of the service or a proxy. */
			return connected ? HTTP_MALFORMED : HTTP_NO_CONNECTION;
	}
}

/* Say what a failed transfer met. */
static HttpObstacle
obstacle_of(HttpState *x, CURLcode result)
{
	long		received = 0;		/* bytes of headers */

	switch (result)
	{
		case CURLE_COULDNT_RESOLVE_HOST:
			return HTTP_OBSTACLE_NAME;
		case CURLE_COULDNT_RESOLVE_PROXY:
			return HTTP_OBSTACLE_PROXY;
		case CURLE_COULDNT_CONNECT:
			return x->proxied ? HTTP_OBSTACLE_PROXY : HTTP_OBSTACLE_PORT;
		case CURLE_OPERATION_TIMEDOUT:
			/* A server of plain HTTP may take the ClientHello for half a line. */
			return x->tls && !job_is_ready(x->handle) ?
				HTTP_OBSTACLE_SILENCE : HTTP_OBSTACLE_OTHER;
		case CURLE_SSL_CONNECT_ERROR:
			return x->tls && !x->proxied ? HTTP_OBSTACLE_PLAIN : HTTP_OBSTACLE_OTHER;
		case CURLE_GOT_NOTHING:
		case CURLE_RECV_ERROR:
		case CURLE_SEND_ERROR:
			/* Servers end a connection whose first bytes are no TLS, without a word. */
			curl_easy_getinfo(x->handle, CURLINFO_HEADER_SIZE, &received);
			return !x->tls && job_is_ready(x->handle) && received == 0 ?
				HTTP_OBSTACLE_TLS : HTTP_OBSTACLE_OTHER;
		default:
			return HTTP_OBSTACLE_OTHER;
	}
}

static HttpOutcome
outcome_of(HttpState *x, CURLcode result, const char **problem)
{
	const Answer *answer = &x->answer;

	*problem = NULL;
	if (answer->cut || (result == CURLE_OK && answer->headers_ended))
		return HTTP_ANSWERED;
	/*
	 * libcurl 7.88 does not report headers without an end, libcurl 8.22 does not report
	 * headers of which only the last line feed is missing; both report chunks without an
	 * end.
	 */
	if (result == CURLE_OK)
	{
		*problem = "the connection ended within the answer's headers";
		return HTTP_CONNECTION_LOST;
	}
	if (refused_by_proxy(x))
	{
		*problem = x->error;
		return HTTP_REFUSED_BY_PROXY;
	}
	if (answer->no_memory)
		return outcome_of_code(x, CURLE_OUT_OF_MEMORY, problem);
	if (answer->header_problem)
	{
		*problem = answer->header_problem;
		return job_is_ready(x->handle) ? HTTP_MALFORMED : HTTP_NO_CONNECTION;
	}
	if (answer->body_too_large)
	{
		snprintf(x->error, sizeof(x->error), "the body is larger than %zu bytes",
				 answer->max_body);
		*problem = x->error;
		return HTTP_TOO_LARGE;
	}
	*problem = x->error[0] ? x->error : curl_easy_strerror(result);
	return outcome_of_code(x, result, problem);
}

/* Store a transfer's outcome (a JobDone, which must not raise errors). */
static void
transfer_done(void *owner, CURLcode result)
{
	HttpTransfer *transfer = owner;
	HttpState  *x = transfer->state;
	long		status = 0;

	curl_easy_getinfo(x->handle, CURLINFO_RESPONSE_CODE, &status);
	transfer->status = (int) status;
	transfer->milliseconds = (clock_us() - x->started) / 1000.0;
	transfer->body = x->answer.body.data ? x->answer.body.data : "";
	transfer->length = x->answer.body.length;
	transfer->outcome = outcome_of(x, result, &transfer->problem);
	transfer->obstacle = obstacle_of(x, result);
	/* A NAT gateway, say, that forgot this connection has probably forgotten idle ones. */
	if (transfer->outcome == HTTP_CONNECTION_LOST)
		sockets_shutdown_idle_connections(x->handle);
}

/* End the transfer if it is under way, and free everything but the answer's body. */
static void
release_state(HttpState *x)
{
	if (x->handle)
	{
		engine_discard(x->handle);
		if (x->answer.secret)
			memory_wipe_buffer();
	}
	curl_slist_free_all(x->headers);
	answer_free(&x->answer, &x->answer.headers);
	x->handle = NULL;
	x->headers = NULL;
}

/* End and free a transfer (a MemoryContextCallback). */
static void
free_state(void *arg)
{
	HttpState  *x = arg;

	release_state(x);
	answer_free(&x->answer, &x->answer.body);
}

/* Set the options for a request and its answer.  Raises 53200. */
static void
set_options(HttpState *x, const HttpRequest *request)
{
	CURL	   *h = x->handle;

	for (int i = 0; request->headers[i]; i++)
	{
		struct curl_slist *longer = curl_slist_append(x->headers, request->headers[i]);

		if (longer == NULL)
			setopt_check(CURLE_OUT_OF_MEMORY, true);
		x->headers = longer;
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
	REQUIRE(h, CURLOPT_HTTPHEADER, x->headers);
	REQUIRE(h, CURLOPT_USERAGENT, request->user_agent);
	REQUIRE(h, CURLOPT_HEADERFUNCTION, answer_take_header);
	REQUIRE(h, CURLOPT_HEADERDATA, &x->answer);
	REQUIRE(h, CURLOPT_WRITEFUNCTION, answer_take_body);
	REQUIRE(h, CURLOPT_WRITEDATA, &x->answer);
	REQUIRE(h, CURLOPT_ERRORBUFFER, x->error);
}

/*
 * Send a request and return without waiting.
 *
 * The transfer belongs to the current memory context, and ends with it at the latest;
 * http_wait() sets its outcome.  Redirects are not followed, certificates and host
 * names are verified, TLS is 1.2 or later.  Raises 53200, and what an interrupt raises.
 */
HttpTransfer *
http_start(const HttpRequest *request)
{
	HttpTransfer *transfer = palloc0(sizeof(HttpTransfer));
	HttpState  *x = palloc0(sizeof(HttpState));

	x->handle = engine_handle();
	x->callback.func = free_state;
	x->callback.arg = x;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &x->callback);
	x->answer.handle = x->handle;
	x->answer.max_body = request->max_body;
	x->answer.secret = request->secret;
	x->tls = strncmp(request->url, "https:", 6) == 0;
	x->proxied = request->proxy != NULL;
	set_options(x, request);
	if (x->tls || (request->proxy && strncmp(request->proxy, "https:", 6) == 0))
		tls_set_options(x->handle, request->ca_bundle);
	transfer->state = x;
	transfer->outcome = HTTP_PENDING;
	x->started = clock_us();
	engine_add(x->handle, request, transfer, transfer_done);
	return transfer;
}

/* Free a transfer but for the answer's body; http_header() must not be called then. */
void
http_release(HttpTransfer *transfer)
{
	release_state(transfer->state);
}

/*
 * Return a copy of an answer's header, protected by secret_protect() if the answer is
 * secret; NULL if the answer has no such header.  The name's case does not matter; of
 * several headers of the name, the first counts.
 */
char *
http_header(const HttpTransfer *transfer, const char *name)
{
	const Answer *answer = &transfer->state->answer;
	size_t		length;
	const char *value = answer_header(answer, name, &length);

	if (value == NULL)
		return NULL;
	/* answer.c accepts no header line with a NUL. */
	Assert(memchr(value, '\0', length) == NULL);
	return answer->secret ? secret_copy(value, length) : pnstrdup(value, length);
}
