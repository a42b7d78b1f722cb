/* option.c: options of servers, user mappings, foreign tables and columns. */
#include "postgres.h"

#include <limits.h>

#include "access/reloptions.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "compat.h"
#include "fdw/option.h"
#include "fdw/option_check.h"
#include "foreign/foreign.h"
#include "http/http.h"
#include "identity/fetch.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/syscache.h"

/* Catalogs of the objects that an option may be set on. */
#define ON_SERVER	ForeignServerRelationId
#define ON_MAPPING	UserMappingRelationId
#define ON_TABLE	ForeignTableRelationId
#define ON_COLUMN	AttributeRelationId

/* Flags of an option. */
#define SUPERUSER	(1 << 0)	/* only a superuser may set it */
#define SECRET		(1 << 1)	/* its value may hold a secret, and is not shown */

typedef enum OptionType
{
	OPTION_STRING,
	OPTION_BOOLEAN,
	OPTION_INTEGER,
	OPTION_DURATION,			/* a number with a unit of time; read as ms */
	OPTION_SIZE,				/* a number with a unit of memory; read as bytes */
} OptionType;

typedef struct Option
{
	const char *name;
	Oid			catalog;
	OptionType	type;
	int			flags;
	int			min;			/* range of a number, a duration in ms or a size in
								 * bytes */
	int			max;
	OptionCheck check;			/* check of a string */
	int			target;			/* offset in ClientConfig; -1: read elsewhere */
	const char *default_value;	/* NULL: no default */
} Option;

#define AT(member)	((int) offsetof(ClientConfig, member))
#define HOUR_MS		(60 * 60 * 1000)
#define GIGABYTE	(1024 * 1024 * 1024)

static const Option options[] = {
	{"region", ON_SERVER, OPTION_STRING, 0, 0, 0, option_check_region, AT(region), NULL},
	{"endpoint_url", ON_SERVER, OPTION_STRING, SUPERUSER | SECRET, 0, 0, option_check_url, AT(endpoint_url), NULL},
	{"sts_endpoint_url", ON_SERVER, OPTION_STRING, SUPERUSER | SECRET, 0, 0, option_check_url, AT(sts_endpoint_url), NULL},
	{"use_fips_endpoint", ON_SERVER, OPTION_BOOLEAN, 0, 0, 0, NULL, AT(use_fips_endpoint), "false"},
	{"use_dualstack_endpoint", ON_SERVER, OPTION_BOOLEAN, 0, 0, 0, NULL, AT(use_dualstack_endpoint), "false"},
	{"ca_bundle", ON_SERVER, OPTION_STRING, SUPERUSER, 0, 0, option_check_file, AT(ca_bundle), NULL},
	{"proxy", ON_SERVER, OPTION_STRING, SUPERUSER | SECRET, 0, 0, http_proxy_problem, AT(proxy), NULL},
	{"connect_timeout", ON_SERVER, OPTION_DURATION, 0, 1, HOUR_MS, NULL, AT(connect_timeout), "5s"},
	{"request_timeout", ON_SERVER, OPTION_DURATION, 0, 1, HOUR_MS, NULL, AT(request_timeout), "60s"},
	{"max_attempts", ON_SERVER, OPTION_INTEGER, 0, 1, 20, NULL, AT(max_attempts), "5"},
	{"max_concurrency", ON_SERVER, OPTION_INTEGER, 0, 1, 64, NULL, AT(max_concurrency), "16"},
	{"max_response_size", ON_SERVER, OPTION_SIZE, 0, 1, GIGABYTE, NULL, AT(max_response_size), "64MB"},
	{"cache_ttl", ON_SERVER, OPTION_DURATION, 0, 0, INT_MAX, NULL, AT(cache_ttl), "0"},
	{"cache_size", ON_SERVER, OPTION_SIZE, 0, 0, INT_MAX, NULL, AT(cache_size), "64MB"},
	{"on_error", ON_SERVER, OPTION_STRING, 0, 0, 0, option_check_on_error, AT(on_error), "error"},
	{"credential_provider", ON_SERVER, OPTION_STRING, SUPERUSER, 0, 0, fetch_provider_problem, AT(credential_provider), "static"},
	{"credential_provider", ON_MAPPING, OPTION_STRING, SUPERUSER, 0, 0, fetch_provider_problem, AT(credential_provider), NULL},
	{"access_key_id", ON_MAPPING, OPTION_STRING, SECRET, 0, 0, option_check_token, AT(credentials.access_key_id), NULL},
	{"secret_access_key", ON_MAPPING, OPTION_STRING, SECRET, 0, 0, option_check_token, AT(credentials.secret_access_key), NULL},
	{"session_token", ON_MAPPING, OPTION_STRING, SECRET, 0, 0, option_check_token, AT(credentials.session_token), NULL},
	{"profile", ON_MAPPING, OPTION_STRING, SUPERUSER, 0, 0, option_check_text, AT(profile), NULL},
	{"role_arn", ON_MAPPING, OPTION_STRING, 0, 0, 0, option_check_role, AT(role_arn), NULL},
	{"external_id", ON_MAPPING, OPTION_STRING, SECRET, 0, 0, option_check_external_id, AT(external_id), NULL},
	{"role_session_name", ON_MAPPING, OPTION_STRING, 0, 0, 0, option_check_session_name, AT(role_session_name), NULL},
	{"role_duration", ON_MAPPING, OPTION_DURATION, 0, 900 * 1000, 43200 * 1000, NULL, AT(role_duration), NULL},
	{"table_name", ON_TABLE, OPTION_STRING, 0, 0, 0, option_check_table, -1, NULL},
	{"rows", ON_TABLE, OPTION_STRING, 0, 0, 0, option_check_rows, -1, NULL},
	{"column_name", ON_COLUMN, OPTION_STRING, 0, 0, 0, option_check_text, -1, NULL},
	{"path", ON_COLUMN, OPTION_STRING, 0, 0, 0, option_check_path, -1, NULL},
};

/* Pairs of options that cannot be set together on one object. */
static const char *const conflicts[][2] = {
	{"endpoint_url", "use_fips_endpoint"},
	{"endpoint_url", "use_dualstack_endpoint"},
	{"column_name", "path"},
};

COMPAT_FUNCTION_INFO_V1(imagebuilder_fdw_validator);

static const Option *
find_option(const char *name, Oid catalog)
{
	for (size_t i = 0; i < lengthof(options); i++)
	{
		if (options[i].catalog == catalog && strcmp(options[i].name, name) == 0)
			return &options[i];
	}
	return NULL;
}

/* Return a sentence, with a blank, about where an option belongs; "" if nowhere. */
static const char *
place_of_option(const char *name)
{
	for (size_t i = 0; i < lengthof(options); i++)
	{
		if (strcmp(options[i].name, name) == 0)
			return options[i].catalog == ON_SERVER ? "It is an option of servers. " :
				options[i].catalog == ON_MAPPING ? "It is an option of user mappings. " :
				options[i].catalog == ON_TABLE ? "It is an option of foreign tables. " :
				"It is an option of columns. ";
	}
	return "";
}

static void
reject_name(const char *name, Oid catalog)
{
	StringInfoData valid;

	initStringInfo(&valid);
	for (size_t i = 0; i < lengthof(options); i++)
	{
		if (options[i].catalog == catalog)
			appendStringInfo(&valid, "%s%s", valid.len > 0 ? ", " : "", options[i].name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("invalid option \"%s\"", name),
			 valid.len > 0 ?
			 errhint("%sValid options in this context are: %s.", place_of_option(name), valid.data) :
			 errhint("There are no valid options in this context.")));
}

static void
reject_value(const Option *option, const char *value, const char *why, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 option->flags & SECRET ?
			 errmsg("invalid value for option \"%s\": %s", option->name, why) :
			 errmsg("invalid value \"%s\" for option \"%s\": %s",
					value, option->name, why),
			 hint ? errhint("%s", _(hint)) : 0));
}

/*
 * Return a number in its option's unit: ms, bytes or one.  Raise 22023 if the value is
 * not a number, or not within the option's range.
 */
static int
parse_number(const Option *option, const char *value)
{
	int			flags = option->type == OPTION_DURATION ? GUC_UNIT_MS :
		option->type == OPTION_SIZE ? GUC_UNIT_BYTE : 0;
	const char *unit = option->type == OPTION_DURATION ? " ms" :
		option->type == OPTION_SIZE ? " bytes" : "";
	const char *hint = NULL;
	int			number = 0;
	bool		parsed = parse_int(value, &number, flags, &hint);
	bool		too_large = !parsed && hint && strstr(hint, "range");

	if (!parsed && !too_large)
		reject_value(option, value,
					 option->type == OPTION_DURATION ?
					 "it must be a duration, such as \"500ms\", \"5s\" or \"1min\"" :
					 option->type == OPTION_SIZE ?
					 "it must be a size, such as \"512kB\" or \"64MB\"" :
					 "it must be an integer", hint);
	if (too_large || number < option->min || number > option->max)
		reject_value(option, value, psprintf("it must be from %d to %d%s",
											 option->min, option->max, unit), NULL);
	return number;
}

/*
 * Raise 22023 for a duration or a size without a unit, unless it is 0: a reader could
 * take it for another unit, as postgres_fdw's connect_timeout is in seconds and
 * PostgreSQL's own settings are in ms.  Only the validator checks this: a stored value
 * of an older version is read as ms or bytes.
 */
static void
check_unit(const Option *option, const char *value)
{
	char	   *number = pstrdup(value + strspn(value, " \t\n\r"));
	char	   *end;
	bool		positive = strtod(number, &end) > 0;

	if (!positive || end[strspn(end, " \t\n\r")] != '\0')
		return;
	*end = '\0';
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value \"%s\" for option \"%s\": it has no unit", value, option->name),
			 option->type == OPTION_DURATION ?
			 errhint("Write \"%1$ss\" for seconds, or \"%1$sms\" or \"%1$smin\".", number) :
			 errhint("Write \"%1$sMB\" for megabytes, or \"%1$skB\" or \"%1$sB\".", number)));
}

static bool
parse_boolean(const Option *option, const char *value)
{
	bool		result;

	if (!parse_bool(value, &result))
		reject_value(option, value, "the valid values are \"true\" and \"false\"", NULL);
	return result;
}

static void
check_value(const Option *option, const char *value)
{
	const char *why;

	switch (option->type)
	{
		case OPTION_STRING:
			why = option->check(value);
			if (why)
				reject_value(option, value, why, NULL);
			break;
		case OPTION_BOOLEAN:
			parse_boolean(option, value);
			break;
		default:
			if (option->type != OPTION_INTEGER)
				check_unit(option, value);
			parse_number(option, value);
			break;
	}
}

static void
check_option(DefElem *def, Oid catalog)
{
	const Option *option = find_option(def->defname, catalog);
	const char *value = defGetString(def);

	if (option == NULL)
		reject_name(def->defname, catalog);
	if ((option->flags & SUPERUSER) && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to set option \"%s\"", option->name),
				 errhint("Only a superuser may set it, for it reaches the server's host, its network or its identity.")));
	check_value(option, value);
}

static bool
has_keys(List *list)
{
	return option_get(list, "access_key_id") || option_get(list, "secret_access_key") ||
		option_get(list, "session_token");
}

static void
check_conflicts(List *list, Oid catalog)
{
	for (size_t i = 0; i < lengthof(conflicts); i++)
	{
		const char *first = option_get(list, conflicts[i][0]);
		const char *second = option_get(list, conflicts[i][1]);
		bool		on;

		/* A boolean option that is off conflicts with no other. */
		if (first && second &&
			(find_option(conflicts[i][1], catalog)->type != OPTION_BOOLEAN ||
			 (parse_bool(second, &on) && on)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("options \"%s\" and \"%s\" cannot be set together",
							conflicts[i][0], conflicts[i][1])));
	}
}

/*
 * Raise 22023 for keys beside a credential provider other than "static"; only warn of
 * one key without the other, which a later ALTER USER MAPPING may add.
 */
static void
check_keys(List *list)
{
	const char *provider = option_get(list, "credential_provider");
	bool		id = option_get(list, "access_key_id") != NULL;
	bool		secret = option_get(list, "secret_access_key") != NULL;

	if (provider && strcmp(provider, "static") != 0 && has_keys(list))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("keys and \"credential_provider\" \"%s\" cannot be set together", provider),
				 errhint("Drop \"access_key_id\", \"secret_access_key\" and \"session_token\", or \"credential_provider\".")));
	if (id != secret)
		ereport(WARNING,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the user mapping has \"%s\", but no \"%s\"",
						id ? "access_key_id" : "secret_access_key",
						id ? "secret_access_key" : "access_key_id"),
				 errhint("Set both with CREATE USER MAPPING or ALTER USER MAPPING.")));
}

/*
 * Validate the options of one object, as the wrapper's validator.  Raises HV00D for an
 * option that is unknown or in the wrong place, 22023 for a value of the wrong type or
 * out of range and for options that cannot be set together, 42501 for an option that
 * only a superuser may set.
 */
Datum
imagebuilder_fdw_validator(PG_FUNCTION_ARGS)
{
	List	   *list = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid			catalog = PG_GETARG_OID(1);
	ListCell   *lc;

	foreach(lc, list)
		check_option(lfirst(lc), catalog);
	check_conflicts(list, catalog);
	check_keys(list);
	PG_RETURN_VOID();
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

static void
apply_option(ClientConfig *config, const Option *option, const char *value)
{
	void	   *target = (char *) config + option->target;

	switch (option->type)
	{
		case OPTION_STRING:
			*(char **) target = pstrdup(value);
			break;
		case OPTION_BOOLEAN:
			*(bool *) target = parse_boolean(option, value);
			break;
		default:
			*(int *) target = parse_number(option, value);
			break;
	}
}

static void
apply_options(ClientConfig *config, List *list, Oid catalog)
{
	ListCell   *lc;

	foreach(lc, list)
	{
		DefElem    *def = lfirst(lc);
		const Option *option = find_option(def->defname, catalog);

		if (option && option->target >= 0)
			apply_option(config, option, defGetString(def));
	}
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
 * Choose the credential provider: what the user mapping says or implies goes before the
 * server's option.  Raises 42501 if a user who is no superuser would get the host's AWS
 * identity by the server's option: only a superuser can lend that identity, to each
 * user by name, in the user mapping.  Raises 42501, too, for a role to be assumed with
 * that identity unless the server's owner is a superuser: the owner can make user
 * mappings for everybody, so may have named the role.
 */
static void
choose_provider(ClientConfig *config, const ForeignServer *server, List *mapping, Oid userid)
{
	if (option_get(mapping, "credential_provider"))
		return;
	if (has_keys(mapping) || config->profile)
		config->credential_provider = pstrdup(has_keys(mapping) ? "static" : "profile");
	else if (strcmp(config->credential_provider, "static") == 0)
		return;
	else if (!superuser_arg(userid))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to use the AWS identity of the server's host"),
				 errdetail("User \"%s\" is not a superuser, and the user mapping has neither keys nor the option \"credential_provider\".",
						   GetUserNameFromId(userid, false)),
				 errhint("Put keys into the user mapping, or have a superuser set its option \"credential_provider\".")));
	else if (config->role_arn && !superuser_arg(server->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to assume a role with the AWS identity of the server's host"),
				 errdetail("The owner of server \"%s\", who may have set \"role_arn\", is not a superuser.",
						   server->servername),
				 errhint("Have a superuser set the user mapping's option \"credential_provider\".")));
}

/*
 * Fill a ClientConfig with the options' defaults, a server's options, and then those of
 * the user's own or the public user mapping, if one exists; the look-up raises the
 * error for missing keys.  Strings are allocated in the current memory context.  Raises
 * 42501 if the user would use the host's AWS identity and may not.
 */
void
option_read_config(ClientConfig *config, Oid serverid, Oid userid)
{
	List	   *mapping = mapping_options(serverid, userid);
	const ForeignServer *server = GetForeignServer(serverid);

	for (size_t i = 0; i < lengthof(options); i++)
	{
		if (options[i].target >= 0 && options[i].default_value)
			apply_option(config, &options[i], options[i].default_value);
	}
	apply_options(config, server->options, ON_SERVER);
	apply_options(config, mapping, ON_MAPPING);
	choose_provider(config, server, mapping, userid);
}
