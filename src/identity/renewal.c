/*
 * renewal.c: an identity's credentials: had when they are needed, renewed in time.
 *
 * Credentials serve until they expire.  Without any, look-ups wait for a fetch,
 * which takes a place among the server's requests (max_concurrency).
 *
 * Before credentials expire they are renewed, while they are still used.  No
 * look-up waits for such a renewal: it gets on whenever the session waits for
 * the network, through as many statements as it takes, and takes no place that
 * a look-up could have.  If it fails, the source is left alone for a while.
 */
#include "postgres.h"

#include "clock.h"
#include "identity/renewal.h"
#include "secret.h"
#include "utils/memutils.h"

/*
 * Renewal begins when this part of the lifetime is left, so that credentials of
 * 15 minutes, the shortest that STS issues, are not renewed all the time …
 */
#define WINDOW_PART			4

/* … but not longer before they expire than the AWS SDKs begin, in s. */
#define MAX_WINDOW			(15 * 60)

/* How long the source is left alone after a failure, in s. */
#define PAUSE				60

/*
 * How long credentials serve that have expired when they come, in s.  Either
 * this server's clock is wrong, or the source has no better: the service tells.
 */
#define EXPIRED_GRACE		60

/*
 * How long a look-up that comes to need credentials waits for a renewal that was
 * begun ahead, and may be hanging, before it asks anew, in us.
 */
#define ADOPTED_WAIT		1000000

/* Identities that are being renewed ahead of time. */
static dlist_head renewals = DLIST_STATIC_INIT(renewals);

/* In the current memory context, wiped with it. */
void
renewal_copy_credentials(AwsCredentials *to, const AwsCredentials *from)
{
	to->access_key_id = from->access_key_id ? pstrdup(from->access_key_id) : NULL;
	to->secret_access_key = secret_strdup(from->secret_access_key);
	to->session_token = secret_strdup(from->session_token);
}

/* Whether there are credentials to sign with. */
static bool
is_usable(const Identity *identity)
{
	return identity->has_issued && (int64) time(NULL) < identity->serve_until;
}

/* Whether it is time to renew the credentials; also if there are none. */
static bool
is_due(const Identity *identity)
{
	return (int64) time(NULL) >= identity->renew_at;
}

/* Whether the source is to be left alone for now. */
static bool
is_paused(const Identity *identity)
{
	return clock_us() < identity->paused_until;
}

static void
pause_source(Identity *identity)
{
	identity->paused_until = clock_us() + PAUSE * INT64CONST(1000000);
}

/* ---- what there is -------------------------------------------------------------- */

static void
drop_issued(Identity *identity)
{
	MemoryContextReset(identity->issued_context);
	memset(&identity->issued, 0, sizeof(identity->issued));
	identity->has_issued = false;
	identity->region = NULL;
	identity->serve_until = 0;
	identity->renew_at = 0;
}

/* Let an identity have the credentials of the user mapping, for good. */
void
renewal_give_static(Identity *identity)
{
	identity->issued.credentials = identity->config.credentials;
	identity->issued.expires = ISSUED_FOR_GOOD;
	identity->has_issued = true;
	identity->serve_until = ISSUED_FOR_GOOD;
	identity->renew_at = ISSUED_FOR_GOOD;
}

/* Put what was fetched in the place of what there was. */
static void
take_issued(Identity *identity, const Fetch *fetch)
{
	int64		now = (int64) time(NULL);
	int64		expires = fetch->issued.expires;
	int64		left = Max(expires - now, 0);
	MemoryContext previous;

	drop_issued(identity);
	previous = MemoryContextSwitchTo(identity->issued_context);
	renewal_copy_credentials(&identity->issued.credentials, &fetch->issued.credentials);
	identity->region = fetch->region ? pstrdup(fetch->region) : NULL;
	identity->rewritable = fetch->rewritable;
	MemoryContextSwitchTo(previous);
	identity->issued.expires = expires;
	identity->has_issued = true;
	identity->serve_until = left > 0 ? expires : now + EXPIRED_GRACE;
	identity->renew_at = identity->serve_until - Min(left / WINDOW_PART, MAX_WINDOW);
	identity->failure = NULL;
	identity->paused_until = 0;
}

/* Keep why credentials could not be had, for look-ups that wait for them. */
static void
take_failure(Identity *identity, const Failure *failure)
{
	MemoryContext previous;

	identity->failure = NULL;
	MemoryContextReset(identity->failure_context);
	previous = MemoryContextSwitchTo(identity->failure_context);
	identity->failure = failure_copy(failure);
	MemoryContextSwitchTo(previous);
}

/* ---- how more is obtained -------------------------------------------------------- */

/*
 * Begin to obtain credentials, "ahead" of their being needed or not; those of
 * the base must be usable.
 */
static void
start_fetch(Identity *identity, bool ahead)
{
	const Identity *base = identity->base;
	Fetch	   *fetch = fetch_create(identity->context, &identity->config,
									 base ? NULL : identity->config.credential_provider);
	MemoryContext previous = MemoryContextSwitchTo(fetch->context);

	fetch->ahead = ahead;
	identity->fetch = fetch;
	if (!ahead)
		(*identity->in_flight)++;
	if (base)
	{
		renewal_copy_credentials(&fetch->issued.credentials, &base->issued.credentials);
		fetch->region = base->region ? pstrdup(base->region) : NULL;
		fetch->roles = identity_role(identity);
		fetch->nroles = 1;
	}
	MemoryContextSwitchTo(previous);
}

static void
drop_fetch(Identity *identity)
{
	Fetch	   *fetch = identity->fetch;

	if (fetch == NULL)
		return;
	identity->fetch = NULL;
	if (!fetch->ahead)
		(*identity->in_flight)--;
	MemoryContextDelete(fetch->context);
}

/* A look-up needs what is being fetched ahead, whose answer may be there by now. */
static void
adopt_fetch(Identity *identity)
{
	identity->fetch->ahead = false;
	identity->fetch->replace_at = clock_us() + ADOPTED_WAIT;
	(*identity->in_flight)++;
}

/* Whether a fetch that was begun ahead has failed, or had its time, and another is to be begun. */
static bool
is_to_be_replaced(const Fetch *fetch, FetchState state, long *wait)
{
	long		left = clock_ms_until(fetch->replace_at);

	if (fetch->replace_at == 0)
		return false;
	if (state == FETCH_FAILED || left == 0)
		return true;
	fetch_wait_until(wait, left);
	return false;
}

/* STS may reject what a role was to be assumed with: have that renewed, once. */
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

/* Credentials could not be had; "failure" is NULL if nobody waits for them. */
static IdentityState
fail(Identity *identity, const Failure *failure)
{
	pause_source(identity);
	if (failure)
		take_failure(identity, failure);
	identity->base_renewed = false;
	drop_fetch(identity);
	return IDENTITY_FAILED;
}

/* Take what a fetch has come to. */
static IdentityState
succeed(Identity *identity)
{
	const Fetch *fetch = identity->fetch;

	/* A source that has nothing newer may well repeat what has expired. */
	if (fetch->ahead && is_usable(identity) && fetch->issued.expires <= (int64) time(NULL))
		return fail(identity, NULL);
	take_issued(identity, fetch);
	identity->base_renewed = false;
	drop_fetch(identity);
	return IDENTITY_READY;
}

static IdentityState get_ready(Identity *identity, bool ahead, long *wait);

/* Get on with new credentials, which a look-up waits for unless they are "ahead". */
static IdentityState
obtain(Identity *identity, bool ahead, long *wait)
{
	/* A role's request that is under way needs its base no longer. */
	IdentityState base = identity->base && identity->fetch == NULL ?
		get_ready(identity->base, ahead, wait) : IDENTITY_READY;
	FetchState	state;

	if (base == IDENTITY_FAILED)
		return fail(identity, ahead ? NULL : identity->base->failure);
	if (base == IDENTITY_WAITING)
		return base;
	if (identity->fetch && identity->fetch->ahead && !ahead)
		adopt_fetch(identity);
	if (identity->fetch == NULL)
		start_fetch(identity, ahead);
	state = fetch_advance(identity->fetch, wait);
	if (state == FETCH_DONE)
		return succeed(identity);
	if ((state == FETCH_FAILED && renew_base(identity)) ||
		is_to_be_replaced(identity->fetch, state, wait))
	{
		ahead = identity->fetch->ahead;
		drop_fetch(identity);
		return obtain(identity, ahead, wait);
	}
	if (state == FETCH_FAILED)
		return fail(identity, identity->fetch->ahead ? NULL : identity->fetch->failure);
	return IDENTITY_WAITING;
}

/* ---- ahead of time ---------------------------------------------------------------- */

/* Be done with renewing an identity, with whatever has come of it, and with its fetch. */
void
renewal_end(Identity *identity)
{
	drop_fetch(identity);
	if (identity->renewing)
		dlist_delete(&identity->renewal_node);
	identity->renewing = false;
}

static void
advance_renewal(Identity *identity, long *wait)
{
	/* A look-up that could not wait may have done it meanwhile, or failed. */
	if (is_due(identity) && !is_paused(identity) &&
		obtain(identity, true, wait) == IDENTITY_WAITING)
		return;
	dlist_delete(&identity->renewal_node);
	identity->renewing = false;
}

/* Whether one more renewal may begin: as many at once as the server's requests. */
static bool
has_room(const Identity *identity)
{
	int			n = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &renewals)
	{
		if (dlist_container(Identity, renewal_node, iter.cur)->in_flight == identity->in_flight)
			n++;
	}
	return n < identity->config.max_concurrency;
}

/* An identity with usable credentials is being used: renew them if it is time. */
static void
renew_ahead(Identity *identity, long *wait)
{
	if (identity->renewing || !is_due(identity) || is_paused(identity) || !has_room(identity))
		return;
	identity->renewing = true;
	dlist_push_tail(&renewals, &identity->renewal_node);
	advance_renewal(identity, wait);
}

/*
 * Do what can be done without waiting for all renewals ahead of time; see
 * identity_advance() for *wait.
 */
void
identity_advance_renewals(long *wait)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &renewals)
		advance_renewal(dlist_container(Identity, renewal_node, iter.cur), wait);
}

/* ---- for look-ups ------------------------------------------------------------------ */

static IdentityState
get_ready(Identity *identity, bool ahead, long *wait)
{
	if (is_usable(identity))
	{
		renew_ahead(identity, wait);
		return IDENTITY_READY;
	}
	if (is_paused(identity) && (ahead || identity->failure))
		return IDENTITY_FAILED;
	return obtain(identity, ahead, wait);
}

/*
 * Do what can be done without waiting for the identity to have credentials
 * that have not expired.  IDENTITY_WAITING: until the network has something, or
 * for *wait ms, where that is less.
 */
IdentityState
identity_advance(Identity *identity, long *wait)
{
	/* The look-up that began a fetch of the base's may be gone: the fetch keeps its place. */
	if (is_usable(identity) && identity->base && identity_is_fetching(identity->base))
		get_ready(identity->base, false, wait);
	return get_ready(identity, false, wait);
}

/* No look-up waits any more: what was under way for one may be hanging. */
void
renewal_abandon(Identity *identity)
{
	if (identity->fetch && !identity->fetch->ahead)
	{
		identity->base_renewed = false;
		drop_fetch(identity);
	}
}

/* Whether requests that a look-up waits for are under way: they count among the server's. */
bool
identity_is_fetching(const Identity *identity)
{
	return (identity->fetch && !identity->fetch->ahead) ||
		(identity->base && identity_is_fetching(identity->base));
}

/* What to sign with; the identity must be ready. */
const AwsCredentials *
identity_credentials(const Identity *identity)
{
	return &identity->issued.credentials;
}

/* Why it has none; it must have failed. */
const Failure *
identity_failure(const Identity *identity)
{
	return identity->failure;
}

/* True if an identity's source may have others than the credentials that a service rejects. */
static bool
may_have_others(const Identity *identity, AwsErrorClass reason)
{
	switch (reason)
	{
		case AWS_ERROR_EXPIRED_TOKEN:
			return identity->base || strcmp(identity->config.credential_provider, "static") != 0;
		case AWS_ERROR_UNKNOWN_KEY:
			/* A key in a file may have been replaced; what a service has issued was known. */
			return identity->rewritable;
		default:
			return false;
	}
}

/*
 * A service rejects the credentials of an access key, for the reason that the
 * class of its error says: whether there are others by now, or can be.  Not if
 * those were obtained for a rejection in this very statement: others would be
 * no better.
 */
bool
identity_renew(Identity *identity, const char *access_key_id, AwsErrorClass reason)
{
	int64		now = clock_us();

	if (!may_have_others(identity, reason))
		return false;
	if (!identity->has_issued ||
		strcmp(identity->issued.credentials.access_key_id, access_key_id) != 0)
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
