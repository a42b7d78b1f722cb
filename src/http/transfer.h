/* transfer.h: a transfer, and the functions that the files of http/ share. */
#ifndef IMAGEBUILDER_TRANSFER_H
#define IMAGEBUILDER_TRANSFER_H

#include <curl/curl.h>

#include "compat.h"
#include "http/http.h"
#include "lib/ilist.h"

typedef struct Bytes
{
	char	   *data;			/* malloc'd, NUL-terminated */
	size_t		length;
	size_t		capacity;
} Bytes;

/* Transfer with what libcurl's callbacks use; freed with its memory context. */
typedef struct Transfer
{
	HttpTransfer pub;			/* must be first: what http_start() returns */
	CURL	   *handle;			/* NULL once released; its CURLOPT_PRIVATE is this struct */
	CURLM	   *multi;			/* libcurl's, while the transfer is under way; else NULL */
	dlist_node	node;			/* in the list of the transfers under way */
	MemoryContextCallback callback;

	/* The request. */
	struct curl_slist *request_headers;
	bool		tls;
	bool		proxied;
	int			connect_timeout;	/* ms */
	int			timeout;
	size_t		max_body;		/* bytes */
	bool		secret;			/* wipe the answer when it is freed */

	/* Times of clock.h, in us. */
	int64		started;
	int64		begun;			/* when the first wait began; -1: not yet */
	int64		idle;			/* time since "begun" spent outside http_wait() */

	bool		ready;			/* libcurl has a connection for the request */
	uint64		refused;		/* requests for memory refused before the start */
	char		error[CURL_ERROR_SIZE];

	/* The answer. */
	Bytes		headers;		/* of the answer itself, without trailers */
	Bytes		body;
	size_t		header_bytes;	/* of all headers received, dropped ones included */
	bool		headers_ended;	/* the empty line after the answer's headers was
								 * received */

	/* Reasons for which a callback ended the transfer. */
	bool		timed_out;
	bool		no_memory;
	const char *header_problem; /* clause about headers that were refused; or NULL */
	bool		body_too_large;
	bool		cut;			/* an error's body was cut at the limit */
} Transfer;

/* Functions of http.c. */
extern bool transfer_is_ready(const Transfer *x);
extern int64 transfers_resume(void);
extern void transfers_pause(CURLM *multi);
extern void transfers_fail(CURLcode result);

/* Functions of answer.c. */
extern size_t answer_take_header(char *data, size_t size, size_t count, void *userp);
extern size_t answer_take_body(char *data, size_t size, size_t count, void *userp);
extern void answer_free(const Transfer *x, Bytes *bytes);

/* Function of outcome.c. */
extern HttpOutcome outcome_of(Transfer *x, CURLcode result);

/* Functions of engine.c, the latter four for callbacks in a call of libcurl. */
extern CURL *engine_handle(void);
extern void engine_add(Transfer *x, bool fresh);
extern void engine_discard(CURL *handle);
extern bool call_is_look_due(int64 now);
extern bool call_is_to_be_interrupted(int64 now);
extern bool call_may_read(void);
extern void call_note_read(void);

/*
 * Sizes of libcurl's receive buffer, in bytes, for answers that are not secret and for
 * secret ones.  The allocator of memory.c recognizes the buffer's block by these sizes,
 * to which libcurl may add MEMORY_BUFFER_EXTRA at most (8.23 has the length before the
 * buffer); libcurl uses such sizes for nothing else.
 */
#define MEMORY_BUFFER			(128 * 1024)
#define MEMORY_SECRET_BUFFER	(16 * 1024 - 48)
#define MEMORY_BUFFER_EXTRA		32

/* Set an option that a request cannot do without. */
#define REQUIRE(handle, option, value) \
	setopt_check(curl_easy_setopt(handle, option, value), true)

/* Set an option that some versions or builds of libcurl lack. */
#define ASK_FOR(handle, option, value) \
	setopt_check(curl_easy_setopt(handle, option, value), false)

/* Variables and functions of memory.c. */
extern volatile bool memory_is_ours;
extern volatile uint64 memory_refused;
extern void memory_start(void);
extern void memory_wipe_buffer(void);
pg_noreturn extern void memory_raise(const char *detail);
extern void setopt_check(CURLcode code, bool required);

/* Variable and functions of sockets.c. */
extern uint64 sockets_refused;
extern CURLM *sockets_make_multi(void);
extern int	sockets_note(CURL *handle, curl_socket_t fd, int what, void *userp, void *socketp);
extern curl_socket_t sockets_open(void *userp, curlsocktype purpose,
								  struct curl_sockaddr *address);
extern int	sockets_close(void *userp, curl_socket_t fd);
extern void sockets_forget_closed(void);
extern void sockets_reject_unsolicited_data(void);
extern void sockets_shutdown_idle_connections(CURL *handle);
extern WaitEventSet *sockets_wait_set(void);
extern bool sockets_take_event(curl_socket_t fd);
extern void sockets_read_all(void (*act) (curl_socket_t fd));

/* Function of tls.c. */
extern void tls_set_options(CURL *handle, const char *ca_bundle);

#endif							/* IMAGEBUILDER_TRANSFER_H */
