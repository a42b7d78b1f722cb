/*-------------------------------------------------------------------------
 *
 * request.h
 *		A GetImage request, signed.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/lookup/request.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGEBUILDER_REQUEST_H
#define IMAGEBUILDER_REQUEST_H

#include "http/http.h"
#include "lookup/lookup.h"

/* The service's name in host names and signatures. */
#define REQUEST_SERVICE		"imagebuilder"

/* The key, the token, and the signature in two forms. */
#define REQUEST_MAX_SECRETS 4

extern HttpTransfer *request_send(const ClientConfig *config, const Endpoint *endpoint,
								  const char *region, const char *arn,
								  const char *secrets[REQUEST_MAX_SECRETS + 1]);
extern bool request_correct_clock(const char *host, const HttpTransfer *transfer);

#endif							/* IMAGEBUILDER_REQUEST_H */
