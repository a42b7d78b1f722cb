/* sts.c: AWS's Security Token Service: roles assumed, and whose credentials are. */
#include "postgres.h"

#include "aws/arn.h"
#include "identity/fetch.h"
#include "secret.h"

#define SERVICE			"sts"
#define SESSION_NAME	"imagebuilder_fdw"

/* Parts of messages about answers that are not STS's. */
#define ANSWER			"an STS response"
#define ENDPOINT_HINT	"Check the server's option \"sts_endpoint_url\"."

/* State of a call of STS, in Fetch.state. */
typedef struct StsFetch
{
	const ProfileRole *role;	/* to be assumed; NULL: the account is asked for */
	const char *partition;		/* whose STS is called; NULL: AWS's own */
	const char *token_file;		/* has the web identity token; NULL: none */
	char	   *form;
	List	   *secrets;		/* secret part of the form, as it is and percent-encoded */
	Endpoint	endpoint;
	const char *region;
	int64		clock_offset;	/* clock offset of the latest signature */
	bool		corrected;		/* a rejected signature has corrected the clock, or a
								 * rejected token was read again */
} StsFetch;

static void
add_parameter(StringInfo form, const char *name, const char *value)
{
	if (value == NULL)
		return;
	/* Reserve room for the encoded value: growing would leave copies of a secret. */
	enlargeStringInfo(form, strlen(name) + 3 * strlen(value) + 64);
	if (form->len > 0)
		appendStringInfoChar(form, '&');
	appendStringInfo(form, "%s=", name);
	sigv4_uri_encode(form, value, false);
}

/* Return what messages must not show of a part of the form (or NULL). */
static List *
secrets_of(char *secret)
{
	StringInfoData encoded;

	if (secret == NULL)
		return NIL;
	initStringInfo(&encoded);
	enlargeStringInfo(&encoded, 3 * strlen(secret) + 64);
	sigv4_uri_encode(&encoded, secret, false);
	return list_make2(secret, secret_protect(encoded.data, encoded.len));
}

/* Make the form of a call; "token" is a web identity's, or NULL. */
static void
make_form(StsFetch *sts, char *token)
{
	const ProfileRole *role = sts->role;
	StringInfoData form;

	initStringInfo(&form);
	add_parameter(&form, "Action", role == NULL ? "GetCallerIdentity" :
				  token ? "AssumeRoleWithWebIdentity" : "AssumeRole");
	add_parameter(&form, "Version", "2011-06-15");
	if (role)
	{
		add_parameter(&form, "RoleArn", role->role_arn);
		add_parameter(&form, "RoleSessionName",
					  role->role_session_name ? role->role_session_name : SESSION_NAME);
		if (role->duration_seconds > 0)
			add_parameter(&form, "DurationSeconds", psprintf("%d", role->duration_seconds));
		add_parameter(&form, "ExternalId", role->external_id);
		add_parameter(&form, "WebIdentityToken", token);
		sts->secrets = secrets_of(token ? token : role->external_id);
	}
	sts->form = secret_protect(form.data, form.len);
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

	if (region == NULL && config->credential_provider != PROVIDER_STATIC)
	{
		source = "the server process's environment names";
		region = host_variable("AWS_REGION");
		if (region == NULL)
			region = host_variable("AWS_DEFAULT_REGION");
	}
	if (region == NULL)
		return endpoint_first_region(partition);
	if (arn_region_is_valid(region))
		return region;
	fetch_fail(fetch, psprintf("%s a Region that cannot be one", source), NULL,
			   "The server's option \"region\" names another.");
	return NULL;
}

/*
 * Prepare a call, with the web identity token that the file has now if there is one;
 * false, with fetch->failure, if there is no such token or no valid Region to call.
 */
static bool
set_call(Fetch *fetch)
{
	const ClientConfig *config = fetch->config;
	StsFetch   *sts = fetch->state;
	char	   *token = NULL;
	const char *problem;

	if (sts->token_file)
	{
		token = host_read_file(sts->token_file, &problem);
		if (token == NULL)
		{
			fetch_fail(fetch, psprintf("role \"%s\" could not be assumed: there is no web identity token",
									   sts->role->role_arn),
					   problem ? psprintf("It %s.", problem) :
					   psprintf("There is no file \"%s\".", sts->token_file), NULL);
			return false;
		}
		token[strcspn(token, "\r\n")] = '\0';
	}
	make_form(sts, token);
	sts->region = region_of(fetch, sts->partition);
	if (sts->region == NULL)
		return false;
	if (config->sts_endpoint.host)
		sts->endpoint = config->sts_endpoint;
	else
		endpoint_resolve(&sts->endpoint, SERVICE, sts->partition, sts->region,
						 config->use_fips_endpoint, config->use_dualstack_endpoint);
	return true;
}

/* Return a hint about an error that STS reports; NULL if the cause is not known. */
static const char *
hint_for(const AwsError *error, const StsFetch *sts)
{
	const char *code = error->code ? error->code : "";

	if (strcmp(code, "RegionDisabledException") == 0)
		return psprintf("STS is not active in Region \"%s\" for the account: the server's option \"region\" names another.",
						sts->region);
	/* STS also sends this code for an account that has not opted in to the Region. */
	if (strcmp(code, "InvalidClientTokenId") == 0)
		return psprintf("Check the credentials, and that their account uses Region \"%s\": the server's option \"region\" names another.",
						sts->region);
	if (error->class == AWS_ERROR_FORBIDDEN && sts->role == NULL)
		return "sts:GetCallerIdentity needs no permission, but the policy of a VPC endpoint for STS may deny it.";
	if (error->class == AWS_ERROR_FORBIDDEN)
		return "The credentials need the permission sts:AssumeRole for the role, and the role's trust policy must allow them.";
	return NULL;
}

/*
 * Read a successful answer, which has a role's credentials, or the account that
 * sts:GetCallerIdentity says.  Return what is wrong with it, a clause, or NULL.
 */
static const char *
take_body(Fetch *fetch)
{
	const StsFetch *sts = fetch->state;
	const HttpTransfer *transfer = fetch->exchange.transfer;

	if (sts->role)
		return issued_parse_sts(&fetch->issued, transfer->body, transfer->length);
	fetch->account = issued_parse_account(transfer->body, transfer->length);
	if (fetch->account && arn_account_is_valid(fetch->account))
		return NULL;
	return "the answer has no account of 12 digits";
}

/* Complete the failure of a call: say what it was for. */
static FetchState
fail_call(Fetch *fetch, Failure *failure)
{
	const StsFetch *sts = fetch->state;

	failure->cause = sts->role ?
		psprintf("role \"%s\" could not be assumed: %s", sts->role->role_arn, failure->cause) :
		psprintf("sts:GetCallerIdentity, for the account, failed: %s", failure->cause);
	if (sts->role == NULL)
		failure->detail = psprintf("%s Only columns with the path \"@account\" need the account.",
								   failure->detail);
	fetch->failure = failure;
	return FETCH_FAILED;
}

static FetchState
take_answer(Fetch *fetch)
{
	const StsFetch *sts = fetch->state;
	const HttpTransfer *transfer = fetch->exchange.transfer;
	const char *problem;
	Failure    *failure;
	AwsError	error;

	if (transfer->outcome != HTTP_ANSWERED)
	{
		failure = failure_of_transfer(transfer, sts->endpoint.host, fetch->exchange.attempts,
									  ANSWER, "server's option \"region\"", "sts_endpoint_url");
		if (transfer->outcome == HTTP_TOO_LARGE)
			failure->hint = ENDPOINT_HINT;
	}
	else if (fetch_read_error(fetch, &error))
	{
		failure = failure_of_aws_error(&error, NULL, transfer, fetch->exchange.attempts);
		fetch->rejected = error.class;
		failure->hint = hint_for(&error, sts);
	}
	else
	{
		problem = take_body(fetch);
		if (problem == NULL)
			return FETCH_DONE;
		failure = failure_create(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY,
								 "the answer is not " ANSWER, psprintf("STS: %s.", problem),
								 ENDPOINT_HINT);
	}
	return fail_call(fetch, failure);
}

/* Send a call, which is not signed if a token says whose it is. */
static HttpTransfer *
send_call(Fetch *fetch)
{
	StsFetch   *sts = fetch->state;
	SignedRequest request = {
		.service = SERVICE,
		.region = sts->region,
		.endpoint = &sts->endpoint,
		/* botocore's rule for services with one path */
		.path = *sts->endpoint.base_path ? "" : "/",
		.body = sts->form,
		.content_type = "application/x-www-form-urlencoded",
		.max_body = MAX_ANSWER,
		.secret = true,
		.fresh = fetch->exchange.request.fresh,
		.secrets = sts->secrets,
	};

	sts->clock_offset = signed_clock_offset(sts->endpoint.host);
	return signed_send(&request, fetch->config,
					   sts->token_file ? NULL : &fetch->issued.credentials);
}

/*
 * True if a call that STS has rejected may succeed now: the clock by which it was signed
 * is corrected, or the host may be replacing the token's file with the next one.
 */
static bool
is_worth_repeating(const Fetch *fetch)
{
	const StsFetch *sts = fetch->state;
	AwsError	error;

	if (sts->corrected || !fetch_read_error(fetch, &error))
		return false;
	if (sts->token_file)
		return error.code && strcmp(error.code, "InvalidIdentityToken") == 0;
	return error.class == AWS_ERROR_CLOCK &&
		signed_correct_clock(sts->endpoint.host, fetch->exchange.transfer, sts->clock_offset);
}

/* Advance a call, which is made once more with a corrected clock or another token. */
static FetchState
advance(Fetch *fetch)
{
	StsFetch   *sts = fetch->state;

	while (fetch_exchange(fetch, send_call, fetch->config->max_attempts) == FETCH_DONE)
	{
		if (!is_worth_repeating(fetch))
			return take_answer(fetch);
		sts->corrected = true;
		fetch->exchange.transfer = NULL;
		if (sts->token_file)
		{
			fetch_next_request(fetch);
			if (!set_call(fetch))
				return FETCH_FAILED;
		}
	}
	return FETCH_WAITING;
}

/*
 * Assume a role, with its web identity token or the credentials in fetch->issued, which
 * the role's replace.  If "role" is NULL, set fetch->account to the account of
 * fetch->issued.
 */
FetchState
sts_call(Fetch *fetch, const ProfileRole *role)
{
	StsFetch   *sts = palloc0(sizeof(StsFetch));

	sts->role = role;
	sts->partition = role ? partition_of(role->role_arn) : fetch->partition;
	sts->token_file = role ? role->web_identity_token_file : NULL;
	fetch->state = sts;
	if (!set_call(fetch))
		return FETCH_FAILED;
	fetch->advance = advance;
	return advance(fetch);
}
