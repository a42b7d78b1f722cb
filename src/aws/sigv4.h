/* sigv4.h: AWS Signature Version 4. */
#ifndef IMAGEBUILDER_SIGV4_H
#define IMAGEBUILDER_SIGV4_H

#include <time.h>

#include "lib/stringinfo.h"

#define SIGV4_DATE_SIZE		17	/* length of 20150830T123600Z and a NUL */
#define SIGV4_HEX_SIZE		65	/* a SHA-256 in hexadecimal and a NUL */

/* Query parameter or header, as raw bytes, not percent-encoded. */
typedef struct NameValue
{
	const char *name;
	const char *value;
} NameValue;

typedef struct AwsCredentials
{
	char	   *access_key_id;
	char	   *secret_access_key;
	char	   *session_token;	/* NULL unless the credentials are temporary */
} AwsCredentials;

/* Parts of a request that a signature covers. */
typedef struct SigV4Request
{
	const char *method;
	const char *path;			/* as on the request line, so percent-encoded */
	bool		normalize_path; /* true for every service but S3 */
	const NameValue *query;
	int			nquery;
	const NameValue *headers;	/* all are signed; names in any case */
	int			nheaders;
	const char *body;
	size_t		body_length;
} SigV4Request;

/* Time and place for which a signature is valid. */
typedef struct SigV4Scope
{
	char		date[SIGV4_DATE_SIZE];	/* value of the header X-Amz-Date */
	const char *region;
	const char *service;
} SigV4Scope;

extern void sigv4_date(char date[SIGV4_DATE_SIZE], time_t now);
extern void sigv4_uri_encode(StringInfo out, const char *text, bool keep_slash);
extern void sigv4_query(StringInfo out, const NameValue *query, int nquery);
extern bool sigv4_canonical_request(StringInfo out, const SigV4Request *request);
extern bool sigv4_string_to_sign(StringInfo out, const SigV4Scope *scope,
								 const StringInfoData *canonical_request);
extern bool sigv4_signature(char signature[SIGV4_HEX_SIZE], const SigV4Scope *scope,
							const char *secret_access_key,
							const StringInfoData *string_to_sign);
extern char *sigv4_authorization(const SigV4Request *request,
								 const SigV4Scope *scope,
								 const AwsCredentials *credentials);

#endif							/* IMAGEBUILDER_SIGV4_H */
