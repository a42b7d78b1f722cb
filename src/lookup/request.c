/* request.c: a GetImage request, signed. */
#include "postgres.h"

#include "lookup/request.h"
#include "mb/pg_wchar.h"

/*
 * Send GetImage for an ARN, signed for its Region, and return without waiting;
 * see signed_send().  "fresh": use no kept connection.
 */
HttpTransfer *
request_send(const ClientConfig *config, const AwsCredentials *credentials,
			 const Endpoint *endpoint, const char *region, const char *arn, bool fresh,
			 const char *secrets[SIGNED_MAX_SECRETS + 1])
{
	NameValue	query = {"imageBuildVersionArn", NULL};
	SignedRequest request = {
		.service = REQUEST_SERVICE,
		.region = region,
		.endpoint = endpoint,
		.path = "/GetImage",
		.query = &query,
		.nquery = 1,
		.max_body = config->max_response_size,
		.fresh = fresh,
	};

	query.value = pg_server_to_any(arn, strlen(arn), PG_UTF8);
	return signed_send(&request, config, credentials, secrets);
}
