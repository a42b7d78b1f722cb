/*-------------------------------------------------------------------------
 *
 * http.c
 *		HTTP requests that wait as PostgreSQL does.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/http/http.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/ssl.h>

#include "clock.h"
#include "compat.h"
#include "http/engine.h"
#include "http/http.h"
#include "secret.h"

/* The body of an error answer and the headers of any: more is dropped. */
#define MAX_ERROR_BODY	((size_t) 64 * 1024)
#define MAX_HEADERS		((size_t) 64 * 1024)

typedef struct Bytes
{
	char	   *data;			/* malloc'd, NUL-terminated */
	size_t		length;
	size_t		capacity;
	bool		secret;			/* to be wiped */
} Bytes;

/* libcurl's side of a transfer: freed with the owner's memory context. */
typedef struct HttpExchange
{
	CURL	   *handle;
	struct curl_slist *headers;
	Bytes		answer_headers;
	Bytes		body;
	size_t		max_body;
	int64		started;		/* of clock.h */
	bool		too_large;
	bool		cut;			/* an error's body, taken as far as we need it */
	bool		no_memory;
	char		error[CURL_ERROR_SIZE];
	MemoryContextCallback callback;
} HttpExchange;

static bool
bytes_append(Bytes *bytes, const char *data, size_t length)
{
	if (bytes->length + length + 1 > bytes->capacity)
	{
		size_t		capacity = Max(Max(bytes->capacity * 2, bytes->length + length + 1), 1024);
		char	   *grown = bytes->secret ? secret_realloc(bytes->data, capacity) :
			realloc(bytes->data, capacity);

		if (grown == NULL)
			return false;
		bytes->data = grown;
		bytes->capacity = capacity;
	}
	memcpy(bytes->data + bytes->length, data, length);
	bytes->length += length;
	bytes->data[bytes->length] = '\0';
	return true;
}

/* CURLOPT_HEADERFUNCTION: called with one line at a time. */
static size_t
take_header(char *data, size_t size, size_t count, void *userp)
{
	HttpExchange *x = userp;
	size_t		length = size * count;

	/* Each answer starts anew, after an interim one (100 Continue) say. */
	if (length >= 5 && strncmp(data, "HTTP/", 5) == 0)
		x->answer_headers.length = 0;
	if (x->answer_headers.length + length > MAX_HEADERS)
		return length;
	if (!bytes_append(&x->answer_headers, data, length))
	{
		x->no_memory = true;
		return 0;
	}
	return length;
}

/* CURLOPT_WRITEFUNCTION */
static size_t
take_body(char *data, size_t size, size_t count, void *userp)
{
	HttpExchange *x = userp;
	size_t		length = size * count;
	size_t		limit = x->max_body;
	long		status = 0;

	curl_easy_getinfo(x->handle, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 300)
	{
		limit = MAX_ERROR_BODY;
		if (x->body.length + length > limit)
		{
			length = limit - x->body.length;
			x->cut = true;
		}
	}
	else if (length > limit - x->body.length)
	{
		x->too_large = true;
		return 0;
	}
	if (!bytes_append(&x->body, data, length))
	{
		x->no_memory = true;
		return 0;
	}
	/* libcurl does not, and from 8.7 on keeps its buffer for the next transfer. */
	if (x->body.secret)
		explicit_bzero(data, size * count);
	/* Anything but what it was given ends the transfer. */
	return x->cut ? 0 : length;
}

/* Say how far a transfer came before its time was up; whether it connected. */
static bool
timed_out(HttpExchange *x)
{
	curl_off_t	resolved = 0;
	curl_off_t	connect = 0;
	curl_off_t	first_byte = 0;
	bool		connected = engine_is_ready(x->handle);

	curl_easy_getinfo(x->handle, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
	curl_easy_getinfo(x->handle, CURLINFO_CONNECT_TIME_T, &connect);
	curl_easy_getinfo(x->handle, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
	snprintf(x->error, sizeof(x->error), "timed out after %d ms while %s",
			 (int) ((clock_us() - x->started) / 1000),
			 first_byte > 0 ? "receiving the answer" :
			 connected ? "waiting for the answer" :
			 connect > 0 ? "making the TLS connection" :
			 resolved > 0 ? "connecting" : "resolving the host's name");
	return connected;
}

/* Whether a proxy would not connect us, for good as far as we know. */
static bool
refused_by_proxy(HttpExchange *x)
{
	long		status = 0;

	curl_easy_getinfo(x->handle, CURLINFO_HTTP_CONNECTCODE, &status);
	if (status < 300)
		return false;
	snprintf(x->error, sizeof(x->error), "the proxy answered with HTTP status %ld%s", status,
			 status == 407 ? ", which asks for a user name and a password" : "");
	return true;
}

static HttpOutcome
outcome_of(HttpExchange *x, CURLcode result, const char **problem)
{
	*problem = NULL;
	if (result == CURLE_OK || x->cut)
		return HTTP_ANSWERED;
	*problem = x->error[0] ? x->error : curl_easy_strerror(result);
	if (refused_by_proxy(x))
	{
		*problem = x->error;
		return HTTP_REFUSED_BY_PROXY;
	}
	if (x->no_memory)
		return HTTP_BROKEN;
	if (x->too_large)
	{
		snprintf(x->error, sizeof(x->error), "the body is larger than %zu bytes", x->max_body);
		*problem = x->error;
		return HTTP_TOO_LARGE;
	}
	/* The first message stays, even that of a kept connection that was dead. */
	if (result == CURLE_PEER_FAILED_VERIFICATION && !strstr(*problem, "certificate"))
		*problem = curl_easy_strerror(result);
	switch (result)
	{
		case CURLE_OPERATION_TIMEDOUT:
			*problem = x->error;
			return timed_out(x) ? HTTP_CONNECTION_LOST : HTTP_NO_CONNECTION;
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
			/* One that a proxy did not make, say, was not lost. */
			return engine_is_ready(x->handle) ? HTTP_CONNECTION_LOST : HTTP_NO_CONNECTION;
		case CURLE_WEIRD_SERVER_REPLY:
		case CURLE_UNSUPPORTED_PROTOCOL:	/* HTTP/0.9, in 7.66 and later */
		case CURLE_BAD_CONTENT_ENCODING:
		case COMPAT_CURLE_TOO_LARGE:
			return engine_is_ready(x->handle) ? HTTP_MALFORMED : HTTP_NO_CONNECTION;
		default:
			return HTTP_BROKEN;
	}
}

/* EngineDone: called outside libcurl's callbacks, but must not raise. */
static void
transfer_done(void *owner, CURLcode result)
{
	HttpTransfer *transfer = owner;
	HttpExchange *x = transfer->exchange;
	long		status = 0;

	curl_easy_getinfo(x->handle, CURLINFO_RESPONSE_CODE, &status);
	transfer->status = (int) status;
	transfer->milliseconds = (clock_us() - x->started) / 1000.0;
	transfer->body = x->body.data;
	transfer->length = x->body.length;
	transfer->outcome = outcome_of(x, result, &transfer->problem);
}

/* End the transfer, if it is under way, and free all but the answer's body. */
static void
exchange_release(HttpExchange *x)
{
	if (x->handle)
		engine_discard(x->handle);
	curl_slist_free_all(x->headers);
	free(x->answer_headers.data);
	x->handle = NULL;
	x->headers = NULL;
	memset(&x->answer_headers, 0, sizeof(x->answer_headers));
}

/* MemoryContextCallback */
static void
exchange_free(void *arg)
{
	HttpExchange *x = arg;

	exchange_release(x);
	if (x->body.secret)
		secret_free(x->body.data);
	else
		free(x->body.data);
}

/* CURLOPT_SSL_CTX_FUNCTION: OpenSSL is to wipe its buffers of what was received. */
static CURLcode
set_up_tls(CURL *handle, void *context, void *userp)
{
	(void) handle;
	(void) userp;
	SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT);
	return CURLE_OK;
}

static void
set_options(HttpExchange *x, const HttpRequest *request)
{
	CURL	   *h = x->handle;

	curl_easy_setopt(h, CURLOPT_URL, request->url);
	curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);	/* as it was signed */
	compat_curl_set_protocol(h, strncmp(request->url, "https:", 6) == 0);
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	if (strcmp(request->method, "POST") == 0)
	{
		curl_easy_setopt(h, CURLOPT_POST, 1L);
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, request->body ? request->body : "");
	}
	else if (strcmp(request->method, "GET") != 0)
		curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, request->method);
	/* The environment names none, nor what is asked without one. */
	curl_easy_setopt(h, CURLOPT_PROXY, request->proxy ? request->proxy : "");
	curl_easy_setopt(h, CURLOPT_NOPROXY, "");
	/* It sees as little as can be. */
	curl_easy_setopt(h, CURLOPT_HTTPPROXYTUNNEL, 1L);
	curl_easy_setopt(h, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(h, CURLOPT_PROXY_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(h, CURLOPT_SSL_CTX_FUNCTION, set_up_tls);
	if (request->ca_bundle)
	{
		curl_easy_setopt(h, CURLOPT_CAINFO, request->ca_bundle);
		curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
		curl_easy_setopt(h, CURLOPT_PROXY_CAINFO, request->ca_bundle);
		curl_easy_setopt(h, CURLOPT_PROXY_CAPATH, NULL);
		/*
		 * The file may be replaced, for an authority that is not to be trusted:
		 * nor is a session that is resumed verified again.
		 */
		compat_curl_set_no_ca_cache(h);
		curl_easy_setopt(h, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	}
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, x->headers);
	curl_easy_setopt(h, CURLOPT_USERAGENT, request->user_agent);
	curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(h, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, x->error);
}

/*
 * Send a request and return without waiting.
 *
 * The transfer belongs to the current memory context, and ends with it at the
 * latest; its outcome comes through http_wait().  Redirects are not followed,
 * certificates and host names are verified, TLS is 1.2 or later.
 */
HttpTransfer *
http_start(const HttpRequest *request)
{
	HttpTransfer *transfer = palloc0(sizeof(HttpTransfer));
	HttpExchange *x = palloc0(sizeof(HttpExchange));

	x->handle = engine_handle();
	x->callback.func = exchange_free;
	x->callback.arg = x;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &x->callback);
	x->max_body = request->max_body;
	x->body.secret = request->secret;
	for (int i = 0; request->headers[i]; i++)
	{
		struct curl_slist *longer = curl_slist_append(x->headers, request->headers[i]);

		if (longer == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("out of memory")));
		x->headers = longer;
	}
	set_options(x, request);
	transfer->exchange = x;
	transfer->outcome = HTTP_PENDING;
	x->started = clock_us();
	engine_add(x->handle, request->connect_timeout, request->timeout, transfer, transfer_done);
	return transfer;
}

/*
 * Wait until a transfer of this session gets on, or for "timeout" ms (-1: for
 * ever).  Raises whatever an interrupt raises: 57014 for a cancel.
 */
void
http_wait(long timeout)
{
	engine_wait(timeout);
}

/* Free what an answer takes beside its body: its headers are not to be asked for. */
void
http_release(HttpTransfer *transfer)
{
	exchange_release(transfer->exchange);
}

/* Use none of the connections there are for later requests; never fails. */
void
http_expire_connections(void)
{
	engine_expire_connections();
}

/*
 * A header of the answer, by its name in any case; NULL if it is not there.
 * Of several the first.  In the current memory context, bytes as received.
 */
char *
http_header(const HttpTransfer *transfer, const char *name)
{
	const Bytes *headers = &transfer->exchange->answer_headers;
	const char *line = headers->data;
	const char *end = line + headers->length;
	size_t		length = strlen(name);

	while (line && line < end)
	{
		const char *next = memchr(line, '\n', end - line);

		next = next ? next + 1 : end;
		if ((size_t) (next - line) > length && line[length] == ':' &&
			pg_strncasecmp(line, name, length) == 0)
		{
			const char *value = line + length + 1;

			while (value < next && strchr(" \t", *value))
				value++;
			while (next > value && strchr(" \t\r\n", next[-1]))
				next--;
			return pnstrdup(value, next - value);
		}
		line = next;
	}
	return NULL;
}

static bool
has_part(CURLU *url, CURLUPart part, const char *unless)
{
	char	   *value = NULL;
	bool		has = curl_url_get(url, part, &value, 0) == CURLUE_OK && value &&
		strcmp(value, unless) != 0;

	curl_free(value);
	return has;
}

/* Whether libcurl can read a part of a URL, or it is not there; else it would ignore the URL. */
static bool
is_readable(CURLU *url, CURLUPart part, CURLUcode absent)
{
	char	   *value = NULL;
	CURLUcode	code = curl_url_get(url, part, &value, CURLU_URLDECODE);

	curl_free(value);
	return code == CURLUE_OK || code == absent;
}

/*
 * What is wrong with a URL as a proxy's, a clause without a full stop; NULL if
 * nothing is.  It may hold a user name and a password.
 */
const char *
http_proxy_problem(const char *text)
{
	CURLU	   *url = curl_url();
	const char *problem = NULL;

	if (url == NULL)
		return "memory ran out";
	if ((strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0) ||
		curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK || !has_part(url, CURLUPART_HOST, ""))
		problem = "it must be a URL, http://HOST:PORT or https://HOST:PORT";
	else if (has_part(url, CURLUPART_PATH, "/") || has_part(url, CURLUPART_QUERY, "") ||
			 has_part(url, CURLUPART_FRAGMENT, ""))
		problem = "it must hold nothing after the port";
	else if (!is_readable(url, CURLUPART_USER, CURLUE_NO_USER) ||
			 !is_readable(url, CURLUPART_PASSWORD, CURLUE_NO_PASSWORD))
		problem = "its user name and password must hold no control characters";
	curl_url_cleanup(url);
	return problem;
}
