/* request.h: a GetImage request, signed. */
#ifndef IMAGEBUILDER_REQUEST_H
#define IMAGEBUILDER_REQUEST_H

#include "identity/signed.h"

/* The service's name in host names and signatures. */
#define REQUEST_SERVICE		"imagebuilder"

extern HttpTransfer *request_send(const ClientConfig *config,
								  const AwsCredentials *credentials,
								  const Endpoint *endpoint, const char *region,
								  const char *arn, bool fresh,
								  const char *secrets[SIGNED_MAX_SECRETS + 1]);

#endif							/* IMAGEBUILDER_REQUEST_H */
