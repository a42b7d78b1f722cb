/* signed.c: signed requests to AWS's services. */
#include "postgres.h"

#include <curl/curl.h>

#include "identity/signed.h"
#include "secret.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"

/* Clock difference, in s, that explains a rejected signature: AWS allows 5 minutes. */
#define MAX_CLOCK_SKEW		(5 * SECS_PER_MINUTE)

/* Upper bound, in s, of a clock difference that a service's Date may show. */
#define MAX_CLOCK_OFFSET	SECS_PER_DAY

/* Length of the longest host name with a port. */
#define MAX_HOST			264

/* Offset of a service's clock from this server's, as a rejected signature showed it. */
typedef struct ClockOffset
{
	char		host[MAX_HOST]; /* hash key */
	int64		seconds;
} ClockOffset;

static HTAB *clock_offsets = NULL;

static ClockOffset *
clock_offset(const char *host, HASHACTION action)
{
	if (clock_offsets == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = MAX_HOST;
		ctl.entrysize = sizeof(ClockOffset);
		clock_offsets = hash_create("imagebuilder_fdw clock offsets", 8, &ctl,
									HASH_ELEM | HASH_STRINGS);
	}
	return hash_search(clock_offsets, host, action, NULL);
}

/* Return the seconds by which a host's clock is taken to be ahead of this server's. */
int64
signed_clock_offset(const char *host)
{
	ClockOffset *offset = clock_offset(host, HASH_FIND);

	return offset ? offset->seconds : 0;
}

/* Have services answer in JSON whose default is XML, such as STS. */
#define ACCEPT				"Accept: application/json"

/* Add the headers of a signed request, and the secrets in them. */
static void
sign(HttpRequest *http, const SignedRequest *request, const AwsCredentials *credentials)
{
	SigV4Scope	scope = {.region = request->region,.service = request->service};
	const char *host = request->endpoint->host;
	NameValue	signed_headers[4];
	SigV4Request canonical = {
		.method = request->body ? "POST" : "GET",
		.path = psprintf("%s%s", request->endpoint->base_path, request->path),
		.normalize_path = true,
		.query = request->query,
		.nquery = request->nquery,
		.headers = signed_headers,
		.body = request->body,
		.body_length = request->body ? strlen(request->body) : 0,
	};
	char	   *authorization;
	int			n = 0;

	sigv4_date(scope.date, time(NULL) + signed_clock_offset(host));
	if (request->body)
		signed_headers[n++] = (NameValue) {"Content-Type", request->content_type};
	signed_headers[n++] = (NameValue) {"Host", host};
	signed_headers[n++] = (NameValue) {"X-Amz-Date", scope.date};
	if (credentials->session_token)
		signed_headers[n++] = (NameValue) {"X-Amz-Security-Token", credentials->session_token};
	canonical.nheaders = n;
	authorization = sigv4_authorization(&canonical, &scope, credentials);
	if (authorization == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("could not sign a request"),
				 errdetail("OpenSSL does not provide SHA-256.")));

	for (int i = 0; i < n; i++)
		http->headers = lappend(http->headers,
								secret_concat(psprintf("%s: ", signed_headers[i].name),
											  signed_headers[i].value));
	http->headers = lappend(http->headers, psprintf("Authorization: %s", authorization));

	/* Copy the secrets, since the credentials may be renewed before the answer comes. */
	http->secrets = list_make3(authorization, strrchr(authorization, '=') + 1,	/* the signature */
							   secret_strdup(credentials->secret_access_key));
	if (credentials->session_token)
		http->secrets = lappend(http->secrets, secret_strdup(credentials->session_token));
}

/*
 * Send a request, signed with the endpoint's clock unless "credentials" is NULL, and
 * return without waiting.  The transfer belongs to the current memory context.
 */
HttpTransfer *
signed_send(const SignedRequest *request, const ClientConfig *config,
			const AwsCredentials *credentials)
{
	StringInfoData query;
	HttpRequest http = {
		.method = request->body ? "POST" : "GET",
		.headers = list_make1(ACCEPT),
		.body = request->body,
		.user_agent = USER_AGENT,
		.ca_bundle = config->ca_bundle,
		.proxy = config->proxy,
		.connect_timeout = config->connect_timeout,
		.timeout = config->request_timeout,
		.max_body = request->max_body,
		.secret = request->secret,
		.fresh = request->fresh,
	};

	initStringInfo(&query);
	sigv4_query(&query, request->query, request->nquery);
	http.url = endpoint_url(request->endpoint, request->path, query.data);
	if (credentials)
		sign(&http, request, credentials);
	else
		http.headers = lappend(http.headers, psprintf("Content-Type: %s", request->content_type));
	http.secrets = list_concat(http.secrets, request->secrets);
	return http_start(&http);
}

/*
 * True if the answer's Date shows that the clock is why a signature was rejected; later
 * requests to the host are then signed with the host's clock.  "offset" is what
 * signed_clock_offset() returned for the rejected request: another answer may have
 * corrected the clock since.  False if libcurl cannot read the Date, or if it is more
 * than a day away from this server's clock.
 */
bool
signed_correct_clock(const char *host, const HttpTransfer *transfer, int64 offset)
{
	char	   *header = http_header(transfer, "Date");
	int64		now = (int64) time(NULL);
	int64		date = header ? (int64) curl_getdate(header, NULL) : -1;

	if (date < 0 || llabs((long long) (date - now)) > MAX_CLOCK_OFFSET ||
		llabs((long long) (date - (now + offset))) < MAX_CLOCK_SKEW)
		return false;
	clock_offset(host, HASH_ENTER)->seconds = date - now;
	return true;
}
