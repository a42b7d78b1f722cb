/* answer.h: receiving an answer's headers and body from libcurl, within limits. */
#ifndef IMAGEBUILDER_ANSWER_H
#define IMAGEBUILDER_ANSWER_H

#include <curl/curl.h>

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
	size_t		header_bytes;	/* of all headers received, dropped ones included */
	bool		headers_ended;	/* the empty line after the answer's headers was
								 * received */
	/* Reasons for which the transfer was ended. */
	bool		no_memory;
	const char *header_problem; /* clause about headers that were refused; or NULL */
	bool		body_too_large;
	bool		cut;			/* an error's body was cut at the limit */
} Answer;

extern size_t answer_take_header(char *data, size_t size, size_t count, void *userp);
extern size_t answer_take_body(char *data, size_t size, size_t count, void *userp);
extern const char *answer_header(const Answer *answer, const char *name, size_t *length);
extern void answer_free(const Answer *answer, Bytes *bytes);

#endif							/* IMAGEBUILDER_ANSWER_H */
