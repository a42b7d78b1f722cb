/*-------------------------------------------------------------------------
 *
 * request.c
 *		A GetImage request, signed.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/lookup/request.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lookup/request.h"
#include "mb/pg_wchar.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"

#define OPERATION_PATH		"/GetImage"
#define USER_AGENT \
	"imagebuilder_fdw/" IMAGEBUILDER_FDW_VERSION " PostgreSQL/" PG_VERSION

/* From this difference on, a rejected signature is put down to the clock. */
#define MAX_CLOCK_SKEW		(5 * SECS_PER_MINUTE)

/* The longest host name, with a port. */
#define MAX_HOST			264

/* How far a service's clock is ahead of ours, where signatures showed it. */
typedef struct ClockOffset
{
	char		host[MAX_HOST]; /* the key */
	int64		seconds;
} ClockOffset;

static HTAB *clock_offsets = NULL;

static ClockOffset *
clock_offset(const char *host, HASHACTION action)
{
	char		key[MAX_HOST];
	bool		found;
	ClockOffset *offset;

	if (clock_offsets == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = MAX_HOST;
		ctl.entrysize = sizeof(ClockOffset);
		clock_offsets = hash_create("imagebuilder_fdw clock offsets", 8, &ctl,
									HASH_ELEM | HASH_STRINGS);
	}
	strlcpy(key, host, sizeof(key));
	offset = hash_search(clock_offsets, key, action, &found);
	if (offset && !found)
		offset->seconds = 0;
	return offset;
}

/* This server's clock, corrected by what the endpoint's was found to be. */
static time_t
signing_clock(const char *host)
{
	ClockOffset *offset = clock_offset(host, HASH_FIND);

	return time(NULL) + (offset ? offset->seconds : 0);
}

/* The three headers that are signed, and the one that is their signature. */
static void
sign(const AwsCredentials *credentials, const char *host, const char *region,
	 const char *path, const NameValue *query, const char **headers,
	 const char **secrets)
{
	SigV4Scope	scope = {.region = region,.service = REQUEST_SERVICE};
	NameValue	signed_headers[3];
	SigV4Request request = {
		.method = "GET",
		.path = path,
		.normalize_path = true,
		.query = query,
		.nquery = 1,
		.headers = signed_headers,
	};
	char	   *authorization;
	int			n = 0;

	sigv4_date(scope.date, signing_clock(host));
	signed_headers[n++] = (NameValue) {"Host", host};
	signed_headers[n++] = (NameValue) {"X-Amz-Date", scope.date};
	if (credentials->session_token)
		signed_headers[n++] = (NameValue) {"X-Amz-Security-Token", credentials->session_token};
	request.nheaders = n;
	authorization = sigv4_authorization(&request, &scope, credentials);
	if (authorization == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("could not sign a request"),
				 errdetail("OpenSSL does not provide SHA-256.")));

	for (int i = 0; i < n; i++)
		headers[i] = psprintf("%s: %s", signed_headers[i].name, signed_headers[i].value);
	headers[n++] = psprintf("Authorization: %s", authorization);
	headers[n] = NULL;

	n = 0;
	secrets[n++] = authorization;
	secrets[n++] = strrchr(authorization, '=') + 1;	/* the signature */
	secrets[n++] = credentials->secret_access_key;
	secrets[n++] = credentials->session_token;
	secrets[n] = NULL;
}

/*
 * Send GetImage for an ARN, signed for its Region by the endpoint's clock, and
 * return without waiting.
 *
 * The transfer belongs to the current memory context, as do the strings of
 * "secrets", which must not be shown of what the service answers;
 * NULL-terminated.  The configuration must have keys.
 */
HttpTransfer *
request_send(const ClientConfig *config, const Endpoint *endpoint, const char *region,
			 const char *arn, const char *secrets[REQUEST_MAX_SECRETS + 1])
{
	NameValue	query = {"imageBuildVersionArn", NULL};
	char	   *path = psprintf("%s" OPERATION_PATH, endpoint->base_path);
	const char *headers[5];
	HttpRequest request;
	StringInfoData query_string;

	query.value = pg_server_to_any(arn, strlen(arn), PG_UTF8);
	initStringInfo(&query_string);
	sigv4_query(&query_string, &query, 1);
	sign(&config->credentials, endpoint->host, region, path, &query, headers, secrets);

	request.url = endpoint_url(endpoint, OPERATION_PATH, query_string.data);
	request.headers = headers;
	request.user_agent = USER_AGENT;
	request.ca_bundle = config->ca_bundle;
	request.connect_timeout = config->connect_timeout;
	request.timeout = config->request_timeout;
	request.max_body = config->max_response_size;
	return http_start(&request);
}

/*
 * Whether a rejected signature is the clock's fault, by the answer's Date: then
 * what is signed for that host from now on is signed by its clock.
 */
bool
request_correct_clock(const char *host, const HttpTransfer *transfer)
{
	char	   *header = http_header(transfer, "Date");
	time_t		date;

	if (header == NULL || !http_parse_date(header, &date) ||
		labs((long) (date - signing_clock(host))) < MAX_CLOCK_SKEW)
		return false;
	clock_offset(host, HASH_ENTER)->seconds = (int64) date - time(NULL);
	return true;
}
