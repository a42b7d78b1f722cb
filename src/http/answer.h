/* answer.h: receiving an answer's headers and body from libcurl, within limits. */
#ifndef IMAGEBUILDER_ANSWER_H
#define IMAGEBUILDER_ANSWER_H

#include <curl/curl.h>

/*
 * Upper bound for the headers of one transfer, in bytes: those of a proxy's answer to
 * CONNECT, of interim answers, of the answer, and its trailers.  An answer of AWS has
 * less than 2 kB; libcurl's own limit is 300 kB, but only from 8.3 on, and not for
 * trailers.
 */
#define ANSWER_MAX_HEADERS	((size_t) 256 * 1024)

typedef struct Bytes
{
	char	   *data;			/* malloc'd, NUL-terminated */
	size_t		length;
	size_t		capacity;
} Bytes;

typedef struct Answer
{
	CURL	   *handle;			/* handle of the transfer */
	size_t		max_body;		/* bytes */
	bool		secret;			/* wipe the answer when it is freed */
	Bytes		headers;		/* of the answer itself, without trailers */
	Bytes		body;
	size_t		header_bytes;	/* bytes received of what ANSWER_MAX_HEADERS limits */
	bool		headers_ended;	/* the empty line after the answer's headers was
								 * received */
	/* Reasons for which the transfer was ended. */
	bool		no_memory;
	bool		headers_too_large;
	bool		header_malformed;	/* a line in the headers is not a header */
	bool		body_too_large;
	bool		cut;			/* an error's body was cut at the limit */
} Answer;

extern size_t answer_take_header(char *data, size_t size, size_t count, void *userp);
extern size_t answer_take_body(char *data, size_t size, size_t count, void *userp);
extern const char *answer_header(const Answer *answer, const char *name, size_t *length);
extern void answer_forget_headers(Answer *answer);
extern void answer_free(Answer *answer);

#endif							/* IMAGEBUILDER_ANSWER_H */
