/*
 * fetch.c: obtaining credentials, step by step and without waiting.
 *
 * A provider begins with its function "begin", which may set fetch->advance to what is
 * to be called from then on, until the provider has obtained credentials or failed.
 * The credentials may have to be exchanged for a role's, perhaps several times (see
 * sts.c).  The two providers that only read the environment are in this file.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "identity/fetch.h"
#include "secret.h"
#include "storage/fd.h"
#include "utils/memutils.h"

/* Upper bound of a file with credentials, in bytes. */
#define MAX_FILE		(1024 * 1024)

/* Return a variable of the server process's environment; NULL if unset or empty. */
const char *
host_variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/*
 * Return the text of a regular file, in the current memory context, which wipes it;
 * NULL if the file cannot be read, with *problem set (a clause), or *problem NULL if
 * the file does not exist.
 */
char *
host_read_file(const char *path, const char **problem)
{
	struct stat status;
	char	   *text = NULL;
	ssize_t		length;
	int			fd = OpenTransientFile(path, O_RDONLY | O_NONBLOCK);

	*problem = NULL;
	if (fd < 0)
	{
		if (errno != ENOENT && errno != ENOTDIR)
			*problem = psprintf("could not open file \"%s\": %s", path, strerror(errno));
		return NULL;
	}
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size > MAX_FILE)
		*problem = psprintf("\"%s\" is not a regular file of at most 1 MB", path);
	else
	{
		text = secret_protect(palloc0(status.st_size + 1), status.st_size);
		length = read(fd, text, status.st_size);
		if (length < 0)
			*problem = psprintf("could not read file \"%s\": %s", path, strerror(errno));
		else if (memchr(text, '\0', length))
			*problem = psprintf("file \"%s\" holds a NUL byte", path);
	}
	CloseTransientFile(fd);
	return *problem ? NULL : text;
}

/* Take keys from the server process's environment. */
static FetchState
environment_begin(Fetch *fetch)
{
	const char *key = host_variable("AWS_ACCESS_KEY_ID");
	const char *secret = host_variable("AWS_SECRET_ACCESS_KEY");
	const char *token = host_variable("AWS_SESSION_TOKEN");

	if (!key && !secret)
		return FETCH_ABSENT;
	if (!key || !secret)
		return fetch_fail(fetch, "the server process's environment has only half of the credentials",
						  psprintf("%s is not set.",
								   key ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID"),
						  "Set both, or neither.");
	fetch->issued.credentials.access_key_id = pstrdup(key);
	fetch->issued.credentials.secret_access_key = secret_strdup(secret);
	fetch->issued.credentials.session_token = secret_strdup(token);
	fetch->issued.expires = ISSUED_FOR_GOOD;
	return FETCH_DONE;
}

/* Exchange the web identity token that the environment names, as Kubernetes sets it. */
static FetchState
web_identity_begin(Fetch *fetch)
{
	const char *file = host_variable("AWS_WEB_IDENTITY_TOKEN_FILE");
	const char *arn = host_variable("AWS_ROLE_ARN");
	const char *session_name = host_variable("AWS_ROLE_SESSION_NAME");
	ProfileRole *role = palloc0(sizeof(ProfileRole));

	if (!file)
		return FETCH_ABSENT;
	if (!arn)
		return fetch_fail(fetch, "the server process's environment has a web identity token, but no role",
						  "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not.", NULL);
	role->web_identity_token_file = pstrdup(file);
	role->role_arn = pstrdup(arn);
	role->role_session_name = session_name ? pstrdup(session_name) : NULL;
	return sts_call(fetch, role);
}

/*
 * Providers by CredentialProvider, from PROVIDER_ENVIRONMENT on.  A profile named in the
 * options takes precedence over the environment, as in botocore.
 */
static Provider providers[] = {
	{.title = "the server process's environment",.begin = environment_begin,.unless_profile = true},
	{.title = "the shared AWS files",.begin = profile_begin},
	{.title = "a web identity token",.begin = web_identity_begin,.unless_profile = true},
	{.title = "the container's credentials endpoint",.begin = container_begin},
	{.title = "the instance metadata service",.begin = instance_begin},
};

static void
set_provider(Fetch *fetch, Provider *provider)
{
	fetch->provider = provider;
	fetch->advance = provider->begin;
}

/* Ask only one provider, from now on. */
FetchState
fetch_ask(Fetch *fetch, CredentialProvider provider)
{
	fetch->chain = false;
	set_provider(fetch, &providers[provider - PROVIDER_ENVIRONMENT]);
	return fetch->advance(fetch);
}

/*
 * Prepare to obtain credentials from a provider; PROVIDER_STATIC if fetch->issued will
 * be given those with which to assume fetch->roles.  The fetch ends with its memory
 * context, requests under way included; "config" must live as long.
 */
Fetch *
fetch_create(MemoryContext parent, const ClientConfig *config, CredentialProvider provider)
{
	MemoryContext context = AllocSetContextCreate(parent, "imagebuilder_fdw credentials fetch",
												  ALLOCSET_SMALL_SIZES);
	Fetch	   *fetch = MemoryContextAllocZero(context, sizeof(Fetch));

	fetch->context = context;
	fetch->config = config;
	fetch->exchange.context = AllocSetContextCreate(context, "imagebuilder_fdw attempt",
													ALLOCSET_SMALL_SIZES);
	fetch->chain = provider == PROVIDER_DEFAULT;
	if (provider != PROVIDER_STATIC)
		set_provider(fetch, &providers[fetch->chain ? 0 : provider - PROVIDER_ENVIRONMENT]);
	return fetch;
}

static FetchState
fail_absent(Fetch *fetch)
{
	const Provider *provider = fetch->provider;

	if (!fetch->chain)
		return fetch_fail(fetch, psprintf("there are no credentials in %s", provider->title),
						  NULL, NULL);
	return fetch_fail(fetch, "there are no credentials",
					  "Neither the server process's environment, nor the shared AWS files, a web identity token, the container's nor the instance's metadata service has any.",
					  "Set up one of them, or keys in the user mapping.");
}

static FetchState
ask_providers(Fetch *fetch)
{
	for (;;)
	{
		bool		passed_over = fetch->chain && fetch->provider->unless_profile &&
			fetch->config->profile;
		FetchState	state = passed_over ? FETCH_ABSENT : fetch->advance(fetch);

		if (state != FETCH_ABSENT)
			return state;
		if (!fetch->chain || fetch->provider + 1 == providers + lengthof(providers))
			return fail_absent(fetch);
		fetch_next_request(fetch);
		set_provider(fetch, fetch->provider + 1);
	}
}

static FetchState
advance(Fetch *fetch)
{
	FetchState	state;

	if (fetch->provider)
	{
		state = ask_providers(fetch);
		if (state == FETCH_FAILED)
			fetch->failure->fails_all = true;
		if (state != FETCH_DONE)
			return state;
		if (!issued_is_sendable(&fetch->issued.credentials))
			return fetch_fail(fetch, psprintf("the credentials in %s cannot be used",
											  fetch->provider->title),
							  "They hold characters that credentials do not have.", NULL);
		fetch->provider = NULL;
		fetch->advance = NULL;
		fetch_next_request(fetch);
	}
	for (; fetch->nroles > 0; fetch->roles++, fetch->nroles--)
	{
		state = fetch->advance ? fetch->advance(fetch) : sts_call(fetch, fetch->roles);
		if (state != FETCH_DONE)
			return state;
		fetch->advance = NULL;
		fetch_next_request(fetch);
	}
	if (fetch->partition)
		return fetch->advance ? fetch->advance(fetch) : sts_call(fetch, NULL);
	return FETCH_DONE;
}

/*
 * Advance a fetch without waiting.  FETCH_WAITING: call again when the network has
 * something, or after *wait ms if that is sooner.  FETCH_DONE: fetch->issued has the
 * credentials.  FETCH_FAILED: fetch->failure says why.
 */
FetchState
fetch_advance(Fetch *fetch, long *wait)
{
	MemoryContext previous = MemoryContextSwitchTo(fetch->context);
	FetchState	state;

	fetch->wake_at = 0;
	state = advance(fetch);
	if (state == FETCH_WAITING && fetch->wake_at != 0)
		fetch_wait_until(wait, clock_ms_until(fetch->wake_at));
	MemoryContextSwitchTo(previous);
	return state;
}
