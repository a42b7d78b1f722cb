/*-------------------------------------------------------------------------
 *
 * identity.c
 *		Who asks AWS: credentials that are kept, and renewed in time.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/identity/identity.c
 *
 *-------------------------------------------------------------------------
 */
/*
 * A session keeps one identity for each server and user, and with a role one
 * more for each account that it is assumed in: that one rests on the first.
 *
 * A statement may outlive the configuration that it has read.  So identities
 * belong to an epoch, which ends when a server or mapping changes: statements
 * of another never see them.
 */
#include "postgres.h"

#include "identity/fetch.h"
#include "identity/identity.h"
#include "lib/ilist.h"
#include "secret.h"
#include "utils/memutils.h"

/* Before they expire, credentials may be renewed from here on, in s … */
#define ADVISORY_WINDOW		(15 * 60)

/* … and must be from here on, as the AWS SDKs have it. */
#define MANDATORY_WINDOW	(10 * 60)

/* Where they only may be, a failure is not followed by another for so long, in s. */
#define RENEWAL_PAUSE		60

/* Digits of an account's number. */
#define ACCOUNT_DIGITS		12

/* Of those that are not in use, the latest are kept. */
#define MAX_IDENTITIES		1000

struct Identity
{
	dlist_node	node;			/* in identities */
	MemoryContext context;		/* holds all of this */
	Oid			serverid;
	Oid			userid;
	uint64		epoch;
	char	   *account;		/* the role's; "": without the role */
	int			references;		/* of look-ups that wait, and of their roles */
	uint64		statement;		/* the latest that opened it */
	int		   *in_flight;		/* requests under way to the server */
	ClientConfig config;		/* as far as it matters here */
	char	   *region;			/* of the first image asked for */
	struct Identity *base;		/* whose credentials the role is assumed with;
								 * NULL: without a role */

	MemoryContext issued_context;
	IssuedCredentials issued;	/* if there are any */
	bool		has_issued;
	uint64		issued_in;		/* the statement … */
	int64		lifetime;		/* … and s that were left then */
	Fetch	   *fetch;			/* of new ones, under way */
	bool		base_renewed;	/* for the latest statement */
	MemoryContext failure_context;
	const Failure *failure;		/* of the latest fetch */
	int64		failed_at;		/* Unix time */
};

static dlist_head identities = DLIST_STATIC_INIT(identities);	/* the latest used first */
static int	nidentities = 0;

/* How often a server or mapping has changed. */
static uint64 epoch = 0;

/* ---- life ----------------------------------------------------------------------- */

static void
drop_fetch(Identity *identity)
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

static void
destroy(Identity *identity)
{
	drop_fetch(identity);
	dlist_delete(&identity->node);
	nidentities--;
	MemoryContextDelete(identity->context);
}

/* The s for which the credentials are good; may be negative. */
static int64
time_left(const Identity *identity)
{
	return identity->has_issued ? identity->issued.expires - (int64) time(NULL) : 0;
}

/* A string of the configuration, copied; may be NULL. */
static char *
copy(const char *text)
{
	return text ? pstrdup(text) : NULL;
}

static void
copy_credentials(AwsCredentials *to, const AwsCredentials *from)
{
	to->access_key_id = copy(from->access_key_id);
	to->secret_access_key = secret_strdup(from->secret_access_key);
	to->session_token = secret_strdup(from->session_token);
}

static void
copy_config(ClientConfig *to, const ClientConfig *from)
{
	*to = *from;
	to->region = copy(from->region);
	to->endpoint_url = NULL;
	to->sts_endpoint_url = copy(from->sts_endpoint_url);
	to->ca_bundle = copy(from->ca_bundle);
	to->proxy = copy(from->proxy);
	to->on_error = NULL;
	to->credential_provider = copy(from->credential_provider);
	copy_credentials(&to->credentials, &from->credentials);
	to->profile = copy(from->profile);
	to->role_arn = copy(from->role_arn);
	to->external_id = copy(from->external_id);
	to->role_session_name = copy(from->role_session_name);
}

/* Make room for another, if those that nobody uses leave any. */
static void
make_room(void)
{
	dlist_node *node = dlist_is_empty(&identities) ? NULL : dlist_tail_node(&identities);

	while (node && nidentities >= MAX_IDENTITIES)
	{
		Identity   *identity = dlist_container(Identity, node, node);

		node = dlist_has_prev(&identities, node) ? dlist_prev_node(&identities, node) : NULL;
		if (identity->references == 0)
			destroy(identity);
	}
}

static Identity *
create(const IdentityUser *user, const char *account, const char *region)
{
	MemoryContext context;
	MemoryContext previous;
	Identity   *identity;

	make_room();
	context = AllocSetContextCreate(TopMemoryContext, "imagebuilder_fdw identity",
									ALLOCSET_SMALL_SIZES);
	previous = MemoryContextSwitchTo(context);
	identity = palloc0(sizeof(Identity));
	identity->context = context;
	identity->serverid = user->serverid;
	identity->userid = user->userid;
	identity->epoch = user->epoch;
	identity->in_flight = user->in_flight;
	identity->account = pstrdup(account);
	identity->region = pstrdup(region);
	copy_config(&identity->config, user->config);
	identity->issued_context = AllocSetContextCreate(context, "imagebuilder_fdw credentials",
													 ALLOCSET_SMALL_SIZES);
	identity->failure_context = AllocSetContextCreate(context, "imagebuilder_fdw failure",
													  ALLOCSET_SMALL_SIZES);
	if (strcmp(user->config->credential_provider, "static") == 0)
	{
		identity->issued.credentials = identity->config.credentials;
		identity->issued.expires = ISSUED_FOR_GOOD;
		identity->has_issued = *account == '\0';
	}
	MemoryContextSwitchTo(previous);
	dlist_push_head(&identities, &identity->node);
	nidentities++;
	return identity;
}

/*
 * In whose account a role is to be assumed for an image: "" if in none, because
 * there is no role, or it depends on an account that is not a number.
 */
static const char *
role_account(const ClientConfig *config, const char *account)
{
	if (config->role_arn == NULL)
		return "";
	if (strstr(config->role_arn, CONFIG_ACCOUNT) == NULL)
		return "any";
	return strlen(account) == ACCOUNT_DIGITS &&
		strspn(account, "0123456789") == ACCOUNT_DIGITS ? account : "";
}

static Identity *
find(const IdentityUser *user, const char *account)
{
	dlist_iter	iter;

	dlist_foreach(iter, &identities)
	{
		Identity   *identity = dlist_container(Identity, node, iter.cur);

		if (identity->serverid == user->serverid && identity->userid == user->userid &&
			identity->epoch == user->epoch && strcmp(identity->account, account) == 0)
			return identity;
	}
	return NULL;
}

/* Used by a statement that has not used it before, or not lately. */
static void
enter_statement(Identity *identity, uint64 statement, const char *region)
{
	MemoryContext previous = MemoryContextSwitchTo(identity->context);

	identity->statement = statement;
	identity->base_renewed = false;
	if (time_left(identity) <= MANDATORY_WINDOW)
		identity->failure = NULL;
	/* Lest one image in a Region that does not exist spoil it for the others. */
	if (!identity->has_issued && !identity->fetch)
	{
		pfree(identity->region);
		identity->region = pstrdup(region);
	}
	MemoryContextSwitchTo(previous);
}

static Identity *
open_for_account(const IdentityUser *user, const char *account, const char *region)
{
	Identity   *identity = find(user, account);

	if (identity == NULL)
		identity = create(user, account, region);
	else
		dlist_move_head(&identities, &identity->node);
	identity->references++;
	if (*account)
		identity->base = open_for_account(user, "", region);
	if (identity->statement != user->statement)
		enter_statement(identity, user->statement, region);
	return identity;
}

/*
 * The identity with which a statement asks for images of an account, as far as
 * the configuration makes a difference by that.  Roles are assumed in the
 * Region that the server names, else in "region".  To be closed.
 */
Identity *
identity_open(const IdentityUser *user, const char *account, const char *region)
{
	return open_for_account(user, role_account(user->config, account), region);
}

/* Be done with an identity; what nobody waits for any more is not fetched. */
void
identity_close(Identity *identity)
{
	if (identity->base)
		identity_close(identity->base);
	if (--identity->references == 0)
		drop_fetch(identity);
}

/* The epoch, to be noted before a configuration is read. */
uint64
identity_epoch(void)
{
	return epoch;
}

/* Keep none of them for later statements; may be called at any time. */
void
identity_expire_all(void)
{
	epoch++;
}

/* Wipe and free what no statement will use again. */
void
identity_forget_unused(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &identities)
	{
		Identity   *identity = dlist_container(Identity, node, iter.cur);

		if (identity->references == 0 && (identity->epoch != epoch || !identity->has_issued))
			destroy(identity);
	}
}

/* ---- credentials ---------------------------------------------------------------- */

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
		copy_credentials(&fetch->issued.credentials, &identity->base->issued.credentials);
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
	copy_credentials(&identity->issued.credentials, &issued->credentials);
	identity->issued.expires = issued->expires;
	identity->has_issued = true;
	MemoryContextSwitchTo(previous);
	identity->issued_in = identity->statement;
	identity->lifetime = time_left(identity);
	identity->failure = NULL;
	drop_fetch(identity);
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
	drop_fetch(identity);
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
				drop_fetch(identity);
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

/*
 * Do what can be done without waiting for the identity to have credentials
 * that a statement can start with.  IDENTITY_WAITING: until the network has
 * something, or for *wait ms, where that is less.
 */
IdentityState
identity_advance(Identity *identity, long *wait)
{
	bool		usable = identity->has_issued && !is_within(identity, MANDATORY_WINDOW);
	IdentityState state;

	if (identity->has_issued && !is_within(identity, ADVISORY_WINDOW))
		return IDENTITY_READY;
	if (identity->failure && (int64) time(NULL) < identity->failed_at + RENEWAL_PAUSE)
		return usable ? IDENTITY_READY : IDENTITY_FAILED;
	state = renew(identity, wait);
	return state == IDENTITY_FAILED && usable ? IDENTITY_READY : state;
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
		drop_issued(identity);
	return true;
}
