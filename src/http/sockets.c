/*
 * sockets.c: the sockets that libcurl uses, and waiting for them and for others.
 *
 * All sockets are closed on exec: what PostgreSQL or another extension runs in
 * the session (COPY … FROM PROGRAM, say) inherits none.
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "descriptors.h"
#include "http/sockets.h"
#include "miscadmin.h"
#include "storage/fd.h"

typedef struct Socket
{
	curl_socket_t fd;
	dev_t		device;			/* which socket it is: numbers are used again */
	ino_t		inode;
	uint32		events;			/* WL_SOCKET_, that libcurl waits for; 0: none */
	uint32		in_set;			/* that sockets.set waits for */
	bool		connection;		/* sockets_close() will tell of its end */
	SocketReady ready;			/* of sockets_watch(); NULL: libcurl's */
	void	   *owner;
} Socket;

static struct
{
	Socket	   *list;			/* malloc'd */
	int			count;
	int			capacity;
	uint64		refused;		/* sockets that could not be noted */
	WaitEventSet *set;
	bool		changed;		/* what set waits for is not there any more */
}			sockets;

/* A list of descriptors: of the first "count", those that fit. */
typedef struct Descriptors
{
	int		   *list;
	int			capacity;
	int			count;
} Descriptors;

/* DescriptorAction */
static void
list_descriptor(int fd, void *arg)
{
	Descriptors *before = arg;

	if (before->count < before->capacity)
		before->list[before->count] = fd;
	before->count++;
}

/* DescriptorAction */
static void
close_new_on_exec(int fd, void *arg)
{
	const Descriptors *before = arg;

	for (int i = 0; i < before->count; i++)
	{
		if (before->list[i] == fd)
			return;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/*
 * curl_multi_init(), and the sockets by which libcurl can wake itself up, which
 * it does not tell of, closed on exec.  NULL if libcurl has no memory; raises 53200.
 */
CURLM *
sockets_make_multi(void)
{
	Descriptors count = {NULL, 0, 0};
	Descriptors before = {NULL, 0, 0};
	bool		known;
	CURLM	   *multi;

	descriptors_each(list_descriptor, &count);
	before.list = palloc(Max(count.count, 1) * sizeof(int));
	before.capacity = count.count;
	known = descriptors_each(list_descriptor, &before) && before.count <= before.capacity;
	multi = curl_multi_init();
	if (known)
		descriptors_each(close_new_on_exec, &before);
	pfree(before.list);
	return multi;
}

static Socket *
add_socket(curl_socket_t fd)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return NULL;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (sockets.count == sockets.capacity)
	{
		int			capacity = sockets.capacity ? sockets.capacity * 2 : 16;
		Socket	   *list = realloc(sockets.list, capacity * sizeof(Socket));

		if (list == NULL)
			return NULL;
		sockets.list = list;
		sockets.capacity = capacity;
	}
	sockets.list[sockets.count] = (Socket) {
		.fd = fd, .device = status.st_dev, .inode = status.st_ino
	};
	return &sockets.list[sockets.count++];
}

static void
remove_socket(Socket *s)
{
	if (s->connection)
		ReleaseExternalFD();
	sockets.changed |= s->in_set != 0;
	*s = sockets.list[--sockets.count];
}

/*
 * Whether a socket is not there any more: some versions of libcurl (7.88) close
 * one that is still connecting without a word, and its number may be used again.
 */
static bool
is_gone(const Socket *s)
{
	struct stat status;

	return fstat(s->fd, &status) != 0 ||
		status.st_dev != s->device || status.st_ino != s->inode;
}

/* Forget those that are not there any more. */
void
sockets_forget_gone(void)
{
	for (int i = sockets.count - 1; i >= 0; i--)
	{
		if (is_gone(&sockets.list[i]))
			remove_socket(&sockets.list[i]);
	}
}

static Socket *
find_number(curl_socket_t fd)
{
	for (int i = 0; i < sockets.count; i++)
	{
		if (sockets.list[i].fd == fd)
			return &sockets.list[i];
	}
	return NULL;
}

/* What is known of a socket; NULL: nothing. */
static Socket *
find_socket(curl_socket_t fd)
{
	Socket	   *s = find_number(fd);

	/* What libcurl waits for is there. */
	if (s == NULL || s->events != 0 || !is_gone(s))
		return s;
	remove_socket(s);
	return NULL;
}

/*
 * CURLMOPT_SOCKETFUNCTION: what libcurl waits for on a socket has changed.  A
 * connection may be kept, and then be waited for again: it stays known.
 */
int
sockets_note(CURL *handle, curl_socket_t fd, int what, void *userp, void *socketp)
{
	Socket	   *s = find_socket(fd);

	(void) handle;
	(void) userp;
	(void) socketp;
	if (s && s->ready)
		return 0;				/* libcurl means one that it has closed */
	if (s == NULL && what != CURL_POLL_REMOVE)
	{
		s = add_socket(fd);
		if (s == NULL)
		{
			sockets.refused++;
			return -1;
		}
	}
	if (s && what == CURL_POLL_REMOVE && !s->connection)
		remove_socket(s);
	else if (s)
		s->events = what == CURL_POLL_REMOVE ? 0 :
			(what & CURL_POLL_IN ? WL_SOCKET_READABLE : 0) |
			(what & CURL_POLL_OUT ? WL_SOCKET_WRITEABLE : 0);
	return 0;
}

/*
 * CURLOPT_OPENSOCKETFUNCTION: the sockets count among the descriptors that this
 * process may have open.
 */
curl_socket_t
sockets_open(void *userp, curlsocktype purpose, struct curl_sockaddr *address)
{
	curl_socket_t fd;
	Socket	   *s;

	(void) userp;
	(void) purpose;
	fd = socket(address->family, address->socktype, address->protocol);
	if (fd == CURL_SOCKET_BAD)
		return fd;
	s = find_number(fd);
	if (s)
		remove_socket(s);		/* one that had the number before */
	s = add_socket(fd);
	if (s == NULL)
	{
		sockets.refused++;
		closesocket(fd);
		return CURL_SOCKET_BAD;
	}
	s->connection = true;
	ReserveExternalFD();
	return fd;
}

/*
 * How many sockets could not be noted so far, for want of memory; older libcurl
 * (before 7.81) does not heed what sockets_note() returns.
 */
uint64
sockets_refused(void)
{
	return sockets.refused;
}

/* CURLOPT_CLOSESOCKETFUNCTION */
int
sockets_close(void *userp, curl_socket_t fd)
{
	Socket	   *s = find_socket(fd);

	(void) userp;
	if (s)
		remove_socket(s);
	return closesocket(fd);
}

/*
 * Have no request sent on a kept connection on which something came that nobody
 * had asked for (an answer too many, a balancer's 408): older libcurl (7.88)
 * would take it for that request's answer.  One that has ended it finds dead.
 */
void
sockets_end_talkative(void)
{
	char		unread[1024];
	struct pollfd idle[MAX_IDLE_CONNECTIONS];
	int			nidle = 0;

	for (int i = 0; i < sockets.count && nidle < MAX_IDLE_CONNECTIONS; i++)
	{
		const Socket *s = &sockets.list[i];

		if (s->connection && s->events == 0)
			idle[nidle++] = (struct pollfd) {.fd = s->fd, .events = POLLIN};
	}
	if (nidle == 0 || poll(idle, nidle, 0) <= 0)
		return;
	for (int i = 0; i < nidle; i++)
	{
		if (!(idle[i].revents & POLLIN) || !find_socket(idle[i].fd) ||
			recv(idle[i].fd, unread, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
			continue;
		shutdown(idle[i].fd, SHUT_RDWR);
		while (recv(idle[i].fd, unread, sizeof(unread), MSG_DONTWAIT) > 0)
			;
	}
}

/* Whether a socket is connected to an address and a port, as libcurl prints them. */
static bool
is_connected_to(curl_socket_t fd, const char *address, long port)
{
	struct sockaddr_storage peer;
	socklen_t	length = sizeof(peer);
	char		text[INET6_ADDRSTRLEN] = "";
	long		peer_port = -1;

	if (getpeername(fd, (struct sockaddr *) &peer, &length) != 0)
		return false;
	if (peer.ss_family == AF_INET)
	{
		const struct sockaddr_in *in = (const struct sockaddr_in *) &peer;

		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		peer_port = ntohs(in->sin_port);
	}
	else if (peer.ss_family == AF_INET6)
	{
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) &peer;

		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		peer_port = ntohs(in6->sin6_port);
	}
	return peer_port == port && strcmp(text, address) == 0;
}

/*
 * Have no request sent on a kept connection to the address that a handle's connection
 * went to: libcurl finds those dead that are shut down.  To be called when libcurl
 * does not act, so that it waits for each socket that is in use.
 */
void
sockets_end_idle(CURL *handle)
{
	char	   *address = NULL;
	long		port = 0;

	curl_easy_getinfo(handle, CURLINFO_PRIMARY_IP, &address);
	curl_easy_getinfo(handle, CURLINFO_PRIMARY_PORT, &port);
	if (address == NULL)
		return;
	for (int i = sockets.count - 1; i >= 0; i--)
	{
		Socket	   *s = &sockets.list[i];

		if (!s->connection || s->events != 0)
			continue;
		if (is_gone(s))
			remove_socket(s);
		else if (is_connected_to(s->fd, address, port))
			shutdown(s->fd, SHUT_RDWR);
	}
}

/* Whether the set of events waits for all that libcurl waits for. */
static bool
is_set_good(void)
{
	if (sockets.set == NULL || sockets.changed)
		return false;
	for (int i = 0; i < sockets.count; i++)
	{
		const Socket *s = &sockets.list[i];

		if (s->events != 0 && s->events != s->in_set)
			return false;
	}
	return true;
}

/*
 * What to wait for: the sockets, the latch, and the postmaster's death.  Made
 * anew if it must be, as nothing can be taken out of one.
 */
WaitEventSet *
sockets_wait_set(void)
{
	WaitEventSet *old = sockets.set;

	if (is_set_good())
		return old;
	sockets_forget_gone();
	sockets.set = NULL;
	sockets.changed = true;
	if (old)
		FreeWaitEventSet(old);
	sockets.set = compat_session_wait_event_set(sockets.count + 2);
	AddWaitEventToSet(sockets.set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	if (IsUnderPostmaster)
		AddWaitEventToSet(sockets.set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	for (int i = 0; i < sockets.count; i++)
	{
		Socket	   *s = &sockets.list[i];

		if (s->events)
			AddWaitEventToSet(sockets.set, s->events, s->fd, NULL, NULL);
		s->in_set = s->events;
	}
	sockets.changed = false;
	return sockets.set;
}

/*
 * Whether libcurl waits for a socket on which something has happened.  If not,
 * as for a kept connection that the server has closed, nor does anybody again.
 */
bool
sockets_is_waited_for(curl_socket_t fd)
{
	const Socket *s = find_socket(fd);

	if (s && s->events)
		return true;
	sockets.changed = true;
	return false;
}

/* How many sockets and watched descriptors there are. */
int
sockets_count(void)
{
	return sockets.count;
}

/* Return the i-th socket if libcurl waits to read from it, else CURL_SOCKET_BAD. */
curl_socket_t
sockets_reading(int i)
{
	const Socket *s = &sockets.list[i];

	return i < sockets.count && s->ready == NULL && (s->events & WL_SOCKET_READABLE) ?
		s->fd : CURL_SOCKET_BAD;
}

/*
 * Have a descriptor that is not libcurl's, of a pipe say, waited for together
 * with libcurl's sockets, until sockets_unwatch(): "ready" is called when
 * something can be read.  False if there is no memory.
 */
bool
sockets_watch(int fd, SocketReady ready, void *owner)
{
	Socket	   *s = find_number(fd);

	if (s)
		remove_socket(s);		/* one that had the number before */
	s = add_socket(fd);
	if (s == NULL)
		return false;
	s->events = WL_SOCKET_READABLE;
	s->ready = ready;
	s->owner = owner;
	return true;
}

/* To be called before a descriptor that is watched is closed; never fails. */
void
sockets_unwatch(int fd)
{
	Socket	   *s = find_number(fd);

	if (s && s->ready)
		remove_socket(s);
}

/* Something has happened: false if the descriptor is libcurl's. */
bool
sockets_tell_watcher(int fd)
{
	const Socket *s = find_number(fd);

	if (s == NULL || s->ready == NULL)
		return false;
	s->ready(s->owner);
	return true;
}
