/* engine.h: the session's only libcurl multi handle; http.h declares http_wait(). */
#ifndef IMAGEBUILDER_ENGINE_H
#define IMAGEBUILDER_ENGINE_H

#include "http/http.h"
#include "http/job.h"

extern CURL *engine_handle(void);
extern void engine_add(CURL *handle, const HttpRequest *request, void *owner, JobDone done);
extern void engine_discard(CURL *handle);

/* Function of tls.c. */
extern void tls_set_options(CURL *handle, const char *ca_bundle);

#endif							/* IMAGEBUILDER_ENGINE_H */
