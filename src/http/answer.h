/* answer.h: what libcurl receives of an answer, within bounds. */
#ifndef IMAGEBUILDER_ANSWER_H
#define IMAGEBUILDER_ANSWER_H

#include <curl/curl.h>

/*
 * The headers of one transfer, in bytes: those of a proxy's answer to CONNECT, of
 * interim answers, of the answer, and its trailers.  An answer of AWS has less
 * than 2 kB; libcurl itself draws the line at 300 kB, but not before 8.3, nor
 * around trailers.
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
	CURL	   *handle;			/* of the transfer */
	size_t		max_body;		/* bytes */
	bool		secret;			/* wipe it */
	Bytes		headers;		/* of the answer itself, without trailers */
	Bytes		body;
	size_t		header_bytes;	/* received, of all that ANSWER_MAX_HEADERS counts */
	bool		headers_ended;	/* the empty line after the answer's was received */
	/* Why the transfer was ended: */
	bool		no_memory;
	bool		headers_too_large;
	bool		header_malformed;	/* a line in the headers is not a header */
	bool		body_too_large;
	bool		cut;			/* an error's body, taken as far as it is needed */
} Answer;

extern size_t answer_take_header(char *data, size_t size, size_t count, void *userp);
extern size_t answer_take_body(char *data, size_t size, size_t count, void *userp);
extern const char *answer_header(const Answer *answer, const char *name, size_t *length);
extern void answer_forget_headers(Answer *answer);
extern void answer_free(Answer *answer);

#endif							/* IMAGEBUILDER_ANSWER_H */
