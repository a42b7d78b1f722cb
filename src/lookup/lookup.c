/* lookup.c: looking up resources of EC2 Image Builder, with retries. */
#include "postgres.h"

#include "clock.h"
#include "foreign/foreign.h"
#include "lookup/lookup.h"
#include "miscadmin.h"
#include "utils/memutils.h"

LookupStats session_stats;

/* Look-ups of all clients that are not settled, oldest first. */
static dlist_head unsettled = DLIST_STATIC_INIT(unsettled);

/* True if "on_error" says to warn of images and rows that fail, and leave them out. */
bool
lookup_warns(const Client *client)
{
	return client->config->on_error == ON_ERROR_WARNING;
}

/* Take an earlier statement's answer; false if cache_ttl does not allow that. */
static bool
take_cached(Lookup *lookup)
{
	char	   *body = cache_get(lookup->client->config, lookup->request);
	char	   *problem;

	if (body == NULL)
		return false;
	lookup->document = document_parse(body, strlen(body), &problem);
	Assert(lookup->document);
	lookup->state = LOOKUP_FOUND;
	STATS_COUNT(lookup, cache_hits, 1);
	return true;
}

/* Return the failure of a client that has no keys to sign with; NULL if it has. */
static Failure *
check_credentials(const Client *client)
{
	const ClientConfig *config = client->config;
	const AwsCredentials *credentials = &config->credentials;

	if (config->credential_provider != PROVIDER_STATIC ||
		(credentials->access_key_id && credentials->secret_access_key))
		return NULL;
	return failure_create(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
						  "there are no credentials",
						  credentials->access_key_id ?
						  "The user mapping has no \"secret_access_key\"." :
						  credentials->secret_access_key || credentials->session_token ?
						  "The user mapping has no \"access_key_id\"." :
						  psprintf("There is no user mapping with keys for the user \"%s\" and the server \"%s\"; in a view the user is its owner.",
								   GetUserNameFromId(config->userid, true),
								   GetForeignServer(config->serverid)->servername),
						  "Set \"access_key_id\" and \"secret_access_key\" with CREATE USER MAPPING or ALTER USER MAPPING.");
}

/* Remove a look-up from the unsettled ones, and close its identity. */
static void
leave_queue(Lookup *lookup)
{
	dlist_delete(&lookup->node);
	identity_close(lookup->identity);
	lookup->identity = NULL;
}

/*
 * Handle finished transfers, and queue again the look-ups whose back-off is over;
 * returns what advance_all() does.
 */
static long
take_outcomes(void)
{
	dlist_mutable_iter iter;
	long		wait = -1;

	dlist_foreach_modify(iter, &unsettled)
	{
		Lookup	   *lookup = dlist_container(Lookup, node, iter.cur);

		if (lookup->state == LOOKUP_SENT && lookup->transfer->outcome != HTTP_PENDING)
		{
			MemoryContext previous = MemoryContextSwitchTo(lookup->context);

			(*lookup->client->config->in_flight)--;
			lookup->state = LOOKUP_QUEUED;	/* in case an error is raised */
			attempt_take_outcome(lookup);
			if (lookup->state > LOOKUP_ANSWERED)
				MemoryContextReset(lookup->attempt_context);
			MemoryContextSwitchTo(previous);
		}
		if (lookup->state == LOOKUP_BACKING_OFF)
		{
			long		left = clock_ms_until(lookup->retry_at);

			if (left == 0)
				lookup->state = LOOKUP_QUEUED;
			else
				fetch_wait_until(&wait, left);
		}
		if (lookup_is_settled(lookup))
		{
			leave_queue(lookup);
			wait = 0;			/* a caller may be waiting for this look-up: return now */
		}
	}
	return wait;
}

/*
 * Send an attempt if credentials and pace allow, or fail if they cannot, or if it is the
 * first and the statement may send no more; else lower *wait.
 */
static void
try_to_send(Lookup *lookup, long *wait)
{
	Pace	   *pace = &lookup->client->pace;
	const int  *in_flight = lookup->client->config->in_flight;
	FetchState	state;
	MemoryContext previous;

	/* A fetch of credentials that is under way has its request slot already. */
	if (!identity_is_fetching(lookup->identity) && !pace_allows(pace, *in_flight, wait))
		return;
	state = identity_advance(lookup->identity, wait);
	/* Ask again: a fetch of the base identity may have taken the slot. */
	if (state == FETCH_WAITING ||
		(state == FETCH_DONE && !pace_allows(pace, *in_flight, wait)))
		return;

	previous = MemoryContextSwitchTo(lookup->context);
	if (state == FETCH_FAILED)
		attempt_fail(lookup, failure_copy(lookup->identity->failure));
	else if (lookup->attempts > 0 ||
			 (lookup->failure = statement_refusal(lookup->client)) == NULL)
		attempt_send(lookup);
	else
		lookup->state = LOOKUP_REFUSED;
	MemoryContextSwitchTo(previous);
}

/*
 * Advance all look-ups without waiting.  Return the ms until more can be done, 0 if a
 * look-up has just been settled, -1 if only the network can bring more.
 */
static long
advance_all(void)
{
	long		wait = take_outcomes();
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &unsettled)
	{
		Lookup	   *lookup = dlist_container(Lookup, node, iter.cur);

		if (lookup->state == LOOKUP_QUEUED)
			try_to_send(lookup, &wait);
		else if (identity_is_fetching(lookup->identity))
			identity_advance(lookup->identity, &wait);	/* the look-up that began the
														 * fetch may be gone */
		if (lookup_is_settled(lookup))
		{
			leave_queue(lookup);
			wait = 0;
		}
	}
	identity_advance_renewals(&wait);
	return wait;
}

/* Remove an unsettled look-up that is about to be freed (a MemoryContextCallback). */
static void
give_up(void *arg)
{
	Lookup	   *lookup = arg;

	if (lookup_is_settled(lookup))
		return;
	if (lookup->state == LOOKUP_SENT)
		(*lookup->client->config->in_flight)--;
	if (lookup->attempts > 0 && !lookup_has_begun(lookup))
		lookup->client->statement->nrequests--;
	leave_queue(lookup);
}

/*
 * Start to look up what a request asks for, without waiting for the answer; the
 * request's values must have passed request_check().  Failures of the look-up are raised
 * by lookup_finish().
 */
Lookup *
lookup_create(Client *client, const Request *request)
{
	MemoryContext context;
	MemoryContext previous;
	Lookup	   *lookup;
	Failure    *failure;

	context = AllocSetContextCreate(client->statement->context, "imagebuilder_fdw look-up",
									ALLOCSET_SMALL_SIZES);
	previous = MemoryContextSwitchTo(context);
	lookup = palloc0(sizeof(Lookup));
	lookup->client = client;
	lookup->context = context;
	lookup->attempt_context = AllocSetContextCreate(context, "imagebuilder_fdw attempt",
													ALLOCSET_SMALL_SIZES);
	lookup->request = request_copy(request);
	lookup->target = request_target(lookup->request);
	if (client->config->endpoint.host)
		lookup->endpoint = client->config->endpoint;
	else
		endpoint_resolve(&lookup->endpoint, LOOKUP_SERVICE, lookup->target.partition,
						 lookup->target.region, client->config->use_fips_endpoint,
						 client->config->use_dualstack_endpoint);
	if (take_cached(lookup))
		failure = NULL;
	else if ((failure = check_credentials(client)) != NULL)
		attempt_fail(lookup, failure);
	else
	{
		lookup->identity = identity_open(client->config, client->statement->number,
										 lookup->target.account);
		lookup->state = LOOKUP_QUEUED;
		dlist_push_tail(&unsettled, &lookup->node);
		lookup->callback.func = give_up;
		lookup->callback.arg = lookup;
		MemoryContextRegisterResetCallback(context, &lookup->callback);
		advance_all();
	}
	MemoryContextSwitchTo(previous);
	return lookup;
}

/*
 * Wait for the network, but no longer than "wait" ms (-1: without limit).  libcurl sends
 * requests only then, so they are counted now: until then, withdrawing a look-up means
 * that its request is never sent.
 */
static void
wait_for_network(long wait)
{
	dlist_iter	iter;

	dlist_foreach(iter, &unsettled)
	{
		Lookup	   *lookup = dlist_container(Lookup, node, iter.cur);

		if (lookup->state == LOOKUP_SENT && !lookup_has_begun(lookup))
			STATS_COUNT(lookup, requests, 1);
	}
	http_wait(wait);
}

/*
 * Advance all look-ups of the session: wait until the network or the end of a back-off
 * allows progress, but no longer than "timeout" ms (-1: without limit).  Callers
 * repeat the call until the look-up that they need is settled.  Raises what an
 * interrupt raises.
 */
void
lookup_wait(long timeout)
{
	long		wait = advance_all();

	if (wait == 0)
		return;
	if (timeout >= 0)
		fetch_wait_until(&wait, timeout);
	wait_for_network(wait);
}

/* True if the client has an unsettled look-up with this identity in another Region. */
static bool
has_lookup_elsewhere(const Lookup *lookup, const Identity *identity)
{
	dlist_iter	iter;

	dlist_foreach(iter, &unsettled)
	{
		const Lookup *other = dlist_container(Lookup, node, iter.cur);

		if (other->client == lookup->client && other->identity == identity &&
			strcmp(other->target.region, lookup->target.region) != 0)
			return true;
	}
	return false;
}

/*
 * True if a look-up failed because its Region alone rejects the credentials; waits for
 * look-ups under way in other Regions until one of them is accepted or all are
 * settled.
 */
static bool
is_region_failure(const Lookup *lookup)
{
	while (lookup->rejected)
	{
		/* The identity may be dropped while the session waits, so find it each time. */
		const Identity *identity = identity_find(lookup->client->config,
												   lookup->target.account);

		if (identity == NULL)
			return false;
		if (identity_serves_elsewhere(identity, lookup->target.region))
			return true;
		if (!has_lookup_elsewhere(lookup, identity))
			return false;
		lookup_wait(-1);
	}
	return false;
}

/* Raise a look-up's failure, or warn of it; see lookup_finish(). */
static void
report(Lookup *lookup)
{
	bool		warn = lookup_warns(lookup->client) && !lookup->failure->fails_all;

	if (is_region_failure(lookup))
		lookup->failure->hint = "Another Region accepts these credentials: the Region may not be enabled for the account.";
	else if (lookup->failure->sqlstate == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION)
		warn = false;
	lookup->reported = true;
	failure_report(lookup->failure, request_action(lookup->request), warn ? WARNING : ERROR);
}

/*
 * Wait for a look-up and return the answer's document; NULL if the resource does not
 * exist.
 *
 * Raises the look-up's failure, with the SQLSTATEs of doc/troubleshooting.md, or warns
 * of it, once, if the server's option "on_error" says so; raises 57014 and the like
 * when interrupted.  Credentials that are missing or rejected (28000, or the SQLSTATE
 * of the credential source's failure) fail every image, and are always an error; but a
 * Region that rejects what another Region accepts fails its own images alone.
 */
const Document *
lookup_finish(Lookup *lookup)
{
	while (!lookup_is_settled(lookup))
		lookup_wait(-1);
	if (lookup->state == LOOKUP_ANSWERED)
		attempt_read_answer(lookup);
	if (lookup->failure && !lookup->reported)
		report(lookup);
	return lookup->document;
}

/*
 * Put the account as which a client makes requests to a target into *account, of
 * ARN_ACCOUNT_SIZE bytes.  Waits for STS where only that knows, and the session has not
 * asked yet; raises the failure of "action" (see request_action()), whatever "on_error"
 * says, and 57014 and the like when interrupted.
 */
void
lookup_account(Client *client, const Target *target, const char *action, char *account)
{
	const Failure *failure = check_credentials(client);
	Identity   *identity;

	if (failure)
		failure_report(failure, action, ERROR);
	identity = identity_open(client->config, client->statement->number, target->account);
	PG_TRY();
	{
		for (;;)
		{
			long		wait = advance_all();
			FetchState	state = identity_ask_account(identity, target->partition, account, &wait);

			if (state == FETCH_FAILED)
				failure_report(identity_account_failure(identity), action, ERROR);
			if (state == FETCH_DONE)
				break;
			CHECK_FOR_INTERRUPTS();
			if (wait != 0)
				wait_for_network(wait);
		}
	}
	PG_FINALLY();
	{
		identity_end_asking(identity);
		identity_close(identity);
	}
	PG_END_TRY();
}
