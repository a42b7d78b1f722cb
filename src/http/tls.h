/* tls.h: the TLS settings of requests. */
#ifndef IMAGEBUILDER_TLS_H
#define IMAGEBUILDER_TLS_H

#include <curl/curl.h>

extern void tls_set_options(CURL *handle, const char *ca_bundle);

#endif							/* IMAGEBUILDER_TLS_H */
