/*
 * sockets.c: libcurl's sockets and watched descriptors, and the event set to wait for
 * them.
 *
 * All sockets are closed on exec: programs that PostgreSQL or another extension runs
 * in the session (COPY FROM PROGRAM, say) inherit none.
 */
#include "postgres.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/ip.h"
#include "http/transfer.h"
#include "miscadmin.h"
#include "storage/fd.h"

/* Upper bound of the descriptors that curl_multi_init() opens; libcurl 7.88 opens two. */
#define MAX_WAKE_UP		8

typedef struct Socket
{
	curl_socket_t fd;
	dev_t		device;			/* with inode: identifies the socket, as numbers are used
								 * again */
	ino_t		inode;
	uint32		events;			/* WL_SOCKET_ bits that libcurl or a watcher waits for; 0:
								 * none */
	uint32		in_set;			/* WL_SOCKET_ bits that sockets.set waits for */
	bool		connection;		/* made by sockets_open(); sockets_close() will be
								 * called */
	SocketReady ready;			/* callback of sockets_watch(); NULL for libcurl's
								 * sockets */
	void	   *owner;
} Socket;

/* Sockets that could not be listed so far: libcurl before 7.81 ignores that error. */
uint64		sockets_refused = 0;

static struct
{
	Socket	   *list;			/* malloc'd */
	int			count;
	int			capacity;
	WaitEventSet *set;
	bool		stale;			/* set waits for a socket that is gone, or lacks one */
}			sockets;

/*
 * Return curl_multi_init()'s multi handle, with FD_CLOEXEC set on libcurl's wake-up
 * sockets, which no callback of libcurl reports.  libcurl gets the lowest numbers that
 * are free.  NULL if libcurl has no memory.
 */
CURLM *
sockets_make_multi(void)
{
	int			unused[MAX_WAKE_UP];
	int			nunused = 0;
	CURLM	   *multi;

	for (int fd = 0; nunused < MAX_WAKE_UP; fd++)
	{
		if (fcntl(fd, F_GETFD) < 0)
			unused[nunused++] = fd;
	}
	multi = curl_multi_init();
	for (int i = 0; i < nunused; i++)
		fcntl(unused[i], F_SETFD, FD_CLOEXEC);
	return multi;
}

static void
remove_socket(Socket *s)
{
	if (s->connection)
		ReleaseExternalFD();
	sockets.stale |= s->in_set != 0;
	*s = sockets.list[--sockets.count];
}

/* Have the next event set wait for a socket; one that waits in vain may stay. */
static void
wait_for(Socket *s, uint32 events)
{
	s->events = events;
	sockets.stale |= events != 0 && events != s->in_set;
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

/* List a descriptor, in place of a stale entry of its number; NULL if that fails. */
static Socket *
add_socket(curl_socket_t fd)
{
	Socket	   *closed = find_number(fd);
	struct stat status;

	if (closed)
		remove_socket(closed);
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

/* True if a socket is closed: libcurl 7.88 closes a connecting one without a callback. */
static bool
is_closed(const Socket *s)
{
	struct stat status;

	return fstat(s->fd, &status) != 0 ||
		status.st_dev != s->device || status.st_ino != s->inode;
}

void
sockets_forget_closed(void)
{
	for (int i = sockets.count - 1; i >= 0; i--)
	{
		if (is_closed(&sockets.list[i]))
			remove_socket(&sockets.list[i]);
	}
}

/* Return the entry of an open socket; NULL if the list has no such entry. */
static Socket *
find_socket(curl_socket_t fd)
{
	Socket	   *s = find_number(fd);

	/* A socket that libcurl or a watcher waits for is open. */
	if (s == NULL || s->events != 0 || !is_closed(s))
		return s;
	remove_socket(s);
	return NULL;
}

/*
 * Note what libcurl waits for on a socket (a CURLMOPT_SOCKETFUNCTION).  A connection
 * stays listed when libcurl stops waiting for it: libcurl may keep and use it again.
 */
int
sockets_note(CURL *handle, curl_socket_t fd, int what, void *userp, void *socketp)
{
	Socket	   *s = find_socket(fd);

	if (s && s->ready)
		return 0;				/* libcurl means a socket that it has closed */
	if (s == NULL && what != CURL_POLL_REMOVE)
	{
		s = add_socket(fd);
		if (s == NULL)
		{
			sockets_refused++;
			return -1;
		}
	}
	if (s && what == CURL_POLL_REMOVE && !s->connection)
		remove_socket(s);
	else if (s)
		wait_for(s, (what & CURL_POLL_IN ? WL_SOCKET_READABLE : 0) |
				 (what & CURL_POLL_OUT ? WL_SOCKET_WRITEABLE : 0));
	return 0;
}

/* Create a socket, counted among external descriptors (a CURLOPT_OPENSOCKETFUNCTION). */
curl_socket_t
sockets_open(void *userp, curlsocktype purpose, struct curl_sockaddr *address)
{
	curl_socket_t fd;
	Socket	   *s;

	fd = socket(address->family, address->socktype, address->protocol);
	if (fd == CURL_SOCKET_BAD)
		return fd;
	s = add_socket(fd);
	if (s == NULL)
	{
		sockets_refused++;
		closesocket(fd);
		return CURL_SOCKET_BAD;
	}
	s->connection = true;
	ReserveExternalFD();
	return fd;
}

/* Close a socket of libcurl (a CURLOPT_CLOSESOCKETFUNCTION). */
int
sockets_close(void *userp, curl_socket_t fd)
{
	Socket	   *s = find_socket(fd);

	if (s)
		remove_socket(s);
	return closesocket(fd);
}

/*
 * Shut down kept connections on which unrequested data came (a second answer, a load
 * balancer's 408): older libcurl (7.88) would take the data for the answer to the next
 * request.  libcurl itself notices a connection that the server has closed, before it
 * sends a request (from 8.22 on, perhaps only when it has tried to).
 */
void
sockets_reject_unsolicited_data(void)
{
	char		unread[1024];

	for (int i = 0; i < sockets.count; i++)
	{
		const Socket *s = &sockets.list[i];

		if (!s->connection || s->events != 0 ||
			recv(s->fd, unread, 1, MSG_PEEK | MSG_DONTWAIT) <= 0 || is_closed(s))
			continue;
		shutdown(s->fd, SHUT_RDWR);
		while (recv(s->fd, unread, sizeof(unread), MSG_DONTWAIT) > 0)
			;
	}
}

/* True if a socket is connected to an address and a port, in libcurl's notation. */
static bool
is_connected_to(curl_socket_t fd, const char *address, long port)
{
	struct sockaddr_storage peer;
	socklen_t	length = sizeof(peer);
	char		host[NI_MAXHOST];
	char		service[NI_MAXSERV];

	if (getpeername(fd, (struct sockaddr *) &peer, &length) != 0 ||
		pg_getnameinfo_all(&peer, length, host, sizeof(host), service, sizeof(service),
						   NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return false;
	host[strcspn(host, "%")] = '\0';	/* libcurl omits a link-local address's scope */
	return strcmp(host, address) == 0 && strtol(service, NULL, 10) == port;
}

/*
 * Shut down kept connections to the address that a handle's connection went to, so
 * that libcurl finds them dead and can send no request on them.  Call this between
 * calls of libcurl, when libcurl waits for every socket that is in use.
 */
void
sockets_shutdown_idle_connections(CURL *handle)
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
		if (is_closed(s))
			remove_socket(s);
		else if (is_connected_to(s->fd, address, port))
			shutdown(s->fd, SHUT_RDWR);
	}
}

/*
 * Return the event set of the sockets, the latch and the postmaster's death; a new one
 * if a socket changed, since PostgreSQL can remove nothing from an event set.
 */
WaitEventSet *
sockets_wait_set(void)
{
	if (sockets.set && !sockets.stale)
		return sockets.set;
	sockets_forget_closed();
	sockets.stale = true;
	if (sockets.set)
		FreeWaitEventSet(sockets.set);
	sockets.set = NULL;			/* in case making a new one raises an error */
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
	sockets.stale = false;
	return sockets.set;
}

/*
 * Take an event of the event set: call a watched descriptor's callback; true if libcurl
 * waits for the event.  If nothing does, as for a kept connection that the server has
 * closed, the next event set will lack the socket.
 */
bool
sockets_take_event(curl_socket_t fd)
{
	const Socket *s = find_socket(fd);

	if (s && s->ready)
		s->ready(s->owner);
	else if (s && s->events)
		return true;
	else
		sockets.stale = true;
	return false;
}

/* Have libcurl read, by "act", from each socket that it waits to read from. */
void
sockets_read_all(void (*act) (curl_socket_t fd))
{
	/* Start from the end: when libcurl removes a socket, the last takes its place. */
	for (int i = sockets.count - 1; i >= 0; i--)
	{
		const Socket *s = &sockets.list[i];

		if (i < sockets.count && s->ready == NULL && (s->events & WL_SOCKET_READABLE))
			act(s->fd);
	}
}

/*
 * Have http_wait() watch a descriptor that is not libcurl's, such as a pipe, until
 * sockets_unwatch(): "ready" is called when something can be read.  False if memory
 * ran out.
 */
bool
sockets_watch(int fd, SocketReady ready, void *owner)
{
	Socket	   *s = add_socket(fd);

	if (s == NULL)
		return false;
	wait_for(s, WL_SOCKET_READABLE);
	s->ready = ready;
	s->owner = owner;
	return true;
}

/* Stop watching a descriptor; call this before closing the descriptor.  Never fails. */
void
sockets_unwatch(int fd)
{
	Socket	   *s = find_number(fd);

	if (s && s->ready)
		remove_socket(s);
}
