/* issued.c: temporary credentials as STS, IMDS, containers and programs issue them. */
#include "aws/base.h"

#include <time.h>

#include "aws/issued.h"
#include "aws/json.h"
#include "secret.h"

/* Unix time of 9999-12-31T23:59:59Z, the last second of a four-digit year. */
#define MAX_TIME		INT64CONST(253402300799)

/*
 * Parse an ISO 8601 time as Unix time: "2026-11-25T12:00:00Z", perhaps with a
 * fraction, which is dropped, or another offset.  False if the text is anything else,
 * such as a day that the calendar does not have, or a year outside 1970 to 9999.
 */
bool
issued_parse_time(const char *text, int64 *time)
{
	struct tm	utc = {0};
	int			second;
	int			hours;
	int			minutes;
	char	   *written;

	if (sscanf(text, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d", &utc.tm_year, &utc.tm_mon, &utc.tm_mday,
			   &utc.tm_hour, &utc.tm_min, &second) != 6)
		return false;
	utc.tm_year -= 1900;
	utc.tm_mon--;
	*time = timegm(&utc) + second;
	/* timegm() has changed a time that does not exist; sscanf() takes signs and blanks. */
	written = psprintf("%04d-%02d-%02d%c%02d:%02d:%02d", utc.tm_year + 1900, utc.tm_mon + 1,
					   utc.tm_mday, text[10], utc.tm_hour, utc.tm_min, second);
	if (strncmp(text, written, strlen(written)) != 0 || second < 0 || second > 60)
		return false;
	text += strlen(written);
	if (*text == '.')
	{
		size_t		digits = strspn(text + 1, "0123456789");

		if (digits == 0)
			return false;
		text += 1 + digits;
	}
	if (*text == '+' || *text == '-')
	{
		if (sscanf(text + 1, "%2d:%2d", &hours, &minutes) != 2 ||
			strcmp(text + 1, psprintf("%02d:%02d", hours, minutes)) != 0 ||
			hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
			return false;
		*time += (*text == '-' ? 1 : -1) * (hours * 3600 + minutes * 60);
	}
	else if (*text != '\0' && pg_strcasecmp(text, "Z") != 0)
		return false;
	return *time >= 0 && *time <= MAX_TIME;
}

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

/*
 * Return the string to which a JSON Pointer leads in an answer, as json_string_at()
 * does; in an answer in XML, for which "object" is NULL, the text of the element that
 * is last in the pointer.
 */
static char *
string_at(json_object *object, const char *xml, const char *pointer)
{
	return object ? json_string_at(object, pointer) : xml_element(xml, strrchr(pointer, '/') + 1);
}

/*
 * Take "Expiration", a number of seconds or an ISO time; credentials without it never
 * expire.  The range is checked as a double, because json-c reads NaN and Infinity as
 * numbers.
 */
static bool
take_expiration(IssuedCredentials *issued, json_object *object, const char *xml)
{
	char	   *text = string_at(object, xml, "/Expiration");
	json_object *value = NULL;
	double		seconds;

	issued->expires = ISSUED_FOR_GOOD;
	if (text)
		return issued_parse_time(text, &issued->expires);
	if (!json_object_object_get_ex(object, "Expiration", &value) || value == NULL)
		return true;
	seconds = json_object_get_double(value);
	if ((!json_object_is_type(value, json_type_int) &&
		 !json_object_is_type(value, json_type_double)) ||
		!(seconds >= 0 && seconds < MAX_TIME + 1.0))
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

/*
 * Take credentials out of a JSON object or, if that is NULL, out of XML.  Those of a
 * program, "process", need no session token.  Return the problem, a clause, or NULL.
 */
static const char *
take_credentials(IssuedCredentials *issued, json_object *object, const char *xml,
				 const char *token, bool process)
{
	AwsCredentials *credentials = &issued->credentials;
	const char *answer = process ? "output" : "answer";

	credentials->access_key_id = string_at(object, xml, "/AccessKeyId");
	credentials->secret_access_key = string_at(object, xml, "/SecretAccessKey");
	credentials->session_token = string_at(object, xml, token);
	if (!take_expiration(issued, object, xml))
		return psprintf("the %s's \"Expiration\" is not a time", answer);
	if (!credentials->access_key_id)
		return psprintf("the %s has no \"AccessKeyId\"", answer);
	if (!credentials->secret_access_key)
		return psprintf("the %s has no \"SecretAccessKey\"", answer);
	if (!process && !credentials->session_token)
		return "the answer has no session token";
	if (!issued_is_sendable(credentials))
		return psprintf("the %s's credentials hold characters that credentials do not have", answer);
	return NULL;
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
	char	   *code = json_string_at(object, "/Code");
	char	   *message = json_string_at(object, "/Message");
	const char *problem;

	memset(issued, 0, sizeof(*issued));
	if (object == NULL)
		return "the answer is not a JSON object";
	/* By a code IMDS tells in an answer with status 200 that it has no credentials. */
	if (code && strcmp(code, "Success") != 0)
		problem = psprintf("it answered with %s%s%s", code, message ? ": " : "",
						   message ? message : "");
	else
		problem = take_credentials(issued, object, NULL, "/Token", false);
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
	const char *problem;

	memset(issued, 0, sizeof(*issued));
	if (object == NULL)
		return "the output is not a JSON object";
	problem = take_credentials(issued, object, NULL, "/SessionToken", true);
	if (!json_object_object_get_ex(object, "Version", &version))
		problem = "the output has no \"Version\"";
	else if (!json_object_is_type(version, json_type_int) || json_object_get_int64(version) != 1)
		problem = "the output's \"Version\" is not 1";
	json_release(object);
	return problem;
}

/*
 * Parse the answer to AssumeRole or AssumeRoleWithWebIdentity, in JSON or in XML.
 * Return the problem, a clause, or NULL, as issued_parse() does.
 */
const char *
issued_parse_sts(IssuedCredentials *issued, const char *body, size_t length)
{
	static const char *const pointers[] = {
		"/AssumeRoleResponse/AssumeRoleResult/Credentials",
		"/AssumeRoleWithWebIdentityResponse/AssumeRoleWithWebIdentityResult/Credentials",
	};
	json_object *object = json_parse_object(body, length);
	json_object *credentials = NULL;
	const char *problem;

	memset(issued, 0, sizeof(*issued));
	if (object == NULL &&
		(body[strspn(body, " \t\r\n")] != '<' || strlen(body) != length))	/* XML holds no NUL */
		return "the answer is neither JSON nor XML";
	for (size_t i = 0; object && credentials == NULL && i < lengthof(pointers); i++)
		json_pointer_get(object, pointers[i], &credentials);
	problem = object && !json_object_is_type(credentials, json_type_object) ?
		"the answer has no credentials" :
		take_credentials(issued, credentials, body, "/SessionToken", false);
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
	json_object *object = json_parse_object(body, length);
	char	   *account = string_at(object, body,
									"/GetCallerIdentityResponse/GetCallerIdentityResult/Account");

	json_release(object);
	return account;
}

/* Parse an error of STS, in JSON or in XML; see aws_error_parse(). */
void
issued_parse_sts_error(AwsError *error, int status, const char *body, size_t length)
{
	json_object *object = json_parse_object(body, length);

	/* Classify by the code, if there is one: STS sends Throttling with status 400. */
	aws_error_parse(error, status, string_at(object, body, "/Error/Code"), "", 0);
	error->message = string_at(object, body, "/Error/Message");
	json_release(object);
}
