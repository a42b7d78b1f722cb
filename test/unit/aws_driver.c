/*
 * aws_driver.c: lets a test call the pure functions of src/aws: a JSON object a
 * line on standard input, its answer a line on standard output.
 */
#include "postgres_fe.h"

#include <json-c/json.h>

#include "aws/arn.h"
#include "aws/endpoint.h"
#include "aws/error.h"
#include "aws/issued.h"
#include "aws/sigv4.h"

static const char *
string_of(json_object *in, const char *name)
{
	json_object *value;

	return json_object_object_get_ex(in, name, &value) ? json_object_get_string(value) : NULL;
}

static bool
flag_of(json_object *in, const char *name)
{
	return json_object_get_boolean(json_object_object_get(in, name));
}

static void
add_string(json_object *out, const char *name, const char *value)
{
	json_object_object_add(out, name, value ? json_object_new_string(value) : NULL);
}

/* A list of pairs. */
static NameValue *
pairs_of(json_object *in, const char *name, int *n)
{
	json_object *list = json_object_object_get(in, name);
	NameValue  *pairs;

	*n = (int) json_object_array_length(list);
	pairs = palloc((*n + 1) * sizeof(NameValue));
	for (int i = 0; i < *n; i++)
	{
		json_object *pair = json_object_array_get_idx(list, i);

		pairs[i].name = json_object_get_string(json_object_array_get_idx(pair, 0));
		pairs[i].value = json_object_get_string(json_object_array_get_idx(pair, 1));
	}
	return pairs;
}

static void
sign(json_object *in, json_object *out)
{
	SigV4Request request = {0};
	SigV4Scope	scope = {0};
	AwsCredentials credentials = {0};
	StringInfoData canonical_request;
	StringInfoData string_to_sign;
	char		signature[SIGV4_HEX_SIZE];

	request.method = string_of(in, "method");
	request.path = string_of(in, "path");
	request.normalize_path = flag_of(in, "normalize");
	request.query = pairs_of(in, "query", &request.nquery);
	request.headers = pairs_of(in, "headers", &request.nheaders);
	request.body = string_of(in, "body");
	request.body_length = request.body ? strlen(request.body) : 0;
	sigv4_date(scope.date, (time_t) json_object_get_int64(json_object_object_get(in, "time")));
	scope.region = string_of(in, "region");
	scope.service = string_of(in, "service");
	credentials.access_key_id = pstrdup(string_of(in, "access_key_id"));
	credentials.secret_access_key = pstrdup(string_of(in, "secret_access_key"));

	initStringInfo(&canonical_request);
	initStringInfo(&string_to_sign);
	if (!sigv4_canonical_request(&canonical_request, &request) ||
		!sigv4_string_to_sign(&string_to_sign, &scope, &canonical_request) ||
		!sigv4_signature(signature, &scope, credentials.secret_access_key, &string_to_sign))
		exit(1);
	add_string(out, "canonical_request", canonical_request.data);
	add_string(out, "string_to_sign", string_to_sign.data);
	add_string(out, "signature", signature);
	add_string(out, "authorization", sigv4_authorization(&request, &scope, &credentials));
}

static void
endpoint(json_object *in, json_object *out)
{
	Endpoint	result;
	const char *url = string_of(in, "url");
	const char *error = NULL;

	if (url == NULL)
		endpoint_resolve(&result, string_of(in, "service"), string_of(in, "partition"),
						 string_of(in, "region"), flag_of(in, "fips"), flag_of(in, "dualstack"));
	else if (!endpoint_parse_url(&result, url, &error))
	{
		add_string(out, "error", error);
		return;
	}
	add_string(out, "url", endpoint_url(&result, "/Path", "query"));
	add_string(out, "host", result.host);
	if (url == NULL)
		add_string(out, "first_region", endpoint_first_region(string_of(in, "partition")));
}

static void
date(json_object *in, json_object *out)
{
	int64		time;
	const char *text = string_of(in, "text");

	if (issued_parse_time(text, &time))
		json_object_object_add(out, "time", json_object_new_int64(time));
}

static void
arn(json_object *in, json_object *out)
{
	Arn			result;
	bool		valid = arn_parse(string_of(in, "arn"), &result);

	json_object_object_add(out, "valid", json_object_new_boolean(valid));
	json_object_object_add(out, "image",
						   json_object_new_boolean(valid && arn_is_of_kind(&result, "image:any")));
	if (string_of(in, "kind"))
	{
		valid = valid && arn_is_of_kind(&result, string_of(in, "kind"));
		json_object_object_add(out, "fits", json_object_new_boolean(valid));
	}
}

static void
error(json_object *in, json_object *out)
{
	AwsError	result;
	const char *body = string_of(in, "body");

	aws_error_parse(&result, json_object_get_int(json_object_object_get(in, "status")),
					string_of(in, "header"), body, strlen(body));
	add_string(out, "code", result.code);
	add_string(out, "message", result.message);
	json_object_object_add(out, "class", json_object_new_int(result.class));
}

static void
issued(json_object *in, json_object *out, bool sts)
{
	IssuedCredentials result;
	const char *body = string_of(in, "body");
	const char *problem = sts ? issued_parse_sts(&result, body, strlen(body)) :
		issued_parse(&result, body, strlen(body));
	json_object *keys;

	if (problem)
	{
		add_string(out, "problem", problem);
		return;
	}
	keys = json_object_new_array();
	json_object_array_add(keys, json_object_new_string(result.credentials.access_key_id));
	json_object_array_add(keys, json_object_new_string(result.credentials.secret_access_key));
	json_object_array_add(keys, json_object_new_string(result.credentials.session_token));
	json_object_object_add(out, "keys", keys);
	json_object_object_add(out, "expires", json_object_new_int64(result.expires));
}

static void
sts_error(json_object *in, json_object *out)
{
	AwsError	result;
	const char *body = string_of(in, "body");

	issued_parse_sts_error(&result, json_object_get_int(json_object_object_get(in, "status")),
						   body, strlen(body));
	add_string(out, "code", result.code);
	add_string(out, "message", result.message);
	json_object_object_add(out, "class", json_object_new_int(result.class));
}

int
main(void)
{
	char	   *line = NULL;
	size_t		size = 0;

	while (getline(&line, &size, stdin) > 0)
	{
		json_object *in = json_tokener_parse(line);
		json_object *out = json_object_new_object();
		const char *call = string_of(in, "call");

		if (strcmp(call, "sign") == 0)
			sign(in, out);
		else if (strcmp(call, "endpoint") == 0)
			endpoint(in, out);
		else if (strcmp(call, "date") == 0)
			date(in, out);
		else if (strcmp(call, "arn") == 0)
			arn(in, out);
		else if (strcmp(call, "error") == 0)
			error(in, out);
		else if (strcmp(call, "issued") == 0)
			issued(in, out, false);
		else if (strcmp(call, "sts") == 0)
			issued(in, out, true);
		else if (strcmp(call, "account") == 0)
			add_string(out, "account", issued_parse_account(string_of(in, "body"),
															strlen(string_of(in, "body"))));
		else if (strcmp(call, "sts_error") == 0)
			sts_error(in, out);
		else
			exit(1);
		puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN |
											JSON_C_TO_STRING_NOSLASHESCAPE));
		fflush(stdout);
		json_object_put(in);
		json_object_put(out);
	}
	return 0;
}
