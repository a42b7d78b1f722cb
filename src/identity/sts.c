/* sts.c: roles assumed with AWS's Security Token Service. */
#include "postgres.h"

#include "aws/arn.h"
#include "identity/host.h"
#include "identity/sts.h"
#include "secret.h"

#define SERVICE			"sts"
#define SESSION_NAME	"imagebuilder_fdw"
#define MAX_ANSWER		((size_t) 64 * 1024)

/* Parts of messages about answers that are not STS's. */
#define ANSWER			"an STS response"
#define ENDPOINT_HINT	"Check the server's option \"sts_endpoint_url\"."

/* Call of STS; lives as long as the fetch. */
typedef struct StsCall
{
	const char *role_arn;
	char	   *form;
	const char *secret;			/* secret part of the form; NULL: none */
	Endpoint	endpoint;
	const char *region;
	int64		clock_offset;	/* clock offset of the latest signature */
	bool		clock_corrected;	/* a rejected signature has corrected the clock
									 * once */
} StsCall;

static void
add_parameter(StringInfo form, const char *name, const char *value)
{
	if (value == NULL)
		return;
	/*
	 * Reserve room for the encoded value, up to three times as long: growing would leave
	 * copies of a secret.
	 */
	enlargeStringInfo(form, strlen(name) + 3 * strlen(value) + 64);
	if (form->len > 0)
		appendStringInfoChar(form, '&');
	appendStringInfo(form, "%s=", name);
	sigv4_uri_encode(form, value, false);
}

static void
begin_form(StringInfo form, const char *action, const char *role_arn, const char *session_name)
{
	initStringInfo(form);
	add_parameter(form, "Action", action);
	add_parameter(form, "Version", "2011-06-15");
	add_parameter(form, "RoleArn", role_arn);
	add_parameter(form, "RoleSessionName", session_name ? session_name : SESSION_NAME);
}

/* Return the partition of an ARN; NULL if the text is not an ARN. */
static char *
partition_of(const char *arn)
{
	return strncmp(arn, "arn:", 4) == 0 ? pnstrdup(arn + 4, strcspn(arn + 4, ":")) : NULL;
}

/*
 * Return the Region in which to call STS, by the rules of doc/credentials.md for the
 * option "region"; NULL, with fetch->failure, if the Region found is not valid.
 */
static const char *
region_of(Fetch *fetch, const char *partition)
{
	const ClientConfig *config = fetch->config;
	const char *region = config->region ? config->region : fetch->region;
	const char *source = "the shared AWS files name";

	if (region == NULL && strcmp(config->credential_provider, "static") != 0)
	{
		source = "the server process's environment names";
		region = host_variable("AWS_REGION");
		if (region == NULL)
			region = host_variable("AWS_DEFAULT_REGION");
	}
	if (region == NULL)
		return endpoint_first_region(partition);
	if (region_is_valid(region))
		return region;
	fetch_fail(fetch, psprintf("%s a Region that cannot be one", source), NULL,
			   "The server's option \"region\" names another.");
	return NULL;
}

/* Prepare a call; false, with fetch->failure, if there is no valid Region to call. */
static bool
make_call(Fetch *fetch, const char *role_arn, const StringInfoData *form, const char *secret)
{
	const ClientConfig *config = fetch->config;
	const char *partition = partition_of(role_arn);
	StsCall    *call = palloc0(sizeof(StsCall));
	const char *error = NULL;

	call->role_arn = role_arn;
	call->form = secret_guard(form->data, form->len);
	call->secret = secret;
	call->region = region_of(fetch, partition);
	if (call->region == NULL)
		return false;
	if (config->sts_endpoint_url == NULL)
		endpoint_resolve(&call->endpoint, SERVICE, partition, call->region,
						 config->use_fips_endpoint, config->use_dualstack_endpoint);
	else if (!endpoint_parse_url(&call->endpoint, config->sts_endpoint_url, &error))
		elog(ERROR, "option \"sts_endpoint_url\" was not validated: %s", error);
	fetch->call = call;
	return true;
}

/* Return a hint about an error that STS reports; NULL if the cause is not known. */
static const char *
hint_for(const AwsError *error, const StsCall *call)
{
	const char *code = error->code ? error->code : "";

	if (strcmp(code, "RegionDisabledException") == 0)
		return psprintf("STS is not active in Region \"%s\" for the account: the server's option \"region\" names another.",
						call->region);
	/* STS also sends this code for an account that has not opted in to the Region. */
	if (strcmp(code, "InvalidClientTokenId") == 0)
		return psprintf("Check the credentials, and that their account uses Region \"%s\": the server's option \"region\" names another.",
						call->region);
	if (error->class == AWS_ERROR_FORBIDDEN)
		return "The credentials need the permission sts:AssumeRole for the role, and the role's trust policy must allow them.";
	return NULL;
}

/* True if STS answered with an error, which is put into *error. */
static bool
read_error(const HttpTransfer *transfer, AwsError *error)
{
	if (transfer->outcome != HTTP_ANSWERED || transfer->status < 300)
		return false;
	issued_parse_sts_error(error, transfer->status, transfer->body ? transfer->body : "",
						   transfer->length);
	return true;
}

/* Take the role's credentials from the answer, or fail. */
static FetchState
take_answer(Fetch *fetch, const StsCall *call)
{
	const HttpTransfer *transfer = fetch->exchange.transfer;
	const char *problem;
	Failure    *failure;
	AwsError	error;

	if (transfer->outcome != HTTP_ANSWERED)
	{
		failure = failure_of_transfer(transfer, call->endpoint.host, fetch->exchange.attempts,
									  ANSWER);
		if (transfer->outcome == HTTP_NO_CONNECTION)
			failure->hint = "Check the server's options \"region\" and \"sts_endpoint_url\", and the network.";
		else if (transfer->outcome == HTTP_TOO_LARGE || transfer->outcome == HTTP_MALFORMED)
			failure->hint = ENDPOINT_HINT;
	}
	else if (read_error(transfer, &error))
	{
		failure = failure_of_aws_error(&error, NULL, transfer, fetch->exchange.attempts,
									   fetch->exchange.secrets);
		fetch->rejected = error.class;
		failure->hint = hint_for(&error, call);
	}
	else
	{
		problem = issued_parse_sts(&fetch->issued, transfer->body ? transfer->body : "",
								   transfer->length);
		if (problem == NULL)
			return FETCH_DONE;
		failure = failure_create(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY,
								 "the answer is not " ANSWER, psprintf("STS: %s.", problem),
								 ENDPOINT_HINT);
	}
	failure->cause = psprintf("role \"%s\" could not be assumed: %s", call->role_arn,
							  failure->cause);
	fetch->failure = failure;
	return FETCH_FAILED;
}

/*
 * Return the path below the endpoint's base path, by botocore's rule for services with
 * one path.
 */
static const char *
path_of(const StsCall *call)
{
	return *call->endpoint.base_path ? "" : "/";
}

/* Keep a secret part of the form out of messages, as it is and percent-encoded. */
static void
hide(Fetch *fetch, const char *secret)
{
	const char **place = fetch->exchange.secrets;
	StringInfoData encoded;

	if (secret == NULL)
		return;
	initStringInfo(&encoded);
	enlargeStringInfo(&encoded, 3 * strlen(secret) + 64);
	sigv4_uri_encode(&encoded, secret, false);
	while (*place)
		place++;
	*place++ = secret;
	*place++ = secret_guard(encoded.data, encoded.len);
	*place = NULL;
}

static HttpTransfer *
send_signed(Fetch *fetch)
{
	StsCall    *call = fetch->call;
	SignedRequest request = {
		.service = SERVICE,
		.region = call->region,
		.endpoint = &call->endpoint,
		.path = path_of(call),
		.form = call->form,
		.max_body = MAX_ANSWER,
		.secret = true,
		.fresh = fetch->exchange.fresh,
	};

	HttpTransfer *transfer = signed_send(&request, fetch->config, &fetch->issued.credentials,
										 fetch->exchange.secrets);

	call->clock_offset = signed_clock_offset(call->endpoint.host);
	hide(fetch, call->secret);
	return transfer;
}

/*
 * True if the signature was rejected because of the clock, and the clock is corrected
 * now.
 */
static bool
correct_clock(const HttpTransfer *transfer, StsCall *call)
{
	AwsError	error;

	if (call->clock_corrected || !read_error(transfer, &error))
		return false;
	call->clock_corrected = error.class == AWS_ERROR_CLOCK &&
		signed_correct_clock(call->endpoint.host, transfer, call->clock_offset);
	return call->clock_corrected;
}

/* Assume a role with the credentials in fetch->issued, and replace them by the role's. */
FetchState
sts_assume_role(Fetch *fetch, const ProfileRole *role, long *wait)
{
	StsCall    *call;
	StringInfoData form;

	if (fetch->exchange.attempts == 0)
	{
		begin_form(&form, "AssumeRole", role->role_arn, role->role_session_name);
		if (role->duration_seconds > 0)
			add_parameter(&form, "DurationSeconds", psprintf("%d", role->duration_seconds));
		add_parameter(&form, "ExternalId", role->external_id);
		if (!make_call(fetch, role->role_arn, &form, role->external_id))
			return FETCH_FAILED;
	}
	call = fetch->call;
	while (fetch_exchange(fetch, send_signed, fetch->config->max_attempts, wait) == FETCH_DONE)
	{
		if (!correct_clock(fetch->exchange.transfer, call))
			return take_answer(fetch, call);
		fetch->exchange.transfer = NULL;
	}
	return FETCH_WAITING;
}

/*
 * True if STS rejects a web identity token for the first time in a fetch: the host may
 * be replacing the file, so that its next token may be accepted.
 */
static bool
is_worth_another_token(Fetch *fetch)
{
	AwsError	error;

	if (fetch->token_reread || !read_error(fetch->exchange.transfer, &error))
		return false;
	fetch->token_reread = error.code && strcmp(error.code, "InvalidIdentityToken") == 0;
	return fetch->token_reread;
}

/*
 * Assume a role, without a signature, with the token in a file, which is read for each
 * call, and once more if STS rejects the token.  The session's name may be NULL.
 */
FetchState
sts_assume_role_with_web_identity(Fetch *fetch, const char *token_file, const char *role_arn,
								  const char *session_name, long *wait)
{
	static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
	"Accept: application/json", NULL};
	const char *problem;
	char	   *token;
	StringInfoData form;
	StsCall    *call;

	if (fetch->exchange.attempts == 0)
	{
		token = host_read_file(token_file, &problem);
		if (token)
			token[strcspn(token, "\r\n")] = '\0';
		else
			return fetch_fail(fetch, psprintf("role \"%s\" could not be assumed: there is no web identity token", role_arn),
							  problem ? psprintf("It %s.", problem) :
							  psprintf("There is no file \"%s\".", token_file), NULL);
		begin_form(&form, "AssumeRoleWithWebIdentity", role_arn, session_name);
		add_parameter(&form, "WebIdentityToken", token);
		if (!make_call(fetch, role_arn, &form, token))
			return FETCH_FAILED;
		call = fetch->call;
		hide(fetch, token);
		fetch->request = (HttpRequest) {
			.method = "POST",
			.url = endpoint_url(&call->endpoint, path_of(call), ""),
			.headers = headers,
			.body = call->form,
		};
		signed_set_client(&fetch->request, fetch->config);
		fetch->request.max_body = MAX_ANSWER;
	}
	call = fetch->call;
	if (fetch_request(fetch, fetch->config->max_attempts, wait) != FETCH_DONE)
		return FETCH_WAITING;
	if (!is_worth_another_token(fetch))
		return take_answer(fetch, call);
	fetch_next_request(fetch);
	return sts_assume_role_with_web_identity(fetch, token_file, role_arn, session_name, wait);
}
