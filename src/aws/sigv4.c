/*
 * sigv4.c: AWS Signature Version 4.
 *
 * Signing has three stages, each of which can be tested by itself: the canonical
 * request, the string to sign, the signature.  The rules are those of "Create a signed
 * AWS API request" in the IAM User Guide.  All functions are pure: the clock, the keys
 * and the Region come in as arguments.
 *
 * libcurl's own CURLOPT_AWS_SIGV4 is not used: its canonical query changed from
 * release to release, and it cannot sign with a corrected clock.
 */
#include "aws/base.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "aws/sigv4.h"

#define ALGORITHM	"AWS4-HMAC-SHA256"
#define SHA256_SIZE 32

/* Format a time for the header X-Amz-Date: ISO 8601's basic format, in UTC. */
void
sigv4_date(char date[SIGV4_DATE_SIZE], time_t now)
{
	struct tm	utc;

	gmtime_r(&now, &utc);
	strftime(date, SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &utc);
}

/* Percent-encode all but RFC 3986's unreserved characters, with upper-case digits. */
void
sigv4_uri_encode(StringInfo out, const char *text, bool keep_slash)
{
	for (const unsigned char *p = (const unsigned char *) text; *p; p++)
	{
		if (strchr(ASCII_ALPHANUMERIC "-_.~", *p) || (keep_slash && *p == '/'))
			appendStringInfoChar(out, *p);
		else
			appendStringInfo(out, "%%%02X", *p);
	}
}

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Append a query, encoded and sorted by name and value in byte order. */
void
sigv4_query(StringInfo out, const NameValue *query, int nquery)
{
	char	  **parameters = palloc((nquery + 1) * sizeof(char *));

	for (int i = 0; i < nquery; i++)
	{
		StringInfoData parameter;

		initStringInfo(&parameter);
		sigv4_uri_encode(&parameter, query[i].name, false);
		/* Use \1, as '=' would sort behind digits: the end of a name must sort first. */
		appendStringInfoChar(&parameter, '\1');
		sigv4_uri_encode(&parameter, query[i].value, false);
		parameters[i] = parameter.data;
	}
	qsort(parameters, nquery, sizeof(char *), compare_strings);
	for (int i = 0; i < nquery; i++)
	{
		*strchr(parameters[i], '\1') = '=';
		appendStringInfo(out, "%s%s", i > 0 ? "&" : "", parameters[i]);
		pfree(parameters[i]);
	}
	pfree(parameters);
}

/* Remove empty, "." and ".." segments, by RFC 3986, section 5.2.4. */
static char *
normalize_path(const char *path)
{
	size_t		length = strlen(path);
	char	   *out = palloc(length + 2);
	char	   *to = out;
	const char *p = path;

	*to++ = '/';
	while (*p)
	{
		size_t		segment = strcspn(p, "/");

		if (segment == 2 && strncmp(p, "..", 2) == 0)
		{
			if (to > out + 1)
			{
				to--;
				while (to[-1] != '/')
					to--;
			}
		}
		else if (segment > 0 && !(segment == 1 && *p == '.'))
		{
			memcpy(to, p, segment);
			to += segment;
			if (p[segment] == '/')
				*to++ = '/';
		}
		p += segment;
		if (*p == '/')
			p++;
	}
	*to = '\0';
	return out;
}

typedef struct CanonicalHeader
{
	char	   *name;			/* in lower case */
	const char *value;
	int			place;			/* position among the headers given */
} CanonicalHeader;

static int
compare_headers(const void *a, const void *b)
{
	const CanonicalHeader *x = a;
	const CanonicalHeader *y = b;
	int			order = strcmp(x->name, y->name);

	return order != 0 ? order : x->place - y->place;
}

/* Return the headers sorted by name; those of one name in the order given. */
static CanonicalHeader *
canonical_headers(const SigV4Request *request)
{
	CanonicalHeader *headers = palloc((request->nheaders + 1) * sizeof(CanonicalHeader));

	for (int i = 0; i < request->nheaders; i++)
	{
		headers[i].name = pstrdup(request->headers[i].name);
		for (char *p = headers[i].name; *p; p++)
			*p = pg_ascii_tolower((unsigned char) *p);
		headers[i].value = request->headers[i].value;
		headers[i].place = i;
	}
	qsort(headers, request->nheaders, sizeof(CanonicalHeader), compare_headers);
	return headers;
}

/* Append a header's value, trimmed, with one space for each run of white space. */
static void
append_header_value(StringInfo out, const char *value)
{
	static const char white_space[] = " \t\r\n\f\v";
	const char *p = value + strspn(value, white_space);

	while (*p)
	{
		size_t		length = strcspn(p, white_space);

		appendBinaryStringInfo(out, p, (int) length);
		p += length;
		p += strspn(p, white_space);
		if (*p)
			appendStringInfoChar(out, ' ');
	}
}

static void
append_signed_headers(StringInfo out, const SigV4Request *request)
{
	CanonicalHeader *headers = canonical_headers(request);

	for (int i = 0; i < request->nheaders; i++)
	{
		if (i > 0 && strcmp(headers[i].name, headers[i - 1].name) == 0)
			continue;
		appendStringInfo(out, "%s%s", i > 0 ? ";" : "", headers[i].name);
	}
	pfree(headers);
}

static bool
append_sha256_hex(StringInfo out, const char *data, size_t length)
{
	unsigned char digest[SHA256_SIZE];

	if (!EVP_Digest(data, length, digest, NULL, EVP_sha256(), NULL))
		return false;
	for (int i = 0; i < SHA256_SIZE; i++)
		appendStringInfo(out, "%02x", digest[i]);
	return true;
}

/*
 * Append the canonical request, the first stage.  The path is encoded once more than
 * in the request, as for every service but S3.  False only if OpenSSL fails.
 */
bool
sigv4_canonical_request(StringInfo out, const SigV4Request *request)
{
	CanonicalHeader *headers = canonical_headers(request);
	int			room = 4 * SHA256_SIZE;

	appendStringInfo(out, "%s\n", request->method);
	sigv4_uri_encode(out,
					 request->normalize_path ? normalize_path(request->path) :
					 request->path[0] ? request->path : "/", true);
	appendStringInfoChar(out, '\n');
	sigv4_query(out, request->query, request->nquery);
	/* Growing would leave a copy of a session token in freed memory. */
	for (int i = 0; i < request->nheaders; i++)
		room += 2 * strlen(headers[i].name) + strlen(headers[i].value) + 4;
	enlargeStringInfo(out, room);
	for (int i = 0; i < request->nheaders; i++)
	{
		if (i > 0 && strcmp(headers[i].name, headers[i - 1].name) == 0)
			appendStringInfoChar(out, ',');
		else
			appendStringInfo(out, "\n%s:", headers[i].name);
		append_header_value(out, headers[i].value);
	}
	pfree(headers);
	appendStringInfoString(out, "\n\n");
	append_signed_headers(out, request);
	appendStringInfoChar(out, '\n');
	return append_sha256_hex(out, request->body ? request->body : "",
							 request->body_length);
}

static void
append_scope(StringInfo out, const SigV4Scope *scope)
{
	appendStringInfo(out, "%.8s/%s/%s/aws4_request",
					 scope->date, scope->region, scope->service);
}

/* Append the string to sign, the second stage; false only if OpenSSL fails. */
bool
sigv4_string_to_sign(StringInfo out, const SigV4Scope *scope,
					 const StringInfoData *canonical_request)
{
	appendStringInfo(out, ALGORITHM "\n%s\n", scope->date);
	append_scope(out, scope);
	appendStringInfoChar(out, '\n');
	return append_sha256_hex(out, canonical_request->data, canonical_request->len);
}

/* Do one step of the key's derivation, in place. */
static bool
hmac_sha256(unsigned char key[SHA256_SIZE], const char *data, size_t length)
{
	return HMAC(EVP_sha256(), key, SHA256_SIZE, (const unsigned char *) data, length,
				key, NULL) != NULL;
}

/*
 * Make the signature, the third stage; false only if OpenSSL fails.  Wipes the copy of
 * the key and the derived keys.
 */
bool
sigv4_signature(char signature[SIGV4_HEX_SIZE], const SigV4Scope *scope,
				const char *secret_access_key,
				const StringInfoData *string_to_sign)
{
	unsigned char key[SHA256_SIZE];
	char	   *first = palloc(strlen("AWS4") + strlen(secret_access_key) + 1);
	bool		ok;

	strcpy(first, "AWS4");
	strcat(first, secret_access_key);
	ok = HMAC(EVP_sha256(), first, (int) strlen(first),
			  (const unsigned char *) scope->date, 8, key, NULL) != NULL &&
		hmac_sha256(key, scope->region, strlen(scope->region)) &&
		hmac_sha256(key, scope->service, strlen(scope->service)) &&
		hmac_sha256(key, "aws4_request", strlen("aws4_request")) &&
		hmac_sha256(key, string_to_sign->data, string_to_sign->len);
	for (int i = 0; i < SHA256_SIZE; i++)
		snprintf(signature + 2 * i, 3, "%02x", key[i]);
	OPENSSL_cleanse(first, strlen(first));
	OPENSSL_cleanse(key, sizeof(key));
	pfree(first);
	return ok;
}

/*
 * Return the value of the header Authorization, by all three stages; NULL if OpenSSL
 * fails.  The request's headers must hold Host, X-Amz-Date with the scope's date and,
 * for temporary credentials, X-Amz-Security-Token.
 */
char *
sigv4_authorization(const SigV4Request *request, const SigV4Scope *scope,
					const AwsCredentials *credentials)
{
	StringInfoData canonical_request;
	StringInfoData string_to_sign;
	StringInfoData out;
	char		signature[SIGV4_HEX_SIZE];
	bool		ok;

	initStringInfo(&canonical_request);
	initStringInfo(&string_to_sign);
	ok = sigv4_canonical_request(&canonical_request, request) &&
		sigv4_string_to_sign(&string_to_sign, scope, &canonical_request) &&
		sigv4_signature(signature, scope, credentials->secret_access_key, &string_to_sign);
	/* Wipe the canonical request, which may hold the session token. */
	OPENSSL_cleanse(canonical_request.data, canonical_request.len);
	pfree(canonical_request.data);
	pfree(string_to_sign.data);
	if (!ok)
		return NULL;

	initStringInfo(&out);
	appendStringInfo(&out, ALGORITHM " Credential=%s/", credentials->access_key_id);
	append_scope(&out, scope);
	appendStringInfoString(&out, ", SignedHeaders=");
	append_signed_headers(&out, request);
	appendStringInfo(&out, ", Signature=%s", signature);
	return out.data;
}
