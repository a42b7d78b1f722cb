/*-------------------------------------------------------------------------
 *
 * renewal.c
 *		An identity's credentials: had when they are needed, renewed in time.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/identity/renewal.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "clock.h"
#include "identity/renewal.h"
#include "secret.h"
#include "utils/memutils.h"

/* Before they expire, credentials may be renewed from here on, in s … */
#define ADVISORY_WINDOW		(15 * 60)

/* … and must be from here on, as the AWS SDKs have it. */
#define MANDATORY_WINDOW	(10 * 60)

/* Where they only may be, that is waited for so long, in us … */
#define OPTIONAL_WAIT		2000000

/* … and after a failure not tried again for so long, in s. */
#define RENEWAL_PAUSE		60

/* In the current memory context, wiped with it. */
void
renewal_copy_credentials(AwsCredentials *to, const AwsCredentials *from)
{
	to->access_key_id = from->access_key_id ? pstrdup(from->access_key_id) : NULL;
	to->secret_access_key = secret_strdup(from->secret_access_key);
	to->session_token = secret_strdup(from->session_token);
}

/* Obtain nothing any more. */
void
renewal_drop_fetch(Identity *identity)
{
	if (identity->fetch == NULL)
		return;
	MemoryContextDelete(identity->fetch->context);
	identity->fetch = NULL;
	(*identity->in_flight)--;
}

static void
drop_issued(Identity *identity)
{
	MemoryContextReset(identity->issued_context);
	memset(&identity->issued, 0, sizeof(identity->issued));
	identity->has_issued = false;
}

/* Nobody waits any more: what was under way may be hanging. */
void
renewal_abandon(Identity *identity)
{
	if (identity->fetch && renewal_is_optional(identity))
		identity->failed_at = (int64) time(NULL);
	identity->waits_since = 0;
	renewal_drop_fetch(identity);
}

/* The s for which the credentials are good; may be negative. */
static int64
time_left(const Identity *identity)
{
	return identity->has_issued ? identity->issued.expires - (int64) time(NULL) : 0;
}

/* Whether the credentials would do for a while. */
bool
renewal_is_optional(const Identity *identity)
{
	return time_left(identity) > MANDATORY_WINDOW;
}

/* A role's ARN with the account filled in. */
static char *
fill_account(const char *role_arn, const char *account)
{
	StringInfoData out;
	const char *place;

	initStringInfo(&out);
	while ((place = strstr(role_arn, CONFIG_ACCOUNT)))
	{
		appendBinaryStringInfo(&out, role_arn, place - role_arn);
		appendStringInfoString(&out, account);
		role_arn = place + strlen(CONFIG_ACCOUNT);
	}
	appendStringInfoString(&out, role_arn);
	return out.data;
}

static ProfileRole *
role_of(const Identity *identity)
{
	const ClientConfig *config = &identity->config;
	ProfileRole *role = palloc0(sizeof(ProfileRole));

	role->role_arn = fill_account(config->role_arn, identity->account);
	role->external_id = config->external_id;
	role->role_session_name = config->role_session_name;
	role->duration_seconds = config->role_duration / 1000;
	return role;
}

/* Start to obtain credentials; those of the base must be ready. */
static void
start_fetch(Identity *identity)
{
	Fetch	   *fetch = fetch_create(identity->context, &identity->config, identity->region,
									 identity->base ? NULL : identity->config.credential_provider);
	MemoryContext previous = MemoryContextSwitchTo(fetch->context);

	identity->fetch = fetch;
	(*identity->in_flight)++;
	if (identity->base)
	{
		renewal_copy_credentials(&fetch->issued.credentials, &identity->base->issued.credentials);
		fetch->roles = role_of(identity);
		fetch->nroles = 1;
	}
	MemoryContextSwitchTo(previous);
}

/* Put what was fetched in the place of what there was. */
static void
take_issued(Identity *identity)
{
	const IssuedCredentials *issued = &identity->fetch->issued;
	MemoryContext previous;

	drop_issued(identity);
	previous = MemoryContextSwitchTo(identity->issued_context);
	renewal_copy_credentials(&identity->issued.credentials, &issued->credentials);
	identity->issued.expires = issued->expires;
	identity->has_issued = true;
	MemoryContextSwitchTo(previous);
	identity->issued_in = identity->statement;
	identity->lifetime = time_left(identity);
	identity->failure = NULL;
	identity->failed_at = 0;
	identity->waits_since = 0;
	renewal_drop_fetch(identity);
}

/* Keep why a fetch failed, for those who wait for it. */
static void
take_failure(Identity *identity, const Failure *failure)
{
	MemoryContext previous;

	MemoryContextReset(identity->failure_context);
	previous = MemoryContextSwitchTo(identity->failure_context);
	identity->failure = failure_copy(failure);
	MemoryContextSwitchTo(previous);
	identity->failed_at = (int64) time(NULL);
	renewal_drop_fetch(identity);
}

/* STS says that what a role was to be assumed with has expired: get it anew, once. */
static bool
renew_base(Identity *identity)
{
	if (!identity->base || !identity->fetch->token_expired || identity->base_renewed)
		return false;
	identity->base_renewed = true;
	return identity_renew(identity->base, identity->fetch->issued.credentials.access_key_id);
}

/* Get on with new credentials. */
static IdentityState
renew(Identity *identity, long *wait)
{
	IdentityState base = identity->base ? identity_advance(identity->base, wait) : IDENTITY_READY;

	if (base == IDENTITY_FAILED)
	{
		take_failure(identity, identity->base->failure);
		return base;
	}
	if (base == IDENTITY_WAITING)
		return base;
	if (identity->fetch == NULL)
		start_fetch(identity);
	switch (fetch_advance(identity->fetch, wait))
	{
		case FETCH_DONE:
			take_issued(identity);
			return IDENTITY_READY;
		case FETCH_FAILED:
			if (renew_base(identity))
			{
				renewal_drop_fetch(identity);
				return renew(identity, wait);
			}
			take_failure(identity, identity->fetch->failure);
			return IDENTITY_FAILED;
		default:
			return IDENTITY_WAITING;
	}
}

/*
 * Whether credentials are in such a window before they expire.  Those that were
 * issued within it are not for the statement that they were issued for: others
 * would be no better, or this server's clock is wrong.
 */
static bool
is_within(const Identity *identity, int64 window)
{
	int64		left = time_left(identity);

	if (left > window)
		return false;
	return identity->issued_in != identity->statement || identity->lifetime > window ||
		(left <= 0 && identity->lifetime > 0);
}

/* Whether to wait for a renewal that may fail; if not, it is given up. */
static bool
wait_for_optional(Identity *identity, long *wait)
{
	int64		now = clock_us();

	if (identity->waits_since == 0)
		identity->waits_since = now;
	if (now >= identity->waits_since + OPTIONAL_WAIT)
		return false;
	fetch_wait_until(wait, (identity->waits_since + OPTIONAL_WAIT - now) / 1000 + 1);
	return true;
}

/*
 * Do what can be done without waiting for the identity to have credentials
 * that a statement can start with.  IDENTITY_WAITING: until the network has
 * something, or for *wait ms, where that is less.
 */
IdentityState
identity_advance(Identity *identity, long *wait)
{
	bool		usable = identity->has_issued && !is_within(identity, MANDATORY_WINDOW);
	bool		paused = (int64) time(NULL) < identity->failed_at + RENEWAL_PAUSE;
	IdentityState state;

	if (identity->has_issued && !is_within(identity, ADVISORY_WINDOW))
		return IDENTITY_READY;
	if (paused && (usable || identity->failure))
		return usable ? IDENTITY_READY : IDENTITY_FAILED;
	state = renew(identity, wait);
	if (!usable || state == IDENTITY_READY ||
		(state == IDENTITY_WAITING && wait_for_optional(identity, wait)))
		return state;
	/* Those that there are will do. */
	identity->failure = NULL;
	identity->failed_at = (int64) time(NULL);
	identity->waits_since = 0;
	renewal_drop_fetch(identity);
	return IDENTITY_READY;
}

/* Whether requests for it are under way: they count among the server's. */
bool
identity_is_fetching(const Identity *identity)
{
	return identity->fetch || (identity->base && identity_is_fetching(identity->base));
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

/*
 * The service says that the credentials of an access key have expired: whether
 * there are others by now, or can be.
 */
bool
identity_renew(Identity *identity, const char *access_key_id)
{
	if (!identity->base && strcmp(identity->config.credential_provider, "static") == 0)
		return false;
	if (identity->has_issued &&
		strcmp(identity->issued.credentials.access_key_id, access_key_id) == 0)
	{
		drop_issued(identity);
		identity->failed_at = 0;
	}
	return true;
}
