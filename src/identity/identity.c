/*
 * identity.c: identities with which a session signs requests to AWS.
 *
 * A session keeps one identity for each configuration, so for each server and user,
 * and, if they assume a role, one more for each account that the role is assumed in,
 * whose base is the first.  Statements of another epoch have another configuration, so
 * never see them.
 *
 * The account as which an identity makes requests is that of the role that the user
 * mapping has it assume, else the one that STS says, which is asked once for an
 * identity.  That request takes none of the server's request slots, and is counted
 * nowhere.
 */
#include "postgres.h"

#include "catalog/pg_collation_d.h"
#include "identity/identity.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

/* Identities kept after a statement, those that were used last; others in use stay, too. */
#define MAX_IDENTITIES		1000

dlist_head	identity_list = DLIST_STATIC_INIT(identity_list);	/* last used first */

static void
destroy(Identity *identity)
{
	Assert(identity->fetch == NULL || identity->background);
	if (identity->base)
		identity->base->roles--;
	dlist_delete(&identity->node);
	MemoryContextDelete(identity->context);
}

/* Return the role to assume for an account, in the current memory context. */
static ProfileRole
role_of(const ClientConfig *config, const char *account)
{
	Datum		role_arn = DirectFunctionCall3Coll(replace_text, C_COLLATION_OID,
												   CStringGetTextDatum(config->role_arn),
												   CStringGetTextDatum(CONFIG_ACCOUNT),
												   CStringGetTextDatum(account));

	return (ProfileRole) {
		.role_arn = TextDatumGetCString(role_arn),
		.external_id = config->external_id,
		.role_session_name = config->role_session_name,
		.duration_seconds = config->role_duration / 1000,
	};
}

static Identity *
create(const ClientConfig *config, const char *account, Identity *base)
{
	MemoryContext context;
	MemoryContext previous;
	Identity   *identity;

	context = AllocSetContextCreate(TopMemoryContext, "imagebuilder_fdw identity",
									ALLOCSET_SMALL_SIZES);
	previous = MemoryContextSwitchTo(context);
	identity = palloc0(sizeof(Identity));
	identity->context = context;
	identity->account = pstrdup(account);
	config_hold(config);
	identity->config = config;
	identity->base = base;
	identity->issued_context = AllocSetContextCreate(context, "imagebuilder_fdw credentials",
													 ALLOCSET_SMALL_SIZES);
	identity->failure_context = AllocSetContextCreate(context, "imagebuilder_fdw failure",
													  ALLOCSET_SMALL_SIZES);
	if (base)
		identity->role = role_of(config, account);
	else if (config->credential_provider == PROVIDER_STATIC)
	{
		identity->credentials = config->credentials;
		identity->serve_until = identity->renew_at = ISSUED_FOR_GOOD;
	}
	MemoryContextSwitchTo(previous);
	if (base)
		base->roles++;
	dlist_push_head(&identity_list, &identity->node);
	return identity;
}

/*
 * Return the account for which a role is assumed to request an image: "any" if the
 * role does not depend on the account; "" if no role is assumed, because the
 * configuration has none, or has one for each account ID and the ARN has no account
 * ID.
 */
static const char *
role_account(const ClientConfig *config, const char *account)
{
	if (config->role_arn == NULL)
		return "";
	if (strstr(config->role_arn, CONFIG_ACCOUNT) == NULL)
		return "any";
	return arn_account_is_valid(account) ? account : "";
}

static Identity *
find(const ClientConfig *config, const char *account)
{
	dlist_iter	iter;

	dlist_foreach(iter, &identity_list)
	{
		Identity   *identity = dlist_container(Identity, node, iter.cur);

		if (identity->config == config && strcmp(identity->account, account) == 0)
			return identity;
	}
	return NULL;
}

/* Return what identity_open() has returned; NULL if it has been dropped since. */
const Identity *
identity_find(const ClientConfig *config, const char *account)
{
	return find(config, role_account(config, account));
}

/* Note that a Region has accepted an identity's signature. */
void
identity_note_accepted(Identity *identity, const char *region)
{
	if (identity->accepted_in == NULL)
		identity->accepted_in = MemoryContextStrdup(identity->context, region);
	else if (!identity->accepted_elsewhere)
		identity->accepted_elsewhere = strcmp(identity->accepted_in, region) != 0;
}

/* True if another Region has accepted an identity's signature in this session. */
bool
identity_serves_elsewhere(const Identity *identity, const char *region)
{
	return identity->accepted_elsewhere ||
		(identity->accepted_in && strcmp(identity->accepted_in, region) != 0);
}

static Identity *
find_or_create(const ClientConfig *config, const char *account)
{
	Identity   *identity = find(config, account);

	if (identity)
		return identity;
	return create(config, account, *account ? find_or_create(config, "") : NULL);
}

/* Count a look-up of a statement as a user of an identity and its base. */
static void
enter(Identity *identity, uint64 statement)
{
	dlist_move_head(&identity_list, &identity->node);
	identity->references++;
	if (identity->statement != statement)
		identity->failure = NULL;
	identity->statement = statement;
	if (identity->base)
		enter(identity->base, statement);
}

/*
 * Return the identity with which a statement, by its number in the session, requests
 * images of an account; accounts share one unless the role's ARN contains the account.
 * The caller must identity_close() it.
 */
Identity *
identity_open(const ClientConfig *config, uint64 statement, const char *account)
{
	Identity   *identity = find_or_create(config, role_account(config, account));

	enter(identity, statement);
	return identity;
}

/* Stop using an identity; a fetch that no other look-up waits for is abandoned. */
void
identity_close(Identity *identity)
{
	if (identity->base)
		identity_close(identity->base);
	if (--identity->references == 0)
		renewal_abandon(identity);
}

/*
 * Wipe and free the identities that no statement will use again, and unused ones beyond
 * MAX_IDENTITIES.
 */
void
identity_forget_unused(void)
{
	dlist_mutable_iter iter;

	/* Go through the list twice: bases become unused when their roles' identities go. */
	for (int pass = 0; pass < 2; pass++)
	{
		int			nkept = 0;

		dlist_foreach_modify(iter, &identity_list)
		{
			Identity   *identity = dlist_container(Identity, node, iter.cur);
			bool		obsolete = identity->serve_until == 0 || nkept >= MAX_IDENTITIES ||
				identity->config->epoch != config_epoch();

			if (obsolete && identity->references == 0 && identity->roles == 0)
				destroy(identity);
			else
				nkept++;
		}
	}
}

/* Advance the request to STS; other credentials may follow those that it rejects. */
static FetchState
ask(Identity *identity, const char *partition, long *wait)
{
	Fetch	   *fetch = identity->caller_fetch;
	FetchState	state;

	if (fetch == NULL)
	{
		identity->caller_fetch = fetch = renewal_fetch_with(identity, identity);
		fetch->partition = MemoryContextStrdup(fetch->context, partition);
	}
	state = fetch_advance(fetch, wait);
	if (state == FETCH_DONE)
		strlcpy(identity->caller, fetch->account, sizeof(identity->caller));
	if (state != FETCH_FAILED ||
		!identity_renew(identity, fetch->issued.credentials.access_key_id, fetch->rejected))
		return state;
	identity_end_asking(identity);
	fetch_wait_until(wait, 0);
	return FETCH_WAITING;
}

/*
 * Put the account as which an identity asks for ARNs of a partition into *account, of
 * ARN_ACCOUNT_SIZE bytes, without waiting; see identity_advance() for *wait.  The
 * caller must identity_end_asking() when it needs the account no more.
 */
FetchState
identity_ask_account(Identity *identity, const char *partition, char *account, long *wait)
{
	FetchState	state = FETCH_DONE;

	if (identity->base)
	{
		strlcpy(account, arn_account_of_role(identity->role.role_arn), ARN_ACCOUNT_SIZE);
		return FETCH_DONE;
	}
	if (identity->caller[0] == '\0')
	{
		if (identity->caller_fetch == NULL)
			state = identity_advance(identity, wait);
		if (state == FETCH_DONE)
			state = ask(identity, partition, wait);
	}
	if (state == FETCH_DONE)
		strlcpy(account, identity->caller, ARN_ACCOUNT_SIZE);
	return state;
}

/* Return the reason why identity_ask_account() has failed. */
const Failure *
identity_account_failure(const Identity *identity)
{
	return identity->caller_fetch ? identity->caller_fetch->failure :
		identity->failure;
}

/* Free the request to STS for an identity's account, if there is one. */
void
identity_end_asking(Identity *identity)
{
	if (identity->caller_fetch)
		MemoryContextDelete(identity->caller_fetch->context);
	identity->caller_fetch = NULL;
}
