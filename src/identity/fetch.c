/*
 * fetch.c: obtaining credentials, step by step and without waiting.
 *
 * A provider's function is called repeatedly until it has obtained credentials or
 * failed: it starts requests, and looks at their outcomes.  The credentials may have
 * to be exchanged for a role's, perhaps several times (see sts.c).  The two providers
 * that only read the environment are in this file.
 */
#include "postgres.h"

#include "identity/fetch.h"
#include "identity/host.h"
#include "identity/provider.h"
#include "identity/sts.h"
#include "secret.h"
#include "utils/memutils.h"

/* Take keys from the server process's environment. */
static FetchState
environment_advance(Fetch *fetch, long *wait)
{
	const char *key = host_variable("AWS_ACCESS_KEY_ID");
	const char *secret = host_variable("AWS_SECRET_ACCESS_KEY");
	const char *token = host_variable("AWS_SESSION_TOKEN");

	(void) wait;
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
web_identity_advance(Fetch *fetch, long *wait)
{
	const char *file = host_variable("AWS_WEB_IDENTITY_TOKEN_FILE");
	const char *role = host_variable("AWS_ROLE_ARN");

	if (!file)
		return FETCH_ABSENT;
	if (!role)
		return fetch_fail(fetch, "the server process's environment has a web identity token, but no role",
						  "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not.", NULL);
	return sts_assume_role_with_web_identity(fetch, file, role,
											 host_variable("AWS_ROLE_SESSION_NAME"), wait);
}

/*
 * Providers in the order in which "default" asks them.  A profile named in the options
 * takes precedence over the environment, as in botocore.
 */
static const Provider providers[] = {
	{"environment", "the server process's environment", environment_advance, true},
	{"profile", "the shared AWS files", profile_advance, false},
	{"web_identity", "a web identity token", web_identity_advance, true},
	{"container", "the container's credentials endpoint", container_advance, false},
	{"instance", "the instance metadata service", instance_advance, false},
};

static const Provider *
find_provider(const char *name)
{
	for (size_t i = 0; i < lengthof(providers); i++)
	{
		if (strcmp(providers[i].name, name) == 0)
			return &providers[i];
	}
	return NULL;
}

/*
 * Return the problem with a value of the option "credential_provider", a clause in the
 * current memory context; NULL if the value is valid.
 */
const char *
fetch_provider_problem(const char *name)
{
	StringInfoData valid;

	if (strcmp(name, "static") == 0 || strcmp(name, "default") == 0 || find_provider(name))
		return NULL;
	initStringInfo(&valid);
	appendStringInfoString(&valid, "the valid values are \"static\", \"default\"");
	for (size_t i = 0; i < lengthof(providers); i++)
		appendStringInfo(&valid, "%s\"%s\"", i + 1 < lengthof(providers) ? ", " : " and ",
						 providers[i].name);
	return valid.data;
}

/* Begin to ask a provider by name, or, for "default", all in turn. */
static void
ask(Fetch *fetch, const char *name)
{
	fetch->chain = strcmp(name, "default") == 0;
	fetch->provider = fetch->chain ? &providers[0] : find_provider(name);
	fetch->stage = 0;
}

/*
 * Prepare to obtain credentials from the provider of a name, or from "default"; NULL
 * if fetch->issued will be given credentials with which to assume fetch->roles.  The
 * fetch ends with its memory context, requests under way included; "config" must live
 * as long.
 */
Fetch *
fetch_create(MemoryContext parent, const ClientConfig *config, const char *provider)
{
	MemoryContext context = AllocSetContextCreate(parent, "imagebuilder_fdw credentials fetch",
												  ALLOCSET_SMALL_SIZES);
	Fetch	   *fetch = MemoryContextAllocZero(context, sizeof(Fetch));

	fetch->context = context;
	fetch->config = config;
	fetch->exchange.context = AllocSetContextCreate(context, "imagebuilder_fdw attempt",
													ALLOCSET_SMALL_SIZES);
	if (provider)
		ask(fetch, provider);
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
ask_providers(Fetch *fetch, long *wait)
{
	for (;;)
	{
		const Provider *asked = fetch->provider;
		bool		passed_over = fetch->chain && asked->unless_profile && fetch->config->profile;
		FetchState	state = passed_over ? FETCH_ABSENT : asked->advance(fetch, wait);

		if (state == FETCH_ELSEWHERE)
		{
			ask(fetch, fetch->elsewhere);
			continue;
		}
		if (state == FETCH_ABSENT && fetch->chain && asked + 1 < providers + lengthof(providers))
		{
			fetch_next_request(fetch);
			fetch->provider++;
			fetch->stage = 0;
			continue;
		}
		return state == FETCH_ABSENT ? fail_absent(fetch) : state;
	}
}

static FetchState
advance(Fetch *fetch, long *wait)
{
	FetchState	state;

	if (fetch->provider)
	{
		state = ask_providers(fetch, wait);
		if (state == FETCH_FAILED)
			fetch->failure = failure_of_credentials(fetch->failure);
		if (state != FETCH_DONE)
			return state;
		if (!issued_is_sendable(&fetch->issued.credentials))
			return fetch_fail(fetch, psprintf("the credentials in %s cannot be used",
											  fetch->provider->title),
							  "They hold characters that credentials do not have.", NULL);
		fetch->provider = NULL;
		fetch_next_request(fetch);
	}
	while (fetch->next_role < fetch->nroles)
	{
		state = sts_assume_role(fetch, &fetch->roles[fetch->next_role], wait);
		if (state != FETCH_DONE)
			return state;
		fetch->next_role++;
		fetch_next_request(fetch);
	}
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
	FetchState	state = advance(fetch, wait);

	MemoryContextSwitchTo(previous);
	return state;
}
