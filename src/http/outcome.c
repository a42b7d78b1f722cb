/* outcome.c: what libcurl's result of a transfer means. */
#include "postgres.h"

#include "clock.h"
#include "http/transfer.h"

/* Put into x->error how far a transfer got before it timed out. */
static void
timed_out(Transfer *x)
{
	curl_off_t	resolved = 0;
	curl_off_t	connect = 0;
	curl_off_t	first_byte = 0;

	curl_easy_getinfo(x->handle, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
	curl_easy_getinfo(x->handle, CURLINFO_CONNECT_TIME_T, &connect);
	curl_easy_getinfo(x->handle, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
	snprintf(x->error, sizeof(x->error), "timed out after %d ms while %s",
			 (int) ((clock_us() - x->started) / 1000),
			 first_byte > 0 ? "receiving the answer" :
			 transfer_is_ready(x) ? "waiting for the answer" :
			 connect > 0 ? "making the TLS connection" :
			 resolved > 0 ? "connecting" : "resolving the host's name");
}

/* True if a proxy refused the connection, which another attempt would hardly change. */
static bool
refused_by_proxy(Transfer *x)
{
	long		status = 0;

	curl_easy_getinfo(x->handle, CURLINFO_HTTP_CONNECTCODE, &status);
	if (status < 300)
		return false;
	snprintf(x->error, sizeof(x->error), "the proxy answered with HTTP status %ld%s", status,
			 status == 407 ? ", which asks for a user name and a password" : "");
	return true;
}

/* Map a CURLcode to the outcome of a failed transfer, and say what the transfer met. */
static HttpOutcome
outcome_of_code(Transfer *x, CURLcode result)
{
	HttpTransfer *pub = &x->pub;
	bool		connected = transfer_is_ready(x);
	long		received = 0;		/* bytes of headers */

	/* libcurl keeps its first message, even one about a kept connection that was dead. */
	if (result == CURLE_PEER_FAILED_VERIFICATION && !strstr(pub->problem, "certificate"))
		pub->problem = curl_easy_strerror(result);
	/* A malformed chunk has the code of a connection that breaks, and a message of its own. */
	if (result == CURLE_RECV_ERROR && strstr(pub->problem, "chunk"))
		return HTTP_MALFORMED;
	switch (result)
	{
		case CURLE_OUT_OF_MEMORY:
			pub->problem = "memory ran out";
			return HTTP_NO_MEMORY;
		case CURLE_OPERATION_TIMEDOUT:
			timed_out(x);
			pub->problem = x->error;
			/* A server of plain HTTP may take the ClientHello for half a line. */
			if (x->tls && !connected)
				pub->obstacle = HTTP_OBSTACLE_SILENCE;
			return connected ? HTTP_CONNECTION_LOST : HTTP_NO_CONNECTION;
		case CURLE_COULDNT_RESOLVE_HOST:
			pub->obstacle = HTTP_OBSTACLE_NAME;
			return HTTP_NO_CONNECTION;
		case CURLE_COULDNT_RESOLVE_PROXY:
			pub->obstacle = HTTP_OBSTACLE_PROXY;
			return HTTP_NO_CONNECTION;
		case CURLE_COULDNT_CONNECT:
			pub->obstacle = x->proxied ? HTTP_OBSTACLE_PROXY : HTTP_OBSTACLE_PORT;
			return HTTP_NO_CONNECTION;
		case CURLE_SSL_CONNECT_ERROR:
			if (x->tls && !x->proxied)
				pub->obstacle = HTTP_OBSTACLE_PLAIN;
			return HTTP_NO_CONNECTION;
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_ENGINE_INITFAILED:
			return HTTP_UNTRUSTED;
		case CURLE_GOT_NOTHING:
		case CURLE_RECV_ERROR:
		case CURLE_SEND_ERROR:
			/* Servers end a connection whose first bytes are no TLS, without a word. */
			curl_easy_getinfo(x->handle, CURLINFO_HEADER_SIZE, &received);
			if (!x->tls && connected && received == 0)
				pub->obstacle = HTTP_OBSTACLE_TLS;
			/* FALLTHROUGH */
		case CURLE_PARTIAL_FILE:
			/* A connection was not lost if it had not been made, say by a proxy. */
			return connected ? HTTP_CONNECTION_LOST : HTTP_NO_CONNECTION;
		default:
			/* The other codes are about reading an answer, of the service or a proxy. */
			return connected ? HTTP_MALFORMED : HTTP_NO_CONNECTION;
	}
}

/* Return the outcome of a transfer; set its problem and its obstacle if it failed. */
HttpOutcome
outcome_of(Transfer *x, CURLcode result)
{
	if (x->cut || (result == CURLE_OK && x->headers_ended))
		return HTTP_ANSWERED;
	/*
	 * libcurl 7.88 does not report headers without an end, libcurl 8.22 does not report
	 * headers of which only the last line feed is missing; both report chunks without an
	 * end.
	 */
	if (result == CURLE_OK)
	{
		x->pub.problem = "the connection ended within the answer's headers";
		return HTTP_CONNECTION_LOST;
	}
	if (refused_by_proxy(x))
	{
		x->pub.problem = x->error;
		x->pub.obstacle = HTTP_OBSTACLE_PROXY;
		return HTTP_REFUSED_BY_PROXY;
	}
	if (x->header_problem)
	{
		x->pub.problem = x->header_problem;
		return transfer_is_ready(x) ? HTTP_MALFORMED : HTTP_NO_CONNECTION;
	}
	if (x->body_too_large)
	{
		snprintf(x->error, sizeof(x->error), "the body is larger than %zu bytes", x->max_body);
		x->pub.problem = x->error;
		return HTTP_TOO_LARGE;
	}
	x->pub.problem = x->error[0] ? x->error : curl_easy_strerror(result);
	return outcome_of_code(x, result);
}
