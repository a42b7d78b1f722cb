/* issued.c: temporary credentials as STS, IMDS and containers issue them. */
#include "aws/base.h"

#include <json-c/json.h>

#include "aws/date.h"
#include "aws/issued.h"
#include "aws/json.h"
#include "secret.h"

/* Functions for answers in JSON. */

/*
 * Return a copy of a member that is a string and not empty, protected by
 * secret_protect(); else NULL.
 *
 * json-c's strings may hold a U+0000, at which a C string would end.  The copy has
 * U+0001 in its place, which is also shown as a space and refused in credentials.
 */
static char *
string_member(json_object *object, const char *name)
{
	json_object *value = NULL;
	char	   *copy;
	int			length;

	if (object == NULL || !json_object_object_get_ex(object, name, &value) ||
		!json_object_is_type(value, json_type_string) ||
		json_object_get_string_len(value) == 0)
		return NULL;
	length = json_object_get_string_len(value);
	copy = secret_protect(palloc(length + 1), length);
	for (int i = 0; i < length; i++)
	{
		char		c = json_object_get_string(value)[i];

		copy[i] = c == '\0' ? '\x01' : c;
	}
	copy[length] = '\0';
	return copy;
}

static json_object *
object_member(json_object *object, const char *name)
{
	json_object *value = NULL;

	if (object == NULL || !json_object_object_get_ex(object, name, &value) ||
		!json_object_is_type(value, json_type_object))
		return NULL;
	return value;
}

/*
 * Take "Expiration", a number of seconds or an ISO time; credentials without it never
 * expire.  The range is checked as a double, because json-c reads NaN and Infinity as
 * numbers.
 */
static bool
take_expiration(IssuedCredentials *issued, json_object *object)
{
	json_object *value = NULL;
	double		seconds;

	issued->expires = ISSUED_FOR_GOOD;
	if (!json_object_object_get_ex(object, "Expiration", &value) || value == NULL)
		return true;
	if (json_object_is_type(value, json_type_string))
	{
		char	   *text = string_member(object, "Expiration");

		return text && date_parse_iso(text, &issued->expires);
	}
	if (!json_object_is_type(value, json_type_int) &&
		!json_object_is_type(value, json_type_double))
		return false;
	seconds = json_object_get_double(value);
	if (!(seconds >= 0 && seconds < DATE_MAX + 1.0))
		return false;
	issued->expires = (int64) seconds;
	return true;
}

/* True if credentials hold only characters that headers can carry. */
bool
issued_is_sendable(const AwsCredentials *credentials)
{
	return is_visible_ascii(credentials->access_key_id) &&
		is_visible_ascii(credentials->secret_access_key) &&
		is_visible_ascii(credentials->session_token);
}

static const char *
check_credentials(const AwsCredentials *credentials)
{
	if (!credentials->access_key_id)
		return "the answer has no \"AccessKeyId\"";
	if (!credentials->secret_access_key)
		return "the answer has no \"SecretAccessKey\"";
	if (!credentials->session_token)
		return "the answer has no session token";
	if (!issued_is_sendable(credentials))
		return "the answer's credentials hold characters that credentials do not have";
	return NULL;
}

static const char *
take_credentials(IssuedCredentials *issued, json_object *object, const char *token)
{
	issued->credentials.access_key_id = string_member(object, "AccessKeyId");
	issued->credentials.secret_access_key = string_member(object, "SecretAccessKey");
	issued->credentials.session_token = string_member(object, token);
	if (!take_expiration(issued, object))
		return "the answer's \"Expiration\" is not a time";
	return check_credentials(&issued->credentials);
}

/*
 * Return the refusal in "Code" and "Message", by which IMDS tells in an answer with
 * status 200 that it has no credentials; NULL if the answer is no refusal.
 */
static const char *
take_refusal(json_object *object)
{
	char	   *code = string_member(object, "Code");
	char	   *message = string_member(object, "Message");

	if (code == NULL || strcmp(code, "Success") == 0)
		return NULL;
	return psprintf("it answered with %s%s%s", code, message ? ": " : "",
					message ? message : "");
}

/*
 * Parse the answer of IMDS or of a container's endpoint.  Return the problem, a clause
 * that may hold foreign text but no secret; NULL if the credentials are good.
 * Allocated in the current memory context.
 */
const char *
issued_parse(IssuedCredentials *issued, const char *body, size_t length)
{
	json_object *object = json_parse_object(body, length);
	const char *problem;

	memset(issued, 0, sizeof(*issued));
	if (object == NULL)
		return "the answer is not a JSON object";
	problem = take_refusal(object);
	if (problem == NULL)
		problem = take_credentials(issued, object, "Token");
	json_release(object);
	return problem;
}

/*
 * Parse the output of a credential_process: JSON of version 1, in which the token and
 * the expiration may be absent (AWS SDKs and Tools Reference Guide, "Process
 * credential provider").  "issued" has the credentials found even if there is a
 * problem.  Return the problem, a clause, or NULL, as issued_parse() does.
 */
const char *
issued_parse_process(IssuedCredentials *issued, const char *output, size_t length)
{
	json_object *object = json_parse_object(output, length);
	json_object *version = NULL;
	const char *problem = NULL;

	memset(issued, 0, sizeof(*issued));
	if (object == NULL)
		return "the output is not a JSON object";
	issued->credentials.access_key_id = string_member(object, "AccessKeyId");
	issued->credentials.secret_access_key = string_member(object, "SecretAccessKey");
	issued->credentials.session_token = string_member(object, "SessionToken");
	if (!json_object_object_get_ex(object, "Version", &version))
		problem = "the output has no \"Version\"";
	else if (!json_object_is_type(version, json_type_int) || json_object_get_int64(version) != 1)
		problem = "the output's \"Version\" is not 1";
	else if (!issued->credentials.access_key_id)
		problem = "the output has no \"AccessKeyId\"";
	else if (!issued->credentials.secret_access_key)
		problem = "the output has no \"SecretAccessKey\"";
	else if (!take_expiration(issued, object))
		problem = "the output's \"Expiration\" is not a time";
	else if (!issued_is_sendable(&issued->credentials))
		problem = "the output's credentials hold characters that credentials do not have";
	json_release(object);
	return problem;
}

/* Functions for answers in XML. */

/* Decode XML's five entities and references to ASCII in place; false for any other. */
static bool
decode_entities(char *text)
{
	static const struct
	{
		const char *name;
		char		c;
	}			entities[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
	char	   *out = text;

	while (*text)
	{
		char		c = *text++;

		if (c == '&' && *text == '#')
		{
			bool		hex = text[1] == 'x';
			char	   *end;
			long		number = strtol(text + (hex ? 2 : 1), &end, hex ? 16 : 10);

			if (number <= 0 || number >= 128 || *end != ';')
				return false;
			c = (char) number;
			text = end + 1;
		}
		else if (c == '&')
		{
			size_t		i = 0;

			while (i < lengthof(entities) &&
				   strncmp(text, entities[i].name, strlen(entities[i].name)) != 0)
				i++;
			if (i == lengthof(entities))
				return false;
			c = entities[i].c;
			text += strlen(entities[i].name);
		}
		*out++ = c;
	}
	*out = '\0';
	return true;
}

/*
 * Return the text of the first element of a name, copied and protected by
 * secret_protect(); NULL if there is no such element, or if it holds anything but text.
 * STS's answers have no attributes but a namespace at the root, no comments and no
 * CDATA, so that five elements need no XML library.
 */
static char *
xml_element(const char *body, const char *name)
{
	char	   *open = psprintf("<%s>", name);
	const char *start = strstr(body, open);
	const char *close;
	char	   *text;

	if (start == NULL)
		return NULL;
	start += strlen(open);
	close = start + strcspn(start, "<");
	if (close == start || strncmp(close, psprintf("</%s>", name), strlen(open) + 1) != 0)
		return NULL;
	text = secret_copy(start, close - start);
	return decode_entities(text) ? text : NULL;
}

static const char *
take_xml(IssuedCredentials *issued, const char *body)
{
	char	   *expiration = xml_element(body, "Expiration");

	issued->credentials.access_key_id = xml_element(body, "AccessKeyId");
	issued->credentials.secret_access_key = xml_element(body, "SecretAccessKey");
	issued->credentials.session_token = xml_element(body, "SessionToken");
	issued->expires = ISSUED_FOR_GOOD;
	if (expiration && !date_parse_iso(expiration, &issued->expires))
		return "the answer's \"Expiration\" is not a time";
	return check_credentials(&issued->credentials);
}

/* True if a body may be XML, which holds no NUL. */
static bool
is_xml(const char *body, size_t length)
{
	size_t		i = 0;

	while (i < length && strchr(" \t\r\n", body[i]))
		i++;
	return i < length && body[i] == '<' && strlen(body) == length;
}

/*
 * Parse the answer to AssumeRole or AssumeRoleWithWebIdentity, in JSON or in XML.
 * Return the problem, a clause, or NULL, as issued_parse() does.
 */
const char *
issued_parse_sts(IssuedCredentials *issued, const char *body, size_t length)
{
	bool		xml = is_xml(body, length);
	json_object *object = xml ? NULL : json_parse_object(body, length);
	json_object *response = object_member(object, "AssumeRoleResponse");
	json_object *result = object_member(response, "AssumeRoleResult");
	json_object *credentials;
	const char *problem;

	memset(issued, 0, sizeof(*issued));
	if (response == NULL)
	{
		response = object_member(object, "AssumeRoleWithWebIdentityResponse");
		result = object_member(response, "AssumeRoleWithWebIdentityResult");
	}
	credentials = object_member(result, "Credentials");
	problem = xml ? take_xml(issued, body) :
		object == NULL ? "the answer is neither JSON nor XML" :
		credentials == NULL ? "the answer has no credentials" :
		take_credentials(issued, credentials, "SessionToken");
	json_release(object);
	/* Credentials of STS always expire. */
	if (problem == NULL && issued->expires == ISSUED_FOR_GOOD)
		return "the answer has no \"Expiration\"";
	return problem;
}

/*
 * Return the account in the answer to GetCallerIdentity, in JSON or in XML, in the
 * current memory context; NULL if the answer has none.
 */
char *
issued_parse_account(const char *body, size_t length)
{
	json_object *object;
	char	   *account;

	if (is_xml(body, length))
		return xml_element(body, "Account");
	object = json_parse_object(body, length);
	account = string_member(object_member(object_member(object, "GetCallerIdentityResponse"),
										  "GetCallerIdentityResult"),
							"Account");
	json_release(object);
	return account;
}

/* Parse an error of STS, in JSON or in XML; see aws_error_parse(). */
void
issued_parse_sts_error(AwsError *error, int status, const char *body, size_t length)
{
	json_object *object = is_xml(body, length) ? NULL : json_parse_object(body, length);
	json_object *inner = object_member(object, "Error");
	char	   *code = inner ? string_member(inner, "Code") : xml_element(body, "Code");
	char	   *message = inner ? string_member(inner, "Message") :
		xml_element(body, "Message");

	/* Classify by the code, if there is one: STS sends Throttling with status 400. */
	aws_error_parse(error, status, code, "", 0);
	error->message = message;
	json_release(object);
}
