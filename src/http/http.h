/* http.h: HTTP requests whose waits PostgreSQL can interrupt. */
#ifndef IMAGEBUILDER_HTTP_H
#define IMAGEBUILDER_HTTP_H

#include "nodes/pg_list.h"

/* Request to send; http_start() copies all that the transfer needs, except the body. */
typedef struct HttpRequest
{
	const char *method;			/* GET, POST or PUT */
	const char *url;			/* https or http, percent-encoded */
	List	   *headers;		/* strings, "Name: value" */
	const char *body;			/* of a POST; must live as long as the transfer; NULL:
								 * none */
	const char *user_agent;
	const char *ca_bundle;		/* PEM file; NULL: the system's authorities */
	const char *proxy;			/* URL of an HTTP proxy; NULL: none */
	int			connect_timeout;	/* ms of waiting, to resolve, connect and make TLS */
	int			timeout;		/* ms of waiting for the whole transfer */
	size_t		max_body;		/* bytes */
	bool		secret;			/* the answer is secret: wipe it when it is freed */
	bool		fresh;			/* use no kept connection */
	List	   *secrets;		/* strings that messages about the answer must not show;
								 * must live as long as the transfer */
} HttpRequest;

typedef enum HttpOutcome
{
	HTTP_PENDING,
	HTTP_ANSWERED,				/* with whatever status */
	HTTP_NO_CONNECTION,			/* could not resolve, connect or make TLS */
	HTTP_UNTRUSTED,				/* the certificate or TLS setting is bad: retries do not
								 * help */
	HTTP_REFUSED_BY_PROXY,		/* the proxy answered CONNECT with an error: no retry */
	HTTP_CONNECTION_LOST,		/* closed, timed out or truncated on the way */
	HTTP_TOO_LARGE,				/* the body is larger than max_body */
	HTTP_MALFORMED,				/* the answer is not valid HTTP */
	HTTP_NO_MEMORY,				/* memory ran out */
} HttpOutcome;

/* Reason why a transfer failed, as far as libcurl tells it. */
typedef enum HttpObstacle
{
	HTTP_OBSTACLE_OTHER,
	HTTP_OBSTACLE_NAME,			/* the host's name does not resolve */
	HTTP_OBSTACLE_PORT,			/* the host does not take the connection */
	HTTP_OBSTACLE_PROXY,		/* the proxy's name, port or answer */
	HTTP_OBSTACLE_SILENCE,		/* https was spoken, and no TLS came in time */
	HTTP_OBSTACLE_PLAIN,		/* https was spoken, and the port may speak http */
	HTTP_OBSTACLE_TLS,			/* http was spoken, and the port may speak TLS */
} HttpObstacle;

/* Request under way, or its answer; owned by a memory context. */
typedef struct HttpTransfer
{
	HttpOutcome outcome;
	HttpObstacle obstacle;
	const char *problem;		/* cause of a failure, a clause in ASCII; else NULL */
	int			status;			/* of the answer; 0 if no answer came */
	char	   *body;			/* NUL-terminated */
	size_t		length;			/* bytes in body; cut at 64 kB if status >= 300 */
	double		milliseconds;	/* from the start to the outcome */
	List	   *secrets;		/* of the request */
} HttpTransfer;

extern HttpTransfer *http_start(const HttpRequest *request);
extern void http_release(HttpTransfer *transfer);
extern char *http_header(const HttpTransfer *transfer, const char *name);

/* Functions of engine.c. */
extern void http_wait(long timeout);
extern void http_expire_connections(void);

/* Callback for a descriptor that has data or was closed elsewhere; raises no errors. */
typedef void (*SocketReady) (void *owner);

/* Functions of sockets.c. */
extern bool sockets_watch(int fd, SocketReady ready, void *owner);
extern void sockets_unwatch(int fd);

#endif							/* IMAGEBUILDER_HTTP_H */
