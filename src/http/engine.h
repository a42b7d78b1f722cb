/* engine.h: the session's one libcurl multi handle. */
#ifndef IMAGEBUILDER_ENGINE_H
#define IMAGEBUILDER_ENGINE_H

#include <curl/curl.h>

/* Told that a handle added is done; must not raise errors. */
typedef void (*EngineDone) (void *owner, CURLcode result);

extern void engine_require(CURLcode code);
extern void engine_ask_for(CURLcode code);
extern CURL *engine_handle(void);
extern void engine_set_options(CURL *handle, bool secret, bool fresh);
extern void engine_add(CURL *handle, int connect_timeout, int timeout, bool secret,
					   void *owner, EngineDone done);
extern bool engine_is_ready(CURL *handle);
extern void engine_discard(CURL *handle);
extern void engine_end_idle(CURL *handle);
extern bool engine_may_read(void);
extern void engine_note_read(void);
extern void engine_wait(long timeout);
extern void engine_expire_connections(void);

#endif							/* IMAGEBUILDER_ENGINE_H */
