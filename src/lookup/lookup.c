/*-------------------------------------------------------------------------
 *
 * lookup.c
 *		Looking images up at EC2 Image Builder: GetImage, with retries.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/lookup/lookup.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "aws/arn.h"
#include "clock.h"
#include "common/pg_prng.h"
#include "failure.h"
#include "identity/identity.h"
#include "lib/ilist.h"
#include "lookup/cache.h"
#include "lookup/lookup.h"
#include "lookup/request.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

LookupStats session_stats;

typedef enum LookupState
{
	LOOKUP_QUEUED,				/* to be sent as soon as that may be */
	LOOKUP_SENT,				/* an attempt is under way */
	LOOKUP_BACKING_OFF,			/* to be queued again at retry_at */
	LOOKUP_ANSWERED,			/* settled, but for reading the answer */
	LOOKUP_FOUND,
	LOOKUP_NOT_FOUND,
	LOOKUP_FAILED,
} LookupState;

struct Lookup
{
	Client	   *client;
	MemoryContext context;		/* holds all of this, and the document */
	MemoryContext attempt_context;	/* the current attempt; of a found image, its
									 * body */
	char	   *arn;			/* as asked for */
	Arn			parts;
	Endpoint	endpoint;
	Identity   *identity;		/* who asks; NULL until it has to be known */
	LookupState state;
	dlist_node	node;			/* in unsettled, while it is one of those */
	MemoryContextCallback callback;
	int			attempts;		/* sent so far */
	bool		clock_corrected;	/* one of them was for the clock's sake */
	bool		renewed;		/* one was for expired credentials' sake */
	int			budget_taken;	/* by the latest retry */
	int64		sent_at;		/* of clock.h */
	int64		retry_at;
	HttpTransfer *transfer;		/* of the current attempt */
	const char *access_key_id;	/* it was signed with */
	const char *secrets[SIGNED_MAX_SECRETS + 1];	/* not to be shown */
	const Document *document;	/* if found */
	const Failure *failure;		/* if failed */
	bool		reported;		/* the failure has been */
	uint64		cache_epoch;	/* when it was started */
	LookupStats stats;
};

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

/* Whether what fails is to be warned of, not to be an error. */
static int
error_level(const Client *client)
{
	return strcmp(client->config.on_error, "warning") == 0 ? WARNING : ERROR;
}

/* Whether it is the ARN of an image, a version or a wildcard. */
bool
lookup_is_arn(const char *arn)
{
	Arn			parts;

	return arn_parse(arn, &parts) && arn_is_image(&parts);
}

/*
 * The same; raises 22023 if it is not, or warns of it if the server's option
 * "on_error" says so.
 */
bool
lookup_check_arn(const Client *client, const char *arn)
{
	bool		valid = lookup_is_arn(arn);

	if (!valid)
		ereport(error_level(client),
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not the ARN of an Image Builder image", arn),
				 errhint("An image's ARN has the form arn:PARTITION:imagebuilder:REGION:ACCOUNT:image/NAME/VERSION or arn:PARTITION:imagebuilder:REGION:ACCOUNT:image/NAME/VERSION/BUILD.")));
	return valid;
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

	if (client->config.cache_ttl == 0)
		return false;
	lookup->cache_epoch = cache_epoch();
	body = cache_get(client->serverid, client->userid, lookup->arn,
					 client->config.cache_ttl, &length);
	if (body == NULL)
		return false;
	lookup->document = document_parse(body, length, &problem);
	Assert(lookup->document);
	lookup->state = LOOKUP_FOUND;
	session_stats.cache_hits++;
	lookup->stats.cache_hits++;
	return true;
}

static void
fail(Lookup *lookup, const Failure *failure)
{
	lookup->state = LOOKUP_FAILED;
	lookup->failure = failure;
	session_stats.errors++;
	lookup->stats.errors++;
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
	fail(lookup,
		 failure_create(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
						"there are no credentials",
						credentials->access_key_id ?
						"The user mapping has no \"secret_access_key\"." :
						credentials->secret_access_key || credentials->session_token ?
						"The user mapping has no \"access_key_id\"." :
						"There is no user mapping with keys for the user and the server.",
						"Set \"access_key_id\" and \"secret_access_key\" with CREATE USER MAPPING or ALTER USER MAPPING."));
	return false;
}

/* Send an attempt, signed anew. */
static void
send_attempt(Lookup *lookup)
{
	const AwsCredentials *credentials = identity_credentials(lookup->identity);
	MemoryContext previous;

	MemoryContextReset(lookup->attempt_context);
	previous = MemoryContextSwitchTo(lookup->attempt_context);
	lookup->access_key_id = pstrdup(credentials->access_key_id);
	lookup->transfer = request_send(&lookup->client->config, credentials, &lookup->endpoint,
									lookup->parts.region, lookup->arn, lookup->secrets);
	MemoryContextSwitchTo(previous);

	lookup->state = LOOKUP_SENT;
	lookup->sent_at = clock_us();
	pace_sent(&lookup->client->pace, lookup->sent_at);
	(*lookup->client->in_flight)++;
	if (lookup->attempts++ == 0)
	{
		session_stats.requests++;
		lookup->stats.requests++;
	}
	else
	{
		session_stats.retries++;
		lookup->stats.retries++;
	}
}

/* Whether another attempt may be made, and if so, when. */
static bool
schedule_retry(Lookup *lookup, bool throttled)
{
	int			attempts = lookup->attempts - lookup->clock_corrected - lookup->renewed;

	if (attempts >= lookup->client->config.max_attempts)
		return false;
	lookup->budget_taken = retry_budget_take(lookup->client->budget, throttled);
	if (lookup->budget_taken == 0)
		return false;
	lookup->state = LOOKUP_BACKING_OFF;
	lookup->retry_at = clock_us() +
		1000 * (int64) retry_delay(attempts, throttled,
								   pg_prng_double(&pg_global_prng_state),
								   http_header(lookup->transfer, "x-amz-retry-after"));
	return true;
}

static void
take_aws_error(Lookup *lookup)
{
	const HttpTransfer *transfer = lookup->transfer;
	AwsError	error;

	aws_error_parse(&error, transfer->status, http_header(transfer, "x-amzn-ErrorType"),
					transfer->body ? transfer->body : "", transfer->length);
	switch (error.class)
	{
		case AWS_ERROR_NOT_FOUND:
			lookup->state = LOOKUP_NOT_FOUND;
			session_stats.not_found++;
			lookup->stats.not_found++;
			return;
		case AWS_ERROR_THROTTLING:
			session_stats.throttled++;
			lookup->stats.throttled++;
			pace_throttled(&lookup->client->pace, lookup->sent_at, clock_us());
			if (schedule_retry(lookup, true))
				return;
			break;
		case AWS_ERROR_TRANSIENT:
			if (schedule_retry(lookup, false))
				return;
			break;
		case AWS_ERROR_CLOCK:
			if (!lookup->clock_corrected &&
				signed_correct_clock(lookup->endpoint.host, transfer))
			{
				lookup->clock_corrected = true;
				lookup->state = LOOKUP_QUEUED;
				return;
			}
			break;
		case AWS_ERROR_EXPIRED_TOKEN:
			if (!lookup->renewed && identity_renew(lookup->identity, lookup->access_key_id))
			{
				lookup->renewed = true;
				lookup->state = LOOKUP_QUEUED;
				return;
			}
			break;
		default:
			break;
	}
	fail(lookup, failure_of_aws_error(&error, transfer, lookup->attempts,
									  lookup->secrets));
}

/* Whether the top level is a GetImage response's; a mere object is not. */
static bool
is_get_image_response(const Document *document)
{
	static const char *const members[] = {"image", "requestId", "latestVersionReferences"};

	if (document_node(document, DOC_ROOT)->kind != DOC_OBJECT)
		return false;
	for (size_t i = 0; i < lengthof(members); i++)
	{
		if (document_member(document, DOC_ROOT, members[i],
							strlen(members[i])) != DOC_ABSENT)
			return true;
	}
	return false;
}

/* Read the answer, which nobody may ever ask for: so not before somebody does. */
static void
read_answer(Lookup *lookup)
{
	const HttpTransfer *transfer = lookup->transfer;
	MemoryContext previous = MemoryContextSwitchTo(lookup->context);
	Document   *document = NULL;
	char	   *problem = "A redirect is not followed.";

	if (transfer->status < 300)
	{
		document = document_parse(transfer->body ? transfer->body : "",
								  transfer->length, &problem);
		if (document && !is_get_image_response(document))
		{
			document = NULL;
			problem = "The body is JSON, but not an object with a member \"image\".";
		}
	}
	if (document)
	{
		lookup->document = document;
		lookup->state = LOOKUP_FOUND;
		if (lookup->client->config.cache_ttl > 0)
			cache_put(lookup->client->serverid, lookup->client->userid, lookup->arn,
					  transfer->body, transfer->length,
					  lookup->client->config.cache_size, lookup->cache_epoch);
		http_release(lookup->transfer);
	}
	else
	{
		fail(lookup, failure_of_answer(transfer, problem, lookup->secrets));
		MemoryContextReset(lookup->attempt_context);
	}
	MemoryContextSwitchTo(previous);
}

/* Take what an attempt brought. */
static void
take_outcome(Lookup *lookup)
{
	const HttpTransfer *transfer = lookup->transfer;

	session_stats.bytes_received += transfer->length;
	lookup->stats.bytes_received += transfer->length;
	session_stats.request_time += transfer->milliseconds;
	lookup->stats.request_time += transfer->milliseconds;

	if (transfer->outcome == HTTP_ANSWERED)
	{
		if (transfer->status >= 400)
			take_aws_error(lookup);
		else
			lookup->state = LOOKUP_ANSWERED;
		if (lookup->state == LOOKUP_ANSWERED || lookup->state == LOOKUP_NOT_FOUND)
		{
			retry_budget_refund(lookup->client->budget, lookup->budget_taken);
			pace_granted(&lookup->client->pace, lookup->sent_at, clock_us());
		}
		return;
	}
	if ((transfer->outcome == HTTP_NO_CONNECTION ||
		 transfer->outcome == HTTP_CONNECTION_LOST) &&
		schedule_retry(lookup, false))
		return;
	fail(lookup, failure_of_transfer(transfer, lookup->endpoint.host, lookup->attempts));
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
			take_outcome(lookup);
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
			dlist_delete(&lookup->node);
			wait = 0;			/* somebody may wait for just that */
		}
	}
	return wait;
}

/* Send an attempt if that may be, or see to it that it will. */
static void
try_to_send(Lookup *lookup, long *wait)
{
	Client	   *client = lookup->client;
	int64		pause = pace_wait(&client->pace, *client->in_flight, clock_us());
	MemoryContext previous;

	if (pause == PACE_UNTIL_ANSWER)
		return;
	if (pause > 0)
	{
		*wait = *wait < 0 ? pause / 1000 + 1 : Min(*wait, pause / 1000 + 1);
		return;
	}
	switch (identity_advance(lookup->identity, wait))
	{
		case IDENTITY_READY:
			send_attempt(lookup);
			break;
		case IDENTITY_WAITING:
			break;
		case IDENTITY_FAILED:
			previous = MemoryContextSwitchTo(lookup->context);
			fail(lookup, failure_copy(identity_failure(lookup->identity)));
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
		if (lookup_is_settled(lookup))
		{
			dlist_delete(&lookup->node);
			wait = 0;
		}
	}
	return wait;
}

/* MemoryContextCallback: the look-up is about to be freed. */
static void
leave_queue(void *arg)
{
	Lookup	   *lookup = arg;

	identity_close(lookup->identity);
	if (lookup_is_settled(lookup))
		return;
	if (lookup->state == LOOKUP_SENT)
		(*lookup->client->in_flight)--;
	dlist_delete(&lookup->node);
}

/*
 * Start to look an image up, without waiting for the answer; the ARN must have
 * passed lookup_check_arn().  Whatever goes wrong is lookup_finish()'s.
 */
Lookup *
lookup_create(Client *client, const char *arn)
{
	MemoryContext context;
	MemoryContext previous;
	Lookup	   *lookup;
	const char *error = NULL;

	context = AllocSetContextCreate(client->context, "imagebuilder_fdw look-up",
									ALLOCSET_SMALL_SIZES);
	previous = MemoryContextSwitchTo(context);
	lookup = palloc0(sizeof(Lookup));
	lookup->client = client;
	lookup->context = context;
	lookup->attempt_context = AllocSetContextCreate(context, "imagebuilder_fdw attempt",
													ALLOCSET_SMALL_SIZES);
	lookup->arn = pstrdup(arn);
	arn_parse(arn, &lookup->parts);
	if (client->config.endpoint_url == NULL)
		endpoint_resolve(&lookup->endpoint, REQUEST_SERVICE, lookup->parts.partition,
						 lookup->parts.region, client->config.use_fips_endpoint,
						 client->config.use_dualstack_endpoint);
	else if (!endpoint_parse_url(&lookup->endpoint, client->config.endpoint_url, &error))
		elog(ERROR, "option \"endpoint_url\" was not validated: %s", error);
	if (!take_cached(lookup) && check_credentials(lookup))
	{
		lookup->identity = identity_open(&client->config, client->serverid, client->userid,
										 lookup->parts.account_id, lookup->parts.region,
										 client->statement);
		lookup->state = LOOKUP_QUEUED;
		dlist_push_tail(&unsettled, &lookup->node);
		lookup->callback.func = leave_queue;
		lookup->callback.arg = lookup;
		MemoryContextRegisterResetCallback(context, &lookup->callback);
		advance_all();
	}
	MemoryContextSwitchTo(previous);
	return lookup;
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

	if (wait != 0)
		http_wait(timeout < 0 ? wait : wait < 0 ? timeout : Min(wait, timeout));
}

/*
 * Wait for a look-up: the image's document, NULL if it does not exist.
 *
 * Raises what the look-up failed for, with the SQLSTATEs of README.md,
 * section "Errors", or warns of it, once, if the server's option "on_error"
 * says so; raises 57014 and the like when interrupted.
 */
const Document *
lookup_finish(Lookup *lookup)
{
	while (!lookup_is_settled(lookup))
		lookup_wait(-1);
	if (lookup->state == LOOKUP_ANSWERED)
		read_answer(lookup);
	if (lookup->state == LOOKUP_FAILED && !lookup->reported)
	{
		lookup->reported = true;
		failure_report(lookup->failure, lookup->arn, error_level(lookup->client));
	}
	return lookup->document;
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
