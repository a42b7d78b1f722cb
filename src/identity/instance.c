/* instance.c: credentials of an EC2 instance's role, from IMDSv2. */
#include "postgres.h"

#include "aws/base.h"
#include "identity/fetch.h"
#include "secret.h"

#define CAUSE			"the instance metadata service gave no credentials"
#define TOKEN			"/latest/api/token"
#define ROLES			"/latest/meta-data/iam/security-credentials/"
#define TOKEN_TTL		"21600" /* s, the maximum */
#define TIMEOUT			1000	/* ms */
#define TRIES			3

/* Requests to IMDS, in order. */
enum InstanceStage
{
	INSTANCE_TOKEN,
	INSTANCE_ROLE,
	INSTANCE_CREDENTIALS,
};

/* State of this provider, in Fetch.state. */
typedef struct InstanceFetch
{
	enum InstanceStage stage;
	char	   *url;			/* of IMDS, without a slash at its end */
	char	   *token;			/* NULL until IMDS has given one */
	bool		token_renewed;	/* IMDS rejected the token once, and was asked for
								 * another */
} InstanceFetch;

/* Ask IMDS for a path, which all stages but the first need the token for. */
static void
ask(Fetch *fetch, enum InstanceStage stage, const char *path)
{
	InstanceFetch *instance = fetch->state;
	bool		first = stage == INSTANCE_TOKEN;

	fetch_next_request(fetch);
	/* Use no proxy: IMDS answers requests from the instance only. */
	fetch->exchange.request = (HttpRequest) {
		.method = first ? "PUT" : "GET",
		.url = psprintf("%s%s", instance->url, path),
		.headers = list_make1(first ? "X-aws-ec2-metadata-token-ttl-seconds: " TOKEN_TTL :
							  secret_concat("X-aws-ec2-metadata-token: ", instance->token)),
		.connect_timeout = TIMEOUT,
		.timeout = TIMEOUT,
		.secrets = instance->token ? list_make1(instance->token) : NIL,
	};
	instance->stage = stage;
}

/* Return the body's first line; NULL if it is empty or not all visible ASCII. */
static char *
line_of(const HttpTransfer *transfer)
{
	char	   *line = secret_strdup(transfer->body);

	if (strlen(line) != transfer->length)
		return NULL;
	line[strcspn(line, "\r\n")] = '\0';
	return *line && is_visible_ascii(line) ? line : NULL;
}

static FetchState
take_token(Fetch *fetch)
{
	InstanceFetch *instance = fetch->state;
	const HttpTransfer *transfer = fetch->exchange.transfer;
	char	   *token = transfer->status == 200 ? line_of(transfer) : NULL;

	if (token == NULL)
		return fetch_fail(fetch, CAUSE,
						  psprintf("It gave no token for IMDSv2: HTTP status %d.", transfer->status),
						  transfer->status == 403 ?
						  "The instance's metadata options must leave the service enabled." :
						  NULL);
	instance->token = token;
	ask(fetch, INSTANCE_ROLE, ROLES);
	return FETCH_WAITING;
}

static FetchState
take_role(Fetch *fetch)
{
	const HttpTransfer *transfer = fetch->exchange.transfer;
	char	   *role = transfer->status == 200 ? line_of(transfer) : NULL;

	/* Refuse characters that cannot be in a role's name, and would change the URL. */
	if (role && strpbrk(role, "/?#%"))
		role = NULL;
	if (role == NULL && transfer->status == 404 && fetch->chain)
		return FETCH_ABSENT;
	if (role == NULL)
		return fetch_fail(fetch, CAUSE,
						  transfer->status == 404 ? pstrdup("The instance has no role.") :
						  psprintf("It did not name the instance's role: HTTP status %d.",
								   transfer->status),
						  "Attach an instance profile with a role to the instance.");
	ask(fetch, INSTANCE_CREDENTIALS, psprintf(ROLES "%s", role));
	return FETCH_WAITING;
}

static FetchState
take_answer(Fetch *fetch)
{
	InstanceFetch *instance = fetch->state;
	const HttpTransfer *transfer = fetch->exchange.transfer;

	if (transfer->outcome != HTTP_ANSWERED)
	{
		fetch_fail_silent(fetch, CAUSE, instance->stage == INSTANCE_TOKEN ?
						  "In a container, the instance's hop limit for metadata must be 2 at least." :
						  NULL);
		/* Pass on to the next provider: most hosts have no IMDS. */
		return fetch->chain && instance->stage == INSTANCE_TOKEN ? FETCH_ABSENT : FETCH_FAILED;
	}
	if (transfer->status == 401 && instance->stage != INSTANCE_TOKEN && !instance->token_renewed)
	{
		instance->token_renewed = true;
		ask(fetch, INSTANCE_TOKEN, TOKEN);
		return FETCH_WAITING;
	}
	switch (instance->stage)
	{
		case INSTANCE_TOKEN:
			return take_token(fetch);
		case INSTANCE_ROLE:
			return take_role(fetch);
		default:
			return fetch_take_issued(fetch, true, CAUSE);
	}
}

static FetchState
advance(Fetch *fetch)
{
	FetchState	state = FETCH_WAITING;

	while (state == FETCH_WAITING &&
		   fetch_exchange(fetch, NULL, TRIES) == FETCH_DONE)
		state = take_answer(fetch);
	return state;
}

FetchState
instance_begin(Fetch *fetch)
{
	const char *disabled = host_variable("AWS_EC2_METADATA_DISABLED");
	const char *url = host_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *mode = host_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	InstanceFetch *instance = palloc0(sizeof(InstanceFetch));
	Endpoint	endpoint;
	const char *error = NULL;

	if (disabled && pg_strcasecmp(disabled, "true") == 0)
	{
		if (fetch->chain)
			return FETCH_ABSENT;
		return fetch_fail(fetch, CAUSE, "AWS_EC2_METADATA_DISABLED is true in the server process's environment.",
						  NULL);
	}
	if (fetch_is_paused(fetch))
		return fetch->chain ? FETCH_ABSENT : FETCH_FAILED;
	if (url == NULL)
		url = mode && pg_strcasecmp(mode, "IPv6") == 0 ? "http://[fd00:ec2::254]" :
			"http://169.254.169.254";
	if (!endpoint_parse_url(&endpoint, url, &error))
		return fetch_fail(fetch, CAUSE,
						  psprintf("AWS_EC2_METADATA_SERVICE_ENDPOINT: %s.", error), NULL);
	instance->url = endpoint_url(&endpoint, "", "");
	fetch->state = instance;
	ask(fetch, INSTANCE_TOKEN, TOKEN);
	fetch->advance = advance;
	return advance(fetch);
}
