/*-------------------------------------------------------------------------
 *
 * fetch.c
 *		Obtaining credentials, step by step and without waiting.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/identity/fetch.c
 *
 *-------------------------------------------------------------------------
 */
/*
 * A provider is called again and again until it has credentials or knows that
 * there are none: it starts requests, and looks what has become of them.  What
 * it found may have to be exchanged for a role's credentials, perhaps several
 * times (see sts.c).
 */
#include "postgres.h"

#include "clock.h"
#include "common/pg_prng.h"
#include "identity/fetch.h"
#include "identity/sts.h"
#include "retry.h"
#include "utils/memutils.h"

/* In the order of the provider "default". */
static const Provider providers[] = {
	{"environment", "the server process's environment", environment_advance},
	{"profile", "the shared AWS files", profile_advance},
	{"web_identity", "a web identity token", web_identity_advance},
	{"container", "the container's credentials endpoint", container_advance},
	{"instance", "the instance metadata service", instance_advance},
};

/* The provider of a name; NULL if there is none. */
const Provider *
provider_find(const char *name)
{
	for (size_t i = 0; i < lengthof(providers); i++)
	{
		if (strcmp(providers[i].name, name) == 0)
			return &providers[i];
	}
	return NULL;
}

/*
 * What is wrong with a value of the option "credential_provider", a clause in
 * the current memory context; NULL if nothing is.
 */
const char *
provider_problem(const char *name)
{
	StringInfoData valid;

	if (strcmp(name, "static") == 0 || strcmp(name, "default") == 0 || provider_find(name))
		return NULL;
	initStringInfo(&valid);
	appendStringInfoString(&valid, "the valid values are \"static\", \"default\"");
	for (size_t i = 0; i < lengthof(providers); i++)
		appendStringInfo(&valid, "%s\"%s\"", i + 1 < lengthof(providers) ? ", " : " and ",
						 providers[i].name);
	return valid.data;
}

/* ---- what providers need ---------------------------------------------------- */

/* There is nothing to do for "ms", unless something else comes first. */
void
fetch_wait_until(long *wait, long ms)
{
	*wait = *wait < 0 ? ms : Min(*wait, ms);
}

/* Fail for want of credentials (28000). */
FetchState
fetch_fail(Fetch *fetch, const char *cause, const char *detail, const char *hint)
{
	fetch->failure = failure_create(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
									cause, detail, hint);
	return FETCH_FAILED;
}

/* Fail because a request got no answer. */
FetchState
fetch_fail_unanswered(Fetch *fetch, const char *cause)
{
	const HttpTransfer *transfer = fetch->exchange.transfer;
	const char *start = strstr(fetch->request.url, "//") + 2;
	char	   *host = pnstrdup(start, strcspn(start, "/?"));
	Failure    *failure = failure_of_transfer(transfer, host, fetch->exchange.attempts);

	failure->cause = cause;
	failure->hint = NULL;
	fetch->failure = failure;
	return FETCH_FAILED;
}

/* Whether an outcome is worth another attempt. */
static bool
is_transient(const HttpTransfer *transfer, bool *throttled)
{
	AwsError	error;

	*throttled = false;
	if (transfer->outcome != HTTP_ANSWERED)
		return transfer->outcome == HTTP_NO_CONNECTION ||
			transfer->outcome == HTTP_CONNECTION_LOST;
	if (transfer->status < 400)
		return false;
	issued_parse_sts_error(&error, transfer->status, transfer->body ? transfer->body : "",
						   transfer->length);
	*throttled = error.class == AWS_ERROR_THROTTLING;
	return *throttled || error.class == AWS_ERROR_TRANSIENT;
}

/*
 * Get on with a request that "send" starts, in the memory context of the
 * attempt: FETCH_DONE when exchange.transfer has its outcome.
 */
FetchState
fetch_exchange(Fetch *fetch, HttpTransfer *(*send) (Fetch *), int tries, long *wait)
{
	Exchange   *x = &fetch->exchange;
	bool		throttled;

	if (x->transfer == NULL)
	{
		MemoryContext previous;

		if (x->attempts > 0 && clock_ms_until(x->retry_at) > 0)
		{
			fetch_wait_until(wait, clock_ms_until(x->retry_at));
			return FETCH_WAITING;
		}
		MemoryContextReset(x->context);
		previous = MemoryContextSwitchTo(x->context);
		x->transfer = send(fetch);
		MemoryContextSwitchTo(previous);
		x->attempts++;
	}
	if (x->transfer->outcome == HTTP_PENDING)
		return FETCH_WAITING;
	if (x->attempts < tries && is_transient(x->transfer, &throttled))
	{
		x->retry_at = clock_us() +
			1000 * (int64) retry_delay(x->attempts, throttled,
									   pg_prng_double(&pg_global_prng_state), NULL);
		x->transfer = NULL;
		fetch_wait_until(wait, clock_ms_until(x->retry_at));
		return FETCH_WAITING;
	}
	return FETCH_DONE;
}

static HttpTransfer *
send_request(Fetch *fetch)
{
	return http_start(&fetch->request);
}

/* The same for what fetch->request says. */
FetchState
fetch_request(Fetch *fetch, int tries, long *wait)
{
	return fetch_exchange(fetch, send_request, tries, wait);
}

/* Be done with an exchange: the next one will be another. */
void
fetch_next_request(Fetch *fetch)
{
	MemoryContextReset(fetch->exchange.context);
	fetch->exchange.transfer = NULL;
	fetch->exchange.attempts = 0;
	fetch->exchange.secrets[0] = NULL;
}

/* Take the credentials that an answer consists of. */
FetchState
fetch_take_issued(Fetch *fetch, const char *cause)
{
	const HttpTransfer *transfer = fetch->exchange.transfer;
	const char *problem;

	if (transfer->status != 200)
		problem = psprintf("it answered with HTTP status %d", transfer->status);
	else
		problem = issued_parse(&fetch->issued, transfer->body ? transfer->body : "",
							   transfer->length);
	if (problem == NULL)
		return FETCH_DONE;
	return fetch_fail(fetch, cause,
					  failure_foreign_text(psprintf("%s.", problem), fetch->exchange.secrets),
					  NULL);
}

/* ---- the whole of it --------------------------------------------------------- */

/*
 * Prepare to obtain credentials.  Ends with its memory context, requests under
 * way included; "config" and "region" must live as long.
 */
Fetch *
fetch_create(MemoryContext parent, const ClientConfig *config, const char *region)
{
	MemoryContext context = AllocSetContextCreate(parent, "imagebuilder_fdw credentials fetch",
												  ALLOCSET_SMALL_SIZES);
	Fetch	   *fetch = MemoryContextAllocZero(context, sizeof(Fetch));

	fetch->context = context;
	fetch->config = config;
	fetch->region = region;
	fetch->exchange.context = AllocSetContextCreate(context, "imagebuilder_fdw attempt",
													ALLOCSET_SMALL_SIZES);
	return fetch;
}

/* Ask a provider; NULL: one after another. */
void
fetch_ask(Fetch *fetch, const Provider *provider)
{
	fetch->chain = provider == NULL;
	fetch->provider = provider ? provider : &providers[0];
	fetch->stage = 0;
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
		FetchState	state = asked->advance(fetch, wait);

		/* A profile may name another provider. */
		if (fetch->provider != asked)
			continue;
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
		if (state != FETCH_DONE)
			return state;
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
 * Do what can be done without waiting.  FETCH_WAITING: until the network has
 * something, or for *wait ms, where that is less.  FETCH_DONE: fetch->issued
 * has the credentials.  FETCH_FAILED: fetch->failure says why.
 */
FetchState
fetch_advance(Fetch *fetch, long *wait)
{
	MemoryContext previous = MemoryContextSwitchTo(fetch->context);
	FetchState	state = advance(fetch, wait);

	MemoryContextSwitchTo(previous);
	return state;
}
