/* answer.c: what libcurl receives of an answer, within bounds. */
#include "postgres.h"

#include "http/answer.h"
#include "secret.h"

/* The body of an error answer: more is dropped. */
#define MAX_ERROR_BODY	((size_t) 64 * 1024)

static void
release(const Answer *answer, Bytes *bytes)
{
	if (answer->secret)
		secret_free(bytes->data);
	else
		free(bytes->data);
	memset(bytes, 0, sizeof(*bytes));
}

static bool
append(Answer *answer, Bytes *bytes, const char *data, size_t length)
{
	if (bytes->length + length + 1 > bytes->capacity)
	{
		size_t		capacity = Max(Max(bytes->capacity * 2, bytes->length + length + 1), 1024);
		char	   *grown = answer->secret ? secret_realloc(bytes->data, capacity) :
			realloc(bytes->data, capacity);

		if (grown == NULL)
		{
			answer->no_memory = true;
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

/* The status of the answer, or of the last interim one; 0: of none yet. */
static long
status_of(const Answer *answer)
{
	long		status = 0;

	curl_easy_getinfo(answer->handle, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* A proxy's answer to CONNECT: nothing is taken of it; whether to go on. */
static bool
is_proxy_willing(const Answer *answer, bool is_last)
{
	long		status = 0;

	/* No connection will come of it; and its body, which libcurl reads, may have no end. */
	curl_easy_getinfo(answer->handle, CURLINFO_HTTP_CONNECTCODE, &status);
	return !is_last || status < 300;
}

/* The empty line after the answer's headers; whether to receive the body. */
static bool
end_headers(Answer *answer, long status)
{
	curl_off_t	length = 0;

	answer->headers_ended = true;
	curl_easy_getinfo(answer->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	answer->body_too_large = status < 300 && length > 0 && (uint64) length > answer->max_body;
	return !answer->body_too_large;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * True of a status line, a header, what continues one, or the empty line.  Before
 * 7.83 libcurl passes on a header without a colon, or with a NUL, at which a copy
 * as a string would end.
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
take_line(Answer *answer, const char *line, size_t length)
{
	/* When the connection ends within a line, libcurl 8.22 passes the part on. */
	bool		is_last = length > 0 && line[length - 1] == '\n' &&
		(line[0] == '\r' || line[0] == '\n');
	long		status = status_of(answer);

	answer->header_bytes += length;
	if (answer->header_bytes > ANSWER_MAX_HEADERS)
	{
		answer->headers_too_large = true;
		return false;
	}
	if (!is_well_formed(line, length))
	{
		answer->header_malformed = true;
		return false;
	}
	if (status == 0)
		return is_proxy_willing(answer, is_last);
	if (answer->headers_ended)
		return true;			/* a trailer */
	/* Each answer starts anew, after an interim one (100 Continue) say. */
	if (length >= 5 && strncmp(line, "HTTP/", 5) == 0)
		answer->headers.length = 0;
	if (!append(answer, &answer->headers, line, length))
		return false;
	return !is_last || status < 200 || end_headers(answer, status);
}

static bool
take_body(Answer *answer, const char *data, size_t length)
{
	if (status_of(answer) >= 300)
	{
		if (length > MAX_ERROR_BODY - answer->body.length)
		{
			length = MAX_ERROR_BODY - answer->body.length;
			answer->cut = true;
		}
	}
	else if (length > answer->max_body - answer->body.length)
	{
		answer->body_too_large = true;
		return false;
	}
	return append(answer, &answer->body, data, length) && !answer->cut;
}

/* CURLOPT_HEADERFUNCTION: called with one line at a time; 0 ends the transfer. */
size_t
answer_take_header(char *data, size_t size, size_t count, void *userp)
{
	return take_line(userp, data, size * count) ? size * count : 0;
}

/* CURLOPT_WRITEFUNCTION; 0 ends the transfer. */
size_t
answer_take_body(char *data, size_t size, size_t count, void *userp)
{
	Answer	   *answer = userp;
	bool		taken = take_body(answer, data, size * count);

	/* libcurl does not, and from 8.7 on keeps its buffer for the next transfer. */
	if (answer->secret)
		explicit_bzero(data, size * count);
	return taken ? size * count : 0;
}

/*
 * A header's value, by its name in any case, with its length in bytes; NULL if it
 * is not there.  Of several the first.  Not NUL-terminated.
 */
const char *
answer_header(const Answer *answer, const char *name, size_t *length)
{
	const char *line = answer->headers.data;
	const char *end = line + answer->headers.length;
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
			*length = next - value;
			return value;
		}
		line = next;
	}
	return NULL;
}

/* Free what is not the body. */
void
answer_forget_headers(Answer *answer)
{
	release(answer, &answer->headers);
}

void
answer_free(Answer *answer)
{
	release(answer, &answer->headers);
	release(answer, &answer->body);
}
