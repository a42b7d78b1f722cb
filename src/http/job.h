/* job.h: transfers, from their start to their result. */
#ifndef IMAGEBUILDER_JOB_H
#define IMAGEBUILDER_JOB_H

#include <curl/curl.h>

#include "compat.h"

/* Function called when a handle's transfer is done; must not raise errors. */
typedef void (*JobDone) (void *owner, CURLcode result);

extern void job_start(CURLM *multi, CURL *handle, int connect_timeout, int timeout,
					  void *owner, JobDone done);
extern bool job_is_ready(CURL *handle);
extern void job_free(CURL *handle);
extern int64 job_resume_all(void);
extern void job_pause_all(CURLM *multi);
extern void job_fail_all(CURLcode result);

#endif							/* IMAGEBUILDER_JOB_H */
