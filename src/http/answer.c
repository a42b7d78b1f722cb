/* answer.c: receiving an answer's headers and body from libcurl, within limits. */
#include "postgres.h"

#include "http/transfer.h"
#include "secret.h"

/*
 * Upper bound for the headers of one transfer, in bytes: those of a proxy's answer to
 * CONNECT, of interim answers, of the answer, and its trailers.  An answer of AWS has
 * less than 2 kB; libcurl's own limit, from 8.3 on, excludes trailers.
 */
#define MAX_HEADERS		262144

/* Bytes kept of the body of an error or a redirect; the rest is not received. */
#define MAX_ERROR_BODY	((size_t) 64 * 1024)

/* Free the headers or the body of an answer. */
void
answer_free(const Transfer *x, Bytes *bytes)
{
	if (x->secret)
		secret_free(bytes->data);
	else
		free(bytes->data);
	memset(bytes, 0, sizeof(*bytes));
}

static bool
append(Transfer *x, Bytes *bytes, const char *data, size_t length)
{
	if (bytes->length + length + 1 > bytes->capacity)
	{
		size_t		capacity = Max(Max(bytes->capacity * 2, bytes->length + length + 1), 1024);
		char	   *grown = x->secret ? secret_realloc(bytes->data, capacity) :
			realloc(bytes->data, capacity);

		if (grown == NULL)
		{
			x->no_memory = true;
			return false;
		}
		bytes->data = grown;
		bytes->capacity = capacity;
	}
	memcpy(bytes->data + bytes->length, data, length);
	bytes->length += length;
	bytes->data[bytes->length] = '\0';
	return true;
}

/* Return the status of the latest answer, interim ones included; 0 if none has come. */
static long
status_of(const Transfer *x)
{
	long		status = 0;

	curl_easy_getinfo(x->handle, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* Take the empty line after the answer's headers; true if the body is to be received. */
static bool
end_headers(Transfer *x, long status)
{
	curl_off_t	length = 0;

	x->headers_ended = true;
	curl_easy_getinfo(x->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	x->body_too_large = status < 300 && length > 0 && (uint64) length > x->max_body;
	return !x->body_too_large;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * True of a status line, a header, the continuation of a header, or the empty line.
 * Before 7.83 libcurl passes on a header without a colon, or with a NUL, which would
 * end a C string early.
 */
static bool
is_well_formed(const char *line, size_t length)
{
	if (memchr(line, '\0', length))
		return false;
	return length == 0 || is_blank(line[0]) || line[0] == '\r' || line[0] == '\n' ||
		memchr(line, ':', length) || (length >= 5 && strncmp(line, "HTTP/", 5) == 0);
}

static bool
take_line(Transfer *x, const char *line, size_t length)
{
	/* libcurl 8.22 passes on a part of a line when the connection ends within it. */
	bool		is_last = length > 0 && line[length - 1] == '\n' &&
		(line[0] == '\r' || line[0] == '\n');
	long		status = status_of(x);

	x->header_bytes += length;
	if (x->header_bytes > MAX_HEADERS)
		x->header_problem = "the headers are larger than "
			CppAsString2(MAX_HEADERS) " bytes";
	else if (!is_well_formed(line, length))
		x->header_problem = "a header holds a NUL byte, or no colon";
	if (x->header_problem)
		return false;
	if (status == 0)
	{
		/*
		 * This is a proxy's answer to CONNECT.  End the transfer if the proxy refuses:
		 * libcurl would read the proxy's body, which may have no end.
		 */
		curl_easy_getinfo(x->handle, CURLINFO_HTTP_CONNECTCODE, &status);
		return !is_last || status < 300;
	}
	if (x->headers_ended)
		return true;			/* a trailer, which is not kept */
	/* The next answer begins: drop the headers of an interim one (100 Continue). */
	if (length >= 5 && strncmp(line, "HTTP/", 5) == 0)
		x->headers.length = 0;
	if (!append(x, &x->headers, line, length))
		return false;
	return !is_last || status < 200 || end_headers(x, status);
}

static bool
take_body(Transfer *x, const char *data, size_t length)
{
	if (status_of(x) >= 300)
	{
		if (length > MAX_ERROR_BODY - x->body.length)
		{
			length = MAX_ERROR_BODY - x->body.length;
			x->cut = true;
		}
	}
	else if (length > x->max_body - x->body.length)
	{
		x->body_too_large = true;
		return false;
	}
	return append(x, &x->body, data, length) && !x->cut;
}

/* Take one header line (a CURLOPT_HEADERFUNCTION); returning 0 ends the transfer. */
size_t
answer_take_header(char *data, size_t size, size_t count, void *userp)
{
	return take_line(userp, data, size * count) ? size * count : 0;
}

/* Take a part of the body (a CURLOPT_WRITEFUNCTION); returning 0 ends the transfer. */
size_t
answer_take_body(char *data, size_t size, size_t count, void *userp)
{
	Transfer   *x = userp;
	bool		taken = take_body(x, data, size * count);

	/* Wipe libcurl's buffer, which libcurl 8.7 keeps for the next transfer. */
	if (x->secret)
		explicit_bzero(data, size * count);
	return taken ? size * count : 0;
}

/*
 * Return a copy of an answer's header, protected by secret_protect() if the answer is
 * secret; NULL if the answer has no such header.  The name's case does not matter; of
 * several headers of the name, the first counts.
 */
char *
http_header(const HttpTransfer *transfer, const char *name)
{
	const Transfer *x = (const Transfer *) transfer;
	const char *line = x->headers.data;
	const char *end = line + x->headers.length;
	size_t		name_length = strlen(name);

	while (line && line < end)
	{
		const char *next = memchr(line, '\n', end - line);

		next = next ? next + 1 : end;
		if ((size_t) (next - line) > name_length && line[name_length] == ':' &&
			pg_strncasecmp(line, name, name_length) == 0)
		{
			const char *value = line + name_length + 1;

			while (value < next && is_blank(*value))
				value++;
			while (next > value && (is_blank(next[-1]) || next[-1] == '\r' || next[-1] == '\n'))
				next--;
			/* take_line() accepts no header line with a NUL. */
			Assert(memchr(value, '\0', next - value) == NULL);
			return x->secret ? secret_copy(value, next - value) :
				pnstrdup(value, next - value);
		}
		line = next;
	}
	return NULL;
}
