/* container.c: credentials from the endpoint of an ECS or EKS container. */
#include "postgres.h"

#include <arpa/inet.h>

#include "identity/fetch.h"
#include "secret.h"

#define HOST			"http://169.254.170.2"
#define CAUSE			"the container's credentials endpoint gave no credentials"
#define TIMEOUT			2000	/* ms */
#define TRIES			3

/* True if a host may be asked without TLS: the loopback interface or an agent's. */
static bool
is_loopback_or_agent(const char *host)
{
	static const char *const hosts[] = {"localhost", "169.254.170.2", "169.254.170.23",
	"[fd00:ec2::23]", "[::1]"};
	struct in_addr address;

	for (size_t i = 0; i < lengthof(hosts); i++)
	{
		if (strcmp(host, hosts[i]) == 0)
			return true;
	}
	return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

/* Return why AWS_CONTAINER_CREDENTIALS_FULL_URI cannot be used; NULL if it can. */
static const char *
uri_problem(const char *uri)
{
	const char *start = strstr(uri, "://");
	Endpoint	endpoint;
	const char *error = NULL;
	char	   *host;

	/* Check the URI without its query, which endpoint_parse_url() would refuse. */
	if (!endpoint_parse_url(&endpoint, pnstrdup(uri, strcspn(uri, "?")), &error) || start == NULL)
		return error ? error : "it is not a URL";
	host = endpoint.host;
	host[strcspn(host, *host == '[' ? "]" : ":") + (*host == '[' ? 1 : 0)] = '\0';
	if (!endpoint.tls && !is_loopback_or_agent(host))
		return "without TLS its host must be this one or a container agent's";
	return NULL;
}

/*
 * Return the value of the header Authorization, "" if the environment sets none; with
 * *problem set (a clause) if it cannot be used.
 */
static char *
authorization(const char **problem)
{
	const char *file = host_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *variable = host_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	char	   *token = secret_strdup(variable ? variable : "");

	*problem = NULL;
	if (file)
	{
		token = host_read_file(file, problem);
		if (token == NULL && *problem == NULL)
			*problem = psprintf("there is no file \"%s\"", file);
	}
	if (token && strpbrk(token, "\r\n"))
		*problem = "the authorization token holds a line break";
	return token;
}

static FetchState
advance(Fetch *fetch)
{
	if (fetch_exchange(fetch, NULL, TRIES) != FETCH_DONE)
		return FETCH_WAITING;
	if (fetch->exchange.transfer->outcome != HTTP_ANSWERED)
		return fetch_fail_silent(fetch, CAUSE, NULL);
	return fetch_take_issued(fetch, false, CAUSE);
}

FetchState
container_begin(Fetch *fetch)
{
	const char *relative = host_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = host_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	List	   *headers = list_make1("Accept: application/json");
	const char *problem;
	char	   *token;

	if (!relative && !full)
		return FETCH_ABSENT;
	if (fetch_is_paused(fetch))
		return FETCH_FAILED;
	problem = relative ? NULL : uri_problem(full);
	if (problem)
		return fetch_fail(fetch, "AWS_CONTAINER_CREDENTIALS_FULL_URI cannot be asked for credentials",
						  psprintf("%c%s.", pg_toupper((unsigned char) *problem), problem + 1), NULL);
	token = authorization(&problem);
	if (problem)
		return fetch_fail(fetch, CAUSE, psprintf("%c%s.", pg_toupper((unsigned char) *problem), problem + 1), NULL);

	if (*token)
		headers = lappend(headers, secret_concat("Authorization: ", token));
	fetch->exchange.request = (HttpRequest) {
		.method = "GET",
		.url = relative ? psprintf("%s%s", HOST, relative) : pstrdup(full),
		.headers = headers,
		.ca_bundle = fetch->config->ca_bundle,
		.connect_timeout = TIMEOUT,
		.timeout = TIMEOUT,
		.secrets = list_make1(token),
	};
	fetch->advance = advance;
	return advance(fetch);
}
