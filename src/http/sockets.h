/* sockets.h: libcurl's sockets, watched descriptors, and an event set to wait for both. */
#ifndef IMAGEBUILDER_SOCKETS_H
#define IMAGEBUILDER_SOCKETS_H

#include <curl/curl.h>

#include "compat.h"

/* Callback for a descriptor that has data or was closed elsewhere; raises no errors. */
typedef void (*SocketReady) (void *owner);

extern CURLM *sockets_make_multi(void);
extern int	sockets_note(CURL *handle, curl_socket_t fd, int what, void *userp, void *socketp);
extern curl_socket_t sockets_open(void *userp, curlsocktype purpose,
								  struct curl_sockaddr *address);
extern uint64 sockets_refused(void);
extern int	sockets_close(void *userp, curl_socket_t fd);
extern void sockets_forget_closed(void);
extern void sockets_reject_unsolicited_data(void);
extern void sockets_shutdown_idle_connections(CURL *handle);
extern WaitEventSet *sockets_wait_set(void);
extern bool sockets_take_event(curl_socket_t fd);
extern int	sockets_count(void);
extern curl_socket_t sockets_reading(int i);
extern bool sockets_watch(int fd, SocketReady ready, void *owner);
extern void sockets_unwatch(int fd);

#endif							/* IMAGEBUILDER_SOCKETS_H */
