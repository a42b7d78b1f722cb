/* lookup.c: looking up at EC2 Image Builder, with retries. */
#include "postgres.h"

#include "clock.h"
#include "foreign/foreign.h"
#include "lookup/attempt.h"
#include "lookup/cache.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

LookupStats session_stats;

/* Look-ups of all clients that wait for something, in the order asked for. */
static dlist_head unsettled = DLIST_STATIC_INIT(unsettled);

/*
 * How many requests this session has under way to a server: "max_concurrency"
 * bounds them together, where cursors and functions nest statements.
 */
int *
lookup_in_flight(Oid serverid)
{
	typedef struct ServerLoad
	{
		Oid			serverid;	/* the key */
		int			in_flight;
	} ServerLoad;
	static HTAB *loads = NULL;
	ServerLoad *load;
	bool		found;

	if (loads == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = sizeof(Oid);
		ctl.entrysize = sizeof(ServerLoad);
		loads = hash_create("imagebuilder_fdw requests under way", 8, &ctl,
							HASH_ELEM | HASH_BLOBS);
	}
	load = hash_search(loads, &serverid, HASH_ENTER, &found);
	if (!found)
		load->in_flight = 0;
	return &load->in_flight;
}

/* Whether images and rows that fail are warned of and left out (option "on_error"). */
bool
lookup_warns(const Client *client)
{
	return strcmp(client->config.on_error, "warning") == 0;
}

/* Whether lookup_finish() would not have to wait. */
bool
lookup_is_settled(const Lookup *lookup)
{
	return lookup->state >= LOOKUP_ANSWERED;
}

/* Take the answer to an earlier statement, if the server's cache_ttl allows. */
static bool
take_cached(Lookup *lookup)
{
	const Client *client = lookup->client;
	char	   *problem;
	char	   *body;
	size_t		length;

	if (client->config.cache_ttl == 0 || cache_epoch() != client->cache_epoch)
		return false;
	body = cache_get(client->serverid, client->userid, lookup->request->text,
					 client->config.cache_ttl, &length);
	if (body == NULL)
		return false;
	lookup->document = document_parse(body, length, &problem);
	Assert(lookup->document);
	lookup->state = LOOKUP_FOUND;
	STATS_COUNT(lookup, cache_hits, 1);
	return true;
}

/* Whether there are keys to sign with; if not, the look-up has failed. */
static bool
check_credentials(Lookup *lookup)
{
	const ClientConfig *config = &lookup->client->config;
	const AwsCredentials *credentials = &config->credentials;

	if (strcmp(config->credential_provider, "static") != 0 ||
		(credentials->access_key_id && credentials->secret_access_key))
		return true;
	attempt_fail(lookup,
		 failure_create(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
						"there are no credentials",
						credentials->access_key_id ?
						"The user mapping has no \"secret_access_key\"." :
						credentials->secret_access_key || credentials->session_token ?
						"The user mapping has no \"access_key_id\"." :
						psprintf("There is no user mapping with keys for the user \"%s\" and the server \"%s\"; in a view the user is its owner.",
								 GetUserNameFromId(lookup->client->userid, true),
								 GetForeignServer(lookup->client->serverid)->servername),
						"Set \"access_key_id\" and \"secret_access_key\" with CREATE USER MAPPING or ALTER USER MAPPING."));
	return false;
}

/* Nobody waits for it any more. */
static void
leave_queue(Lookup *lookup)
{
	dlist_delete(&lookup->node);
	identity_close(lookup->identity);
	lookup->identity = NULL;
}

/* Take what has come in, and queue again whose time has come; see advance_all(). */
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

			(*lookup->client->in_flight)--;
			lookup->state = LOOKUP_QUEUED;	/* should anything raise an error */
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
				wait = wait < 0 ? left : Min(wait, left);
		}
		if (lookup_is_settled(lookup))
		{
			leave_queue(lookup);
			wait = 0;			/* somebody may wait for just that */
		}
	}
	return wait;
}

/* Whether the server may be sent another request now; if not, *wait says when to look again. */
static bool
may_send(Client *client, long *wait)
{
	int64		pause = pace_wait(&client->pace, *client->in_flight, clock_us());

	if (pause > 0)
		*wait = *wait < 0 ? pause / 1000 + 1 : Min(*wait, pause / 1000 + 1);
	return pause == 0;
}

/* Send an attempt if that may be, or see to it that it will. */
static void
try_to_send(Lookup *lookup, long *wait)
{
	MemoryContext previous;

	/* A request for credentials that is under way has its place already. */
	if (!identity_is_fetching(lookup->identity) && !may_send(lookup->client, wait))
		return;
	switch (identity_advance(lookup->identity, wait))
	{
		case IDENTITY_READY:
			/* The place may be the base's, whose credentials this look-up does not need. */
			if (may_send(lookup->client, wait))
				attempt_send(lookup);
			break;
		case IDENTITY_WAITING:
			break;
		case IDENTITY_FAILED:
			previous = MemoryContextSwitchTo(lookup->context);
			attempt_fail(lookup, failure_copy(identity_failure(lookup->identity)));
			MemoryContextSwitchTo(previous);
			break;
	}
}

/*
 * Do for all look-ups what can be done without waiting; returns the ms until
 * more can be done, 0 if one has just been settled, -1 if that is for the
 * network to say.
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
			identity_advance(lookup->identity, &wait);	/* who began it may be gone */
		if (lookup_is_settled(lookup))
		{
			leave_queue(lookup);
			wait = 0;
		}
	}
	identity_advance_renewals(&wait);
	return wait;
}

/* MemoryContextCallback: the look-up is about to be freed. */
static void
give_up(void *arg)
{
	Lookup	   *lookup = arg;

	if (lookup_is_settled(lookup))
		return;
	if (lookup->state == LOOKUP_SENT)
		(*lookup->client->in_flight)--;
	leave_queue(lookup);
}

/* For whom a statement's client asks. */
static IdentityUser
user_of(const Client *client)
{
	return (IdentityUser) {
		.config = &client->config,
		.serverid = client->serverid,
		.userid = client->userid,
		.epoch = client->identity_epoch,
		.statement = client->statement,
		.in_flight = client->in_flight,
	};
}

/*
 * Start to look up what a request asks for, without waiting for the answer; its ARN
 * must have passed request_check().  Whatever goes wrong is lookup_finish()'s.
 */
Lookup *
lookup_create(Client *client, const Request *request)
{
	MemoryContext context;
	MemoryContext previous;
	Lookup	   *lookup;
	const char *error = NULL;
	IdentityUser user = user_of(client);

	context = AllocSetContextCreate(client->context, "imagebuilder_fdw look-up",
									ALLOCSET_SMALL_SIZES);
	previous = MemoryContextSwitchTo(context);
	lookup = palloc0(sizeof(Lookup));
	lookup->client = client;
	lookup->context = context;
	lookup->attempt_context = AllocSetContextCreate(context, "imagebuilder_fdw attempt",
													ALLOCSET_SMALL_SIZES);
	lookup->request = request_copy(request);
	arn_parse(request->arn, &lookup->parts);
	if (client->config.endpoint_url == NULL)
		endpoint_resolve(&lookup->endpoint, REQUEST_SERVICE, lookup->parts.partition,
						 lookup->parts.region, client->config.use_fips_endpoint,
						 client->config.use_dualstack_endpoint);
	else if (!endpoint_parse_url(&lookup->endpoint, client->config.endpoint_url, &error))
		elog(ERROR, "option \"endpoint_url\" was not validated: %s", error);
	if (!take_cached(lookup) && check_credentials(lookup))
	{
		lookup->identity = identity_open(&user, lookup->parts.account_id);
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
 * Count the requests that libcurl will begin to send when the session waits for
 * the network: until then a look-up can be withdrawn as if it had not been made.
 */
static void
begin_requests(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &unsettled)
	{
		Lookup	   *lookup = dlist_container(Lookup, node, iter.cur);

		if (lookup->state != LOOKUP_SENT || lookup->begun)
			continue;
		lookup->begun = true;
		STATS_COUNT(lookup, requests, 1);
	}
}

/*
 * Let all look-ups of the session get on: wait until the network or the end
 * of a back-off has something for one of them, but no longer than "timeout"
 * ms (-1: for ever).  To be called again until what is wanted is settled;
 * raises whatever an interrupt raises.
 */
void
lookup_wait(long timeout)
{
	long		wait = advance_all();

	if (wait == 0)
		return;
	begin_requests();
	http_wait(timeout < 0 ? wait : wait < 0 ? timeout : Min(wait, timeout));
}

/* True if the statement has a look-up under way of an identity in another Region. */
static bool
is_asked_elsewhere(const Lookup *lookup, const Identity *identity)
{
	dlist_iter	iter;

	dlist_foreach(iter, &unsettled)
	{
		const Lookup *other = dlist_container(Lookup, node, iter.cur);

		if (other->client == lookup->client && other->identity == identity &&
			strcmp(other->parts.region, lookup->parts.region) != 0)
			return true;
	}
	return false;
}

/*
 * True if a look-up failed because its Region alone rejects the credentials;
 * waits for look-ups under way in other Regions, as long as none has told.
 */
static bool
is_region_failure(const Lookup *lookup)
{
	IdentityUser user = user_of(lookup->client);

	while (lookup->rejected)
	{
		/* Found anew each time: while the session waits, an identity may be dropped. */
		const Identity *identity = identity_find(&user, lookup->parts.account_id);

		if (identity == NULL)
			return false;
		if (identity_serves_elsewhere(identity, lookup->parts.region))
			return true;
		if (!is_asked_elsewhere(lookup, identity))
			return false;
		lookup_wait(-1);
	}
	return false;
}

/* Raise what a look-up failed for, or warn of it; see lookup_finish(). */
static void
report(Lookup *lookup)
{
	bool		warn = lookup_warns(lookup->client) && !lookup->failure->no_credentials;
	MemoryContext previous;

	if (is_region_failure(lookup))
	{
		previous = MemoryContextSwitchTo(lookup->context);
		lookup->failure = failure_of_region(lookup->failure);
		MemoryContextSwitchTo(previous);
	}
	else if (lookup->failure->sqlstate == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION)
		warn = false;
	lookup->reported = true;
	failure_report(lookup->failure, request_subject(lookup->request), warn ? WARNING : ERROR);
}

/*
 * Wait for a look-up: the answer's document, NULL if what was asked for does not exist.
 *
 * Raises what the look-up failed for, with the SQLSTATEs of doc/troubleshooting.md,
 * or warns of it, once, if the server's option "on_error"
 * says so; raises 57014 and the like when interrupted.  Credentials that are
 * missing or rejected (28000, or whatever their source fails for) fail every
 * image, and are an error always; but a Region that rejects what another Region
 * accepts fails its own images alone.
 */
const Document *
lookup_finish(Lookup *lookup)
{
	while (!lookup_is_settled(lookup))
		lookup_wait(-1);
	if (lookup->state == LOOKUP_ANSWERED)
		attempt_read_answer(lookup);
	if (lookup->state == LOOKUP_FAILED && !lookup->reported)
		report(lookup);
	return lookup->document;
}

/* What the look-up asks for; lives as long. */
const Request *
lookup_request(const Lookup *lookup)
{
	return lookup->request;
}

/* Whether a request has been sent, or at least begun. */
bool
lookup_has_begun(const Lookup *lookup)
{
	return lookup->begun;
}

/* What this look-up took so far. */
const LookupStats *
lookup_stats(const Lookup *lookup)
{
	return &lookup->stats;
}

/* Free a look-up, and end it if it is under way; its document goes too. */
void
lookup_free(Lookup *lookup)
{
	MemoryContextDelete(lookup->context);
}
