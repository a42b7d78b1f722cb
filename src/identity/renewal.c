/*
 * renewal.c: obtaining an identity's credentials, and renewing them before they
 * expire.
 *
 * Credentials serve until they expire.  Without usable credentials, look-ups wait for
 * a fetch, which takes a slot among the server's requests (max_concurrency).
 *
 * Before credentials expire they are renewed, as long as look-ups use them.  No
 * look-up waits for such a renewal: it advances whenever the session waits for the
 * network, through as many statements as it takes, and takes no slot that a look-up
 * could have.  If a renewal fails, the session does not ask the source again for PAUSE
 * seconds.
 */
#include "postgres.h"

#include "clock.h"
#include "identity/identity.h"
#include "secret.h"
#include "utils/memutils.h"

/* Renewal begins when 1/RENEWAL_DIVISOR of the credentials' lifetime is left. */
#define RENEWAL_DIVISOR		4

/* Upper bound of the time from renewal to expiry, in s, as in the AWS SDKs. */
#define MAX_RENEWAL_LEAD	(15 * 60)

/* Seconds without a request to the source after a failure. */
#define PAUSE				60

/*
 * Seconds for which credentials serve that had expired when they were obtained: either
 * this server's clock is wrong, or the source has nothing newer; the service decides.
 */
#define EXPIRED_GRACE		60

/*
 * Microseconds for which a look-up that comes to need credentials waits for a fetch that
 * a renewal began, and that may be hanging, before a new fetch replaces it.
 */
#define ADOPTED_WAIT		1000000

/* Copy credentials into the current memory context, which wipes the secrets. */
static void
copy_credentials(AwsCredentials *to, const AwsCredentials *from)
{
	to->access_key_id = from->access_key_id ? pstrdup(from->access_key_id) : NULL;
	to->secret_access_key = secret_strdup(from->secret_access_key);
	to->session_token = secret_strdup(from->session_token);
}

/* True if an identity has credentials that can sign requests. */
static bool
is_usable(const Identity *identity)
{
	return (int64) time(NULL) < identity->serve_until;
}

/* True if it is time to renew the credentials, or there are none. */
static bool
is_due(const Identity *identity)
{
	return (int64) time(NULL) >= identity->renew_at;
}

/* True while the source is in its pause after a failure. */
static bool
is_paused(const Identity *identity)
{
	return clock_us() < identity->paused_until;
}

/* Functions for the credentials that an identity has. */

static void
drop_issued(Identity *identity)
{
	/* Other keys of a file or a program may be those of another account. */
	if (identity->rewritable)
		identity->caller[0] = '\0';
	MemoryContextReset(identity->issued_context);
	identity->credentials = (AwsCredentials) {0};
	identity->region = NULL;
	identity->serve_until = 0;
	identity->renew_at = 0;
}

/* Replace an identity's credentials by those of a fetch. */
static void
take_issued(Identity *identity, const Fetch *fetch)
{
	int64		now = (int64) time(NULL);
	int64		expires = fetch->issued.expires;
	int64		left = Max(expires - now, 0);
	MemoryContext previous;

	drop_issued(identity);
	previous = MemoryContextSwitchTo(identity->issued_context);
	copy_credentials(&identity->credentials, &fetch->issued.credentials);
	identity->region = fetch->region ? pstrdup(fetch->region) : NULL;
	identity->rewritable = fetch->rewritable;
	MemoryContextSwitchTo(previous);
	identity->serve_until = left > 0 ? expires : now + EXPIRED_GRACE;
	identity->renew_at = identity->serve_until - Min(left / RENEWAL_DIVISOR, MAX_RENEWAL_LEAD);
	identity->failure = NULL;
	identity->paused_until = 0;
}

/* Functions to fetch new credentials. */

/* Return a fetch for an identity that asks STS with the credentials of "source". */
Fetch *
renewal_fetch_with(Identity *identity, const Identity *source)
{
	Fetch	   *fetch = fetch_create(identity->context, identity->config, PROVIDER_STATIC);
	MemoryContext previous = MemoryContextSwitchTo(fetch->context);

	copy_credentials(&fetch->issued.credentials, &source->credentials);
	fetch->region = source->region ? pstrdup(source->region) : NULL;
	MemoryContextSwitchTo(previous);
	return fetch;
}

/* Begin to fetch credentials, with those of the base if there is one. */
static void
start_fetch(Identity *identity, bool background)
{
	const Identity *base = identity->base;
	Fetch	   *fetch = base ? renewal_fetch_with(identity, base) :
		fetch_create(identity->context, identity->config, identity->config->credential_provider);

	fetch->roles = &identity->role;
	fetch->nroles = base ? 1 : 0;
	fetch->background = background;
	identity->fetch = fetch;
	identity->background = background;
	identity->replace_at = 0;
	if (!background)
		(*identity->config->in_flight)++;
}

static void
drop_fetch(Identity *identity)
{
	Fetch	   *fetch = identity->fetch;

	if (fetch == NULL)
		return;
	identity->fetch = NULL;
	if (!identity->background)
		(*identity->config->in_flight)--;
	MemoryContextDelete(fetch->context);
}

/* Have a look-up wait for the fetch of a renewal: the answer may come soon. */
static void
adopt_fetch(Identity *identity)
{
	identity->background = false;
	identity->replace_at = clock_us() + ADOPTED_WAIT;
	(*identity->config->in_flight)++;
}

/* True if a fetch that a look-up adopted has failed, or made it wait for too long. */
static bool
is_to_be_replaced(const Identity *identity, FetchState state, long *wait)
{
	long		left = clock_ms_until(identity->replace_at);

	if (identity->replace_at == 0)
		return false;
	if (state == FETCH_FAILED || left == 0)
		return true;
	fetch_wait_until(wait, left);
	return false;
}

/* Have the base's credentials renewed, once, if STS has rejected them for a role. */
static bool
renew_base(Identity *identity)
{
	const Fetch *fetch = identity->fetch;

	if (!identity->base || identity->base_renewed)
		return false;
	identity->base_renewed = identity_renew(identity->base,
											fetch->issued.credentials.access_key_id,
											fetch->rejected);
	return identity->base_renewed;
}

/* Note that a fetch failed, and why; "failure" is NULL if no look-up waits for it. */
static FetchState
fail(Identity *identity, const Failure *failure)
{
	MemoryContext previous;

	identity->paused_until = clock_us() + PAUSE * INT64CONST(1000000);
	if (failure)
	{
		identity->failure = NULL;
		MemoryContextReset(identity->failure_context);
		previous = MemoryContextSwitchTo(identity->failure_context);
		identity->failure = failure_copy(failure);
		MemoryContextSwitchTo(previous);
	}
	identity->base_renewed = false;
	drop_fetch(identity);
	return FETCH_FAILED;
}

/* Take the credentials of a fetch that is done. */
static FetchState
succeed(Identity *identity)
{
	const Fetch *fetch = identity->fetch;

	/* Expired credentials are a failure: the source may just repeat the old ones. */
	if (identity->background && is_usable(identity) &&
		fetch->issued.expires <= (int64) time(NULL))
		return fail(identity, NULL);
	take_issued(identity, fetch);
	identity->base_renewed = false;
	drop_fetch(identity);
	return FETCH_DONE;
}

static FetchState get_ready(Identity *identity, bool background, long *wait);

/* Advance a fetch of credentials, for a renewal if "background", else for a look-up. */
static FetchState
obtain(Identity *identity, bool background, long *wait)
{
	FetchState	state = FETCH_DONE;

	/* A role's fetch that is under way has copied the base's credentials already. */
	if (identity->base && identity->fetch == NULL)
		state = get_ready(identity->base, background, wait);
	if (state == FETCH_FAILED)
		return fail(identity, background ? NULL : identity->base->failure);
	if (state == FETCH_WAITING)
		return state;
	if (identity->fetch == NULL)
		start_fetch(identity, background);
	else if (identity->background && !background)
		adopt_fetch(identity);
	state = fetch_advance(identity->fetch, wait);
	if (state == FETCH_DONE)
		return succeed(identity);
	if ((state == FETCH_FAILED && renew_base(identity)) ||
		is_to_be_replaced(identity, state, wait))
	{
		background = identity->background;
		drop_fetch(identity);
		return obtain(identity, background, wait);
	}
	if (state == FETCH_FAILED)
		return fail(identity, identity->background ? NULL : identity->fetch->failure);
	return state;
}

/* Functions for renewals before the credentials expire. */

static void
advance_renewal(Identity *identity, long *wait)
{
	/* A look-up may have renewed the credentials meanwhile, or failed to. */
	identity->renewing = is_due(identity) && !is_paused(identity) &&
		obtain(identity, true, wait) == FETCH_WAITING;
}

/* True if another renewal may begin: at most max_concurrency at once for a server. */
static bool
has_room(const Identity *identity)
{
	int			n = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &identity_list)
	{
		const Identity *other = dlist_container(Identity, node, iter.cur);

		if (other->renewing && other->config->serverid == identity->config->serverid)
			n++;
	}
	return n < identity->config->max_concurrency;
}

/* Renew the usable credentials of an identity that a look-up uses, if it is time to. */
static void
renew_in_background(Identity *identity, long *wait)
{
	if (identity->renewing || !is_due(identity) || is_paused(identity) || !has_room(identity))
		return;
	identity->renewing = true;
	advance_renewal(identity, wait);
}

/* Advance all renewals; see identity_advance() for *wait. */
void
identity_advance_renewals(long *wait)
{
	dlist_iter	iter;

	dlist_foreach(iter, &identity_list)
	{
		Identity   *identity = dlist_container(Identity, node, iter.cur);

		if (identity->renewing)
			advance_renewal(identity, wait);
	}
}

/* Functions for look-ups. */

static FetchState
get_ready(Identity *identity, bool background, long *wait)
{
	if (is_usable(identity))
	{
		renew_in_background(identity, wait);
		return FETCH_DONE;
	}
	if (is_paused(identity) && (background || identity->failure))
		return FETCH_FAILED;
	return obtain(identity, background, wait);
}

/*
 * Obtain usable credentials for an identity, without waiting.  FETCH_WAITING: call
 * again when the network has something, or after *wait ms if that is sooner.
 * FETCH_FAILED: identity->failure says why.
 */
FetchState
identity_advance(Identity *identity, long *wait)
{
	/* Advance the base's fetch: the look-up that began the fetch may be gone. */
	if (is_usable(identity) && identity->base && identity_is_fetching(identity->base))
		get_ready(identity->base, false, wait);
	return get_ready(identity, false, wait);
}

/* Free the fetch of an identity that no look-up uses any more, unless a renewal began it. */
void
renewal_abandon(Identity *identity)
{
	if (identity->fetch && !identity->background)
	{
		identity->base_renewed = false;
		drop_fetch(identity);
	}
}

/* True if a fetch that a look-up waits for is under way, and so takes a request slot. */
bool
identity_is_fetching(const Identity *identity)
{
	return (identity->fetch && !identity->background) ||
		(identity->base && identity_is_fetching(identity->base));
}

/* True if the source may have other credentials than those that a service rejected. */
static bool
may_have_others(const Identity *identity, AwsErrorClass reason)
{
	switch (reason)
	{
		case AWS_ERROR_EXPIRED_TOKEN:
			return identity->base || identity->config->credential_provider != PROVIDER_STATIC;
		case AWS_ERROR_UNKNOWN_KEY:
			/* Only keys in a file may have been replaced; AWS knows those it issues. */
			return identity->rewritable;
		default:
			return false;
	}
}

/*
 * Drop the credentials of an access key that a service has rejected with an error of
 * the class "reason"; true if the source has given others since, or may have others.
 * False if credentials were dropped in this way in this very statement, less than
 * PAUSE seconds ago: others would be no better.
 */
bool
identity_renew(Identity *identity, const char *access_key_id, AwsErrorClass reason)
{
	int64		now = clock_us();

	if (!may_have_others(identity, reason))
		return false;
	if (identity->serve_until == 0 ||
		strcmp(identity->credentials.access_key_id, access_key_id) != 0)
		return true;
	if (identity->rejected_in == identity->statement &&
		now < identity->rejected_at + PAUSE * INT64CONST(1000000))
		return false;
	identity->rejected_in = identity->statement;
	identity->rejected_at = now;
	identity->failure = NULL;
	identity->paused_until = 0;
	drop_issued(identity);
	return true;
}
