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
 * They are dropped when a server or mapping changes.
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

/* Digits of an account's number. */
#define ACCOUNT_DIGITS		12

struct Identity
{
	dlist_node	node;			/* in identities, unless it is stale */
	MemoryContext context;		/* holds all of this */
	Oid			serverid;
	Oid			userid;
	char	   *account;		/* the role's; "": without the role */
	int			references;		/* of statements */
	bool		stale;			/* to be freed with the last reference */
	uint64		statement;		/* the latest that opened it */
	ClientConfig config;		/* as far as it matters here */
	char	   *region;			/* of the first image asked for */
	struct Identity *base;		/* whose credentials the role is assumed with;
								 * NULL: without a role */

	MemoryContext issued_context;
	IssuedCredentials issued;	/* if there are any */
	bool		has_issued;
	bool		checked;		/* for the latest statement, that they are good */
	Fetch	   *fetch;			/* of new ones, under way */
	MemoryContext failure_context;
	const Failure *failure;		/* of the latest fetch, for the same */
};

static dlist_head identities = DLIST_STATIC_INIT(identities);

/* A server or mapping has changed: use none of them for later statements. */
static bool expired = false;

/* ---- life ----------------------------------------------------------------------- */

static void
drop_fetch(Identity *identity)
{
	if (identity->fetch == NULL)
		return;
	MemoryContextDelete(identity->fetch->context);
	identity->fetch = NULL;
}

static void
drop_issued(Identity *identity)
{
	MemoryContextReset(identity->issued_context);
	memset(&identity->issued, 0, sizeof(identity->issued));
	identity->has_issued = false;
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

static Identity *
create(const ClientConfig *config, Oid serverid, Oid userid, const char *account,
	   const char *region)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "imagebuilder_fdw identity",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext previous = MemoryContextSwitchTo(context);
	Identity   *identity = palloc0(sizeof(Identity));

	identity->context = context;
	identity->serverid = serverid;
	identity->userid = userid;
	identity->account = pstrdup(account);
	identity->region = pstrdup(region);
	copy_config(&identity->config, config);
	identity->issued_context = AllocSetContextCreate(context, "imagebuilder_fdw credentials",
													 ALLOCSET_SMALL_SIZES);
	identity->failure_context = AllocSetContextCreate(context, "imagebuilder_fdw failure",
													  ALLOCSET_SMALL_SIZES);
	if (strcmp(config->credential_provider, "static") == 0)
	{
		identity->issued.credentials = identity->config.credentials;
		identity->issued.expires = ISSUED_FOR_GOOD;
		identity->has_issued = *account == '\0';
	}
	MemoryContextSwitchTo(previous);
	dlist_push_head(&identities, &identity->node);
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
find(Oid serverid, Oid userid, const char *account)
{
	dlist_iter	iter;

	dlist_foreach(iter, &identities)
	{
		Identity   *identity = dlist_container(Identity, node, iter.cur);

		if (identity->serverid == serverid && identity->userid == userid &&
			strcmp(identity->account, account) == 0)
			return identity;
	}
	return NULL;
}

static Identity *
open_for_account(const ClientConfig *config, Oid serverid, Oid userid, const char *account,
				 const char *region, uint64 statement)
{
	Identity   *identity = find(serverid, userid, account);

	if (identity == NULL)
		identity = create(config, serverid, userid, account, region);
	if (*account)
		identity->base = open_for_account(config, serverid, userid, "", region, statement);
	identity->references++;
	if (identity->statement != statement)
	{
		identity->statement = statement;
		identity->checked = false;
		identity->failure = NULL;
	}
	return identity;
}

/* Forget those that have expired, now or when the statements that use them end. */
static void
forget_expired(void)
{
	dlist_mutable_iter iter;

	expired = false;
	dlist_foreach_modify(iter, &identities)
	{
		Identity   *identity = dlist_container(Identity, node, iter.cur);

		dlist_delete(&identity->node);
		identity->stale = true;
		if (identity->references == 0)
			MemoryContextDelete(identity->context);
	}
}

/*
 * The identity with which a statement asks for images of an account, as far as
 * the configuration makes a difference by that.  Roles are assumed in the
 * Region that the server names, else in "region".  To be closed.
 */
Identity *
identity_open(const ClientConfig *config, Oid serverid, Oid userid, const char *account,
			  const char *region, uint64 statement)
{
	if (expired)
		forget_expired();
	return open_for_account(config, serverid, userid, role_account(config, account), region,
							statement);
}

/* Be done with an identity; what nobody waits for any more is not fetched. */
void
identity_close(Identity *identity)
{
	if (identity->base)
		identity_close(identity->base);
	if (--identity->references > 0)
		return;
	if (identity->stale)
		MemoryContextDelete(identity->context);
	else
		drop_fetch(identity);
}

/* Keep none of them for later statements; may be called at any time. */
void
identity_expire_all(void)
{
	expired = true;
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
	drop_fetch(identity);
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
			take_failure(identity, identity->fetch->failure);
			return IDENTITY_FAILED;
		default:
			return IDENTITY_WAITING;
	}
}

/*
 * Do what can be done without waiting for the identity to have credentials
 * that a statement can start with.  IDENTITY_WAITING: until the network has
 * something, or for *wait ms, where that is less.
 */
IdentityState
identity_advance(Identity *identity, long *wait)
{
	int64		left = identity->has_issued ? identity->issued.expires - (int64) time(NULL) : 0;
	IdentityState state;

	if (left > (identity->checked ? 0 : ADVISORY_WINDOW))
		return IDENTITY_READY;
	if (identity->failure)
		return left > MANDATORY_WINDOW ? IDENTITY_READY : IDENTITY_FAILED;
	state = renew(identity, wait);
	identity->checked = state == IDENTITY_READY;
	/* Meanwhile, and if it fails, those that are good for a while will do. */
	return left > MANDATORY_WINDOW ? IDENTITY_READY : state;
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
	bool		renewable = identity->base ||
		strcmp(identity->config.credential_provider, "static") != 0;

	if (!renewable)
		return false;
	if (identity->has_issued &&
		strcmp(identity->issued.credentials.access_key_id, access_key_id) == 0)
	{
		drop_issued(identity);
		if (identity->base)
			identity_renew(identity->base, identity->base->has_issued ?
						   identity->base->issued.credentials.access_key_id : "");
	}
	return true;
}
