/*
 * config.c: the options of a server and a user mapping, read once and shared.
 *
 * A configuration belongs to an epoch, which ends when a server or a user mapping
 * changes: later statements read another, while those under way keep theirs.  The
 * statements and identities that use a configuration hold it; when the last one ends,
 * the configuration is freed, and its secrets are wiped.
 */
#include "postgres.h"

#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "config/config.h"
#include "foreign/foreign.h"
#include "http/http.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

static dlist_head configs = DLIST_STATIC_INIT(configs);

/* Number of changes of servers and user mappings so far. */
static uint64 epoch = 0;

/*
 * End the epoch, since a server or a user mapping has changed, perhaps in a transaction
 * that has been rolled back (a SyscacheCallbackFunction).  May be called at any time.
 */
static void
end_epoch(Datum arg, int cacheid, uint32 hashvalue)
{
	epoch++;
	http_expire_connections();
}

void
config_init(void)
{
	CacheRegisterSyscacheCallback(FOREIGNSERVEROID, end_epoch, (Datum) 0);
	CacheRegisterSyscacheCallback(USERMAPPINGOID, end_epoch, (Datum) 0);
}

/* Return the epoch: what another epoch's configuration brought may no longer be right. */
uint64
config_epoch(void)
{
	return epoch;
}

/* Free a configuration that no memory context holds any more (a MemoryContextCallback). */
static void
release(void *arg)
{
	ClientConfig *config = arg;

	if (--config->references > 0)
		return;
	dlist_delete(&config->node);
	MemoryContextDelete(config->context);
}

/* Keep a configuration for as long as the current memory context lives. */
void
config_hold(const ClientConfig *config)
{
	MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));

	callback->func = release;
	callback->arg = unconstify(ClientConfig *, config);
	((ClientConfig *) callback->arg)->references++;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
}

/* Return the value of an option in a list of DefElem; NULL if the list has none. */
const char *
option_get(List *list, const char *name)
{
	ListCell   *lc;

	foreach(lc, list)
	{
		DefElem    *def = lfirst(lc);

		if (strcmp(def->defname, name) == 0)
			return defGetString(def);
	}
	return NULL;
}

/* Return the count of requests that this session has under way to a server. */
static int *
in_flight_to(Oid serverid)
{
	typedef struct ServerLoad
	{
		Oid			serverid;	/* hash key */
		int			in_flight;
	} ServerLoad;
	static HTAB *loads = NULL;
	ServerLoad *load;
	bool		found;

	if (loads == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(Oid), .entrysize = sizeof(ServerLoad)};

		loads = hash_create("imagebuilder_fdw requests under way", 8, &ctl,
							HASH_ELEM | HASH_BLOBS);
	}
	load = hash_search(loads, &serverid, HASH_ENTER, &found);
	if (!found)
		load->in_flight = 0;
	return &load->in_flight;
}

/* Return the options of the user's own or the public user mapping, or NIL. */
static List *
mapping_options(Oid serverid, Oid userid)
{
	if (SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(userid),
							  ObjectIdGetDatum(serverid)) ||
		SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid),
							  ObjectIdGetDatum(serverid)))
		return GetUserMapping(userid, serverid)->options;
	return NIL;
}

/*
 * Return the options' defaults, a server's options, and then those of the user's own or
 * the public user mapping, if one exists; the look-up raises the error for missing
 * keys.  What the user mapping says or implies of the provider of credentials goes
 * before the server's option.
 */
static ClientConfig *
read_config(Oid serverid, Oid userid)
{
	uint64		started = epoch;	/* a change from here on is for another configuration */
	List	   *mapping = mapping_options(serverid, userid);
	List	   *server = GetForeignServer(serverid)->options;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "imagebuilder_fdw configuration",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext previous = MemoryContextSwitchTo(context);
	ClientConfig *config = palloc0(sizeof(ClientConfig));
	AwsCredentials *keys = &config->credentials;

	config->serverid = serverid;
	config->userid = userid;
	config->epoch = started;
	config->context = context;
	config->in_flight = in_flight_to(serverid);
	option_apply(config, server, ForeignServerRelationId);
	option_apply(config, mapping, UserMappingRelationId);
	if (!option_get(mapping, "credential_provider"))
	{
		if (keys->access_key_id || keys->secret_access_key || keys->session_token)
			config->credential_provider = PROVIDER_STATIC;
		else if (config->profile)
			config->credential_provider = PROVIDER_PROFILE;
		else
			config->lent = config->credential_provider != PROVIDER_STATIC;
	}
	MemoryContextSwitchTo(previous);
	return config;
}

/*
 * Raise 42501 if a user who is no superuser would get the host's AWS identity by the
 * server's option: only a superuser can lend that identity, to each user by name, in the
 * user mapping.  Raise 42501, too, for a role to be assumed with that identity unless
 * the server's owner is a superuser: the owner can make user mappings for everybody, so
 * may have named the role.  Roles change without the epoch ending: ask each time.
 */
static void
check_lent(const ClientConfig *config)
{
	const ForeignServer *server = GetForeignServer(config->serverid);

	if (!superuser_arg(config->userid))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to use the AWS identity of the server's host"),
				 errdetail("User \"%s\" is not a superuser, and the user mapping has neither keys nor the option \"credential_provider\".",
						   GetUserNameFromId(config->userid, false)),
				 errhint("Put keys into the user mapping, or have a superuser set its option \"credential_provider\".")));
	if (config->role_arn && !superuser_arg(server->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to assume a role with the AWS identity of the server's host"),
				 errdetail("The owner of server \"%s\", who may have set \"role_arn\", is not a superuser.",
						   server->servername),
				 errhint("Have a superuser set the user mapping's option \"credential_provider\".")));
}

/*
 * Return the configuration of a server for a user, held by the current memory context.
 * Raises 42501 if the user would use the host's AWS identity and may not.
 */
const ClientConfig *
config_get(Oid serverid, Oid userid)
{
	ClientConfig *config = NULL;
	bool		found = false;
	dlist_iter	iter;

	dlist_foreach(iter, &configs)
	{
		config = dlist_container(ClientConfig, node, iter.cur);
		found = config->serverid == serverid && config->userid == userid &&
			config->epoch == epoch;
		if (found)
			break;
	}
	if (!found)
		config = read_config(serverid, userid);
	if (config->lent)
		check_lent(config);
	config_hold(config);
	/* On an error, a new configuration has ended with the current memory context. */
	if (!found)
	{
		MemoryContextSetParent(config->context, TopMemoryContext);
		dlist_push_head(&configs, &config->node);
	}
	return config;
}
