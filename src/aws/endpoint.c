/* endpoint.c: host names and URLs of AWS's services. */
#include "aws/base.h"

#include <ctype.h>
#include <curl/curl.h>

#include "aws/endpoint.h"

/* Partition of AWS, after botocore's endpoints.json and partitions.json. */
typedef struct Partition
{
	const char *name;
	const char *region_prefix;	/* of its Regions' names; NULL for the default */
	const char *first_region;	/* the Region of its global services */
	const char *suffix;
	const char *dualstack_suffix;
} Partition;

/* Partitions; the first serves Regions that no other partition's prefix matches. */
static const Partition partitions[] = {
	{"aws", NULL, "us-east-1", "amazonaws.com", "api.aws"},
	{"aws-cn", "cn-", "cn-north-1", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
	{"aws-us-gov", "us-gov-", "us-gov-west-1", "amazonaws.com", "api.aws"},
	{"aws-iso", "us-iso-", "us-iso-east-1", "c2s.ic.gov", "api.aws.ic.gov"},
	{"aws-iso-b", "us-isob-", "us-isob-east-1", "sc2s.sgov.gov", "api.aws.scloud"},
	{"aws-iso-e", "eu-isoe-", "eu-isoe-west-1", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
	{"aws-iso-f", "us-isof-", "us-isof-south-1", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
	{"aws-eusc", "eusc-de-", "eusc-de-east-1", "amazonaws.eu", "api.amazonwebservices.eu"},
};

/* Return a partition by its name; by the Region if the name is unknown or NULL. */
static const Partition *
find_partition(const char *name, const char *region)
{
	for (size_t i = 0; name && i < lengthof(partitions); i++)
	{
		if (strcmp(partitions[i].name, name) == 0)
			return &partitions[i];
	}
	for (size_t i = 1; i < lengthof(partitions); i++)
	{
		if (strncmp(region, partitions[i].region_prefix,
					strlen(partitions[i].region_prefix)) == 0)
			return &partitions[i];
	}
	return &partitions[0];
}

/* Return the name of a Region's partition. */
const char *
endpoint_partition(const char *region)
{
	return find_partition(NULL, region)->name;
}

/*
 * Return a partition's first Region, for which endpoints.json has its global services
 * sign; the first Region of "aws" if the partition is unknown or NULL.
 */
const char *
endpoint_first_region(const char *partition)
{
	return find_partition(partition, "")->first_region;
}

/*
 * Set the endpoint of a service in a Region, by the rules of botocore's
 * endpoint-rule-set.  The Region must be a valid host label: see arn_region_is_valid().
 */
void
endpoint_resolve(Endpoint *endpoint, const char *service,
				 const char *partition, const char *region,
				 bool use_fips, bool use_dualstack)
{
	const Partition *p = find_partition(partition, region);

	/* GovCloud's regular endpoints are FIPS endpoints. */
	if (use_fips && !use_dualstack && strcmp(p->name, "aws-us-gov") == 0)
		use_fips = false;

	endpoint->tls = true;
	endpoint->host = psprintf("%s%s.%s.%s", service, use_fips ? "-fips" : "", region,
							  use_dualstack ? p->dualstack_suffix : p->suffix);
	for (char *c = endpoint->host; *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	endpoint->base_path = pstrdup("");
}

/* Parts of a URL by CURLUPart, the port unless it is the scheme's default; NULL: absent. */
typedef char *UrlParts[CURLUPART_FRAGMENT + 1];

/* Fail as palloc() does: raise 53200 in the server. */
static void
raise_no_memory(void)
{
#ifdef FRONTEND
	fprintf(stderr, "out of memory\n");
	exit(EXIT_FAILURE);
#else
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory"),
			 errdetail("libcurl could not read a URL.")));
#endif
}

/* Copy a part of a URL into the current memory context; NULL if absent, or memory ran out. */
static char *
take_part(CURLU *url, CURLUPart part, CURLUcode *code)
{
	char	   *value = NULL;
	char	   *copy = NULL;
	CURLUcode	result = curl_url_get(url, part, &value, CURLU_NO_DEFAULT_PORT);

	if (result == CURLUE_OK && value)
		copy = palloc_extended(strlen(value) + 1, MCXT_ALLOC_NO_OOM);
	if (copy)
		strcpy(copy, value);
	if (result == CURLUE_OUT_OF_MEMORY || (value && !copy))
		*code = CURLUE_OUT_OF_MEMORY;
	curl_free(value);
	return copy;
}

/* Parse a URL; false if libcurl cannot, with the flags of curl_url_set().  Raises 53200. */
static bool
parse_url(UrlParts parts, const char *text, unsigned int flags)
{
	CURLU	   *url = curl_url();
	CURLUcode	code = url ? curl_url_set(url, CURLUPART_URL, text, flags) :
		CURLUE_OUT_OF_MEMORY;

	for (int part = CURLUPART_SCHEME; part <= CURLUPART_FRAGMENT && code == CURLUE_OK; part++)
		parts[part] = take_part(url, part, &code);
	curl_url_cleanup(url);
	if (code == CURLUE_OUT_OF_MEMORY)
		raise_no_memory();
	return code == CURLUE_OK;
}

/* Return the reason why a URL cannot be an endpoint; NULL if the URL is good. */
static const char *
url_problem(const UrlParts url)
{
	const char *scheme = url[CURLUPART_SCHEME];
	const char *host = url[CURLUPART_HOST];

	if (!scheme || (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0))
		return "its scheme must be https or http";
	if (!host || !*host)
		return "it has no host";
	if (!is_visible_ascii(host))
		return "its host must be in ASCII";
	/* Other characters would be signed as written, but libcurl would encode them. */
	if (!is_visible_ascii(url[CURLUPART_PATH]))
		return "its path must be in ASCII, with all else percent-encoded";
	if (url[CURLUPART_USER] || url[CURLUPART_PASSWORD])
		return "it must not hold a user name or a password";
	if (url[CURLUPART_QUERY] || url[CURLUPART_FRAGMENT])
		return "it must not hold a query or a fragment";
	return NULL;
}

/*
 * Take an endpoint from a URL: https or http, a host, perhaps a port and a base path.
 * False, with *error set (a clause without a full stop), if the text is anything else.
 * The base path is sent and signed as it is written.  Raises 53200.
 */
bool
endpoint_parse_url(Endpoint *endpoint, const char *text, const char **error)
{
	UrlParts	url;
	char	   *host;
	size_t		length;

	*error = parse_url(url, text, CURLU_PATH_AS_IS) ? url_problem(url) :
		"it must be a URL, such as https://HOST or http://HOST:PORT";
	if (*error)
		return false;
	host = url[CURLUPART_HOST];
	endpoint->tls = strcmp(url[CURLUPART_SCHEME], "https") == 0;
	for (char *c = host; *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	endpoint->host = url[CURLUPART_PORT] ? psprintf("%s:%s", host, url[CURLUPART_PORT]) : host;
	endpoint->base_path = url[CURLUPART_PATH] ? url[CURLUPART_PATH] : pstrdup("");
	length = strlen(endpoint->base_path);
	while (length > 0 && endpoint->base_path[length - 1] == '/')
		endpoint->base_path[--length] = '\0';
	return true;
}

/* True if a part of a URL (or NULL) holds a percent-encoded control character. */
static bool
hides_control(const char *part)
{
	for (const char *p = part; p && (p = strchr(p, '%')) != NULL; p++)
	{
		if ((p[1] == '0' || p[1] == '1') && isxdigit((unsigned char) p[2]))
			return true;
	}
	return false;
}

/* Return why a URL cannot be a proxy's, a clause; NULL if it can.  Raises 53200. */
const char *
endpoint_proxy_problem(const char *text)
{
	UrlParts	url = {0};
	const char *problem = NULL;

	if ((strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0) ||
		!parse_url(url, text, 0) || !url[CURLUPART_HOST] || !*url[CURLUPART_HOST])
		problem = "it must be a URL, http://HOST:PORT or https://HOST:PORT";
	else if ((url[CURLUPART_PATH] && strcmp(url[CURLUPART_PATH], "/") != 0) ||
			 (url[CURLUPART_QUERY] && *url[CURLUPART_QUERY]) ||
			 (url[CURLUPART_FRAGMENT] && *url[CURLUPART_FRAGMENT]))
		problem = "it must hold nothing after the port";
	else if (hides_control(url[CURLUPART_USER]) || hides_control(url[CURLUPART_PASSWORD]))
		problem = "its user name and password must hold no control characters";
	if (url[CURLUPART_PASSWORD])
		explicit_bzero(url[CURLUPART_PASSWORD], strlen(url[CURLUPART_PASSWORD]));
	return problem;
}

/* Return the URL of a path below the base path and a query, both percent-encoded. */
char *
endpoint_url(const Endpoint *endpoint, const char *path, const char *query)
{
	return psprintf("%s://%s%s%s%s%s", endpoint->tls ? "https" : "http",
					endpoint->host, endpoint->base_path, path, *query ? "?" : "", query);
}
