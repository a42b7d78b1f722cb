/*-------------------------------------------------------------------------
 *
 * option.c
 *		Options of servers, user mappings, foreign tables and columns.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/option.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "access/reloptions.h"
#include "aws/arn.h"
#include "aws/endpoint.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "fdw/option.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "rows/path.h"
#include "rows/schema.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/syscache.h"

/* Where an option may stand. */
#define ON_SERVER	(1 << 0)
#define ON_MAPPING	(1 << 1)
#define ON_TABLE	(1 << 2)
#define ON_COLUMN	(1 << 3)

/* What else there is to know of it. */
#define SUPERUSER	(1 << 0)	/* only a superuser may set it */
#define SECRET		(1 << 1)	/* its value may hold one, and is not shown */

typedef enum OptionType
{
	OPTION_STRING,
	OPTION_BOOLEAN,
	OPTION_INTEGER,
	OPTION_DURATION,			/* ms, or with one of PostgreSQL's units */
	OPTION_SIZE,				/* bytes, likewise */
} OptionType;

/* Says what is wrong with a value, a clause without a full stop; or NULL. */
typedef const char *(*OptionCheck) (const char *value);

typedef struct Option
{
	const char *name;
	int			places;
	OptionType	type;
	int			flags;
	int			least;			/* of numbers */
	int			most;
	OptionCheck check;			/* of strings */
	int			target;			/* offset in ClientConfig; -1: read elsewhere */
	const char *initial;		/* NULL: none */
	const char *only;			/* the one value whose machinery is there yet;
								 * NULL: all are */
} Option;

static const char *check_region(const char *value);
static const char *check_url(const char *value);
static const char *check_file(const char *value);
static const char *check_token(const char *value);
static const char *check_on_error(const char *value);
static const char *check_provider(const char *value);
static const char *check_text(const char *value);
static const char *check_table(const char *value);
static const char *check_rows(const char *value);
static const char *check_path(const char *value);

#define AT(member)	((int) offsetof(ClientConfig, member))
#define HOUR_MS		(60 * 60 * 1000)
#define GIGABYTE	(1024 * 1024 * 1024)
#define NOT_YET		""			/* no value is supported yet */

static const Option options[] = {
	{"region", ON_SERVER, OPTION_STRING, 0, 0, 0, check_region, AT(region), NULL, NULL},
	{"endpoint_url", ON_SERVER, OPTION_STRING, SUPERUSER | SECRET, 0, 0, check_url, AT(endpoint_url), NULL, NULL},
	{"sts_endpoint_url", ON_SERVER, OPTION_STRING, SUPERUSER | SECRET, 0, 0, check_url, -1, NULL, NOT_YET},
	{"use_fips_endpoint", ON_SERVER, OPTION_BOOLEAN, 0, 0, 0, NULL, AT(use_fips_endpoint), "false", NULL},
	{"use_dualstack_endpoint", ON_SERVER, OPTION_BOOLEAN, 0, 0, 0, NULL, AT(use_dualstack_endpoint), "false", NULL},
	{"ca_bundle", ON_SERVER, OPTION_STRING, SUPERUSER, 0, 0, check_file, AT(ca_bundle), NULL, NULL},
	{"proxy", ON_SERVER, OPTION_STRING, SUPERUSER | SECRET, 0, 0, check_text, -1, NULL, NOT_YET},
	{"connect_timeout", ON_SERVER, OPTION_DURATION, 0, 1, HOUR_MS, NULL, AT(connect_timeout), "5s", NULL},
	{"request_timeout", ON_SERVER, OPTION_DURATION, 0, 1, HOUR_MS, NULL, AT(request_timeout), "60s", NULL},
	{"max_attempts", ON_SERVER, OPTION_INTEGER, 0, 1, 20, NULL, AT(max_attempts), "5", NULL},
	{"max_concurrency", ON_SERVER, OPTION_INTEGER, 0, 1, 64, NULL, AT(max_concurrency), "16", NULL},
	{"max_response_size", ON_SERVER, OPTION_SIZE, 0, 1, GIGABYTE, NULL, AT(max_response_size), "64MB", NULL},
	{"cache_ttl", ON_SERVER, OPTION_DURATION, 0, 0, INT_MAX, NULL, AT(cache_ttl), "0", NULL},
	{"cache_size", ON_SERVER, OPTION_SIZE, 0, 0, INT_MAX, NULL, AT(cache_size), "64MB", NULL},
	{"on_error", ON_SERVER, OPTION_STRING, 0, 0, 0, check_on_error, AT(on_error), "error", NULL},
	{"credential_provider", ON_SERVER | ON_MAPPING, OPTION_STRING, SUPERUSER, 0, 0, check_provider, -1, NULL, "static"},
	{"access_key_id", ON_MAPPING, OPTION_STRING, SECRET, 0, 0, check_token, AT(credentials.access_key_id), NULL, NULL},
	{"secret_access_key", ON_MAPPING, OPTION_STRING, SECRET, 0, 0, check_token, AT(credentials.secret_access_key), NULL, NULL},
	{"session_token", ON_MAPPING, OPTION_STRING, SECRET, 0, 0, check_token, AT(credentials.session_token), NULL, NULL},
	{"profile", ON_MAPPING, OPTION_STRING, SUPERUSER, 0, 0, check_text, -1, NULL, NOT_YET},
	{"role_arn", ON_MAPPING, OPTION_STRING, 0, 0, 0, check_text, -1, NULL, NOT_YET},
	{"external_id", ON_MAPPING, OPTION_STRING, 0, 0, 0, check_text, -1, NULL, NOT_YET},
	{"role_session_name", ON_MAPPING, OPTION_STRING, 0, 0, 0, check_text, -1, NULL, NOT_YET},
	{"role_duration", ON_MAPPING, OPTION_DURATION, 0, 900 * 1000, 43200 * 1000, NULL, -1, NULL, NOT_YET},
	{"table_name", ON_TABLE, OPTION_STRING, 0, 0, 0, check_table, -1, NULL, NULL},
	{"rows", ON_TABLE, OPTION_STRING, 0, 0, 0, check_rows, -1, NULL, NULL},
	{"column_name", ON_COLUMN, OPTION_STRING, 0, 0, 0, check_text, -1, NULL, NULL},
	{"path", ON_COLUMN, OPTION_STRING, 0, 0, 0, check_path, -1, NULL, NULL},
};

/* Options that cannot stand together on one object. */
static const char *const conflicts[][2] = {
	{"endpoint_url", "use_fips_endpoint"},
	{"endpoint_url", "use_dualstack_endpoint"},
	{"column_name", "path"},
};

PG_FUNCTION_INFO_V1(imagebuilder_fdw_validator);

static const char *
check_region(const char *value)
{
	return region_is_valid(value) ? NULL : "a Region consists of letters, digits and hyphens";
}

static const char *
check_url(const char *value)
{
	Endpoint	endpoint;
	const char *error = NULL;

	endpoint_parse_url(&endpoint, value, &error);
	return error;
}

static const char *
check_file(const char *value)
{
	return is_absolute_path(value) ? NULL : "it must be an absolute path";
}

/* Keys and tokens go into headers: nothing may end a line there. */
static const char *
check_token(const char *value)
{
	for (const char *p = value; *p; p++)
	{
		if (*p <= ' ' || *p >= 0x7f)
			return "it must consist of visible ASCII characters";
	}
	return *value ? NULL : "it must not be empty";
}

static const char *
check_text(const char *value)
{
	return *value ? NULL : "it must not be empty";
}

static const char *
check_on_error(const char *value)
{
	return strcmp(value, "error") == 0 || strcmp(value, "warning") == 0 ? NULL :
		"the valid values are \"error\" and \"warning\"";
}

static const char *
check_provider(const char *value)
{
	static const char *const providers[] = {
		"static", "default", "environment", "profile", "web_identity", "container", "instance"
	};

	for (size_t i = 0; i < lengthof(providers); i++)
	{
		if (strcmp(value, providers[i]) == 0)
			return NULL;
	}
	return "the valid values are \"static\", \"default\", \"environment\", \"profile\", \"web_identity\", \"container\" and \"instance\"";
}

static const char *
check_table(const char *value)
{
	StringInfoData names;

	if (schema_find_table(value))
		return NULL;
	initStringInfo(&names);
	for (int i = 0; i < schema_ntables; i++)
		appendStringInfo(&names, "%s\"%s\"", i > 0 ? ", " : "", schema_tables[i].name);
	return psprintf("the tables are %s", names.data);
}

static const char *
check_rows(const char *value)
{
	const char *error = NULL;

	row_path_parse(value, &error);
	return error;
}

static const char *
check_path(const char *value)
{
	const char *error = NULL;

	column_path_parse(value, &error);
	return error;
}

static int
place_of(Oid catalog)
{
	switch (catalog)
	{
		case ForeignServerRelationId:
			return ON_SERVER;
		case UserMappingRelationId:
			return ON_MAPPING;
		case ForeignTableRelationId:
			return ON_TABLE;
		case AttributeRelationId:
			return ON_COLUMN;
		default:
			return 0;
	}
}

static const Option *
find_option(const char *name)
{
	for (size_t i = 0; i < lengthof(options); i++)
	{
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	}
	return NULL;
}

static void
reject_name(const char *name, int place)
{
	StringInfoData valid;

	initStringInfo(&valid);
	for (size_t i = 0; i < lengthof(options); i++)
	{
		if (options[i].places & place)
			appendStringInfo(&valid, "%s%s", valid.len > 0 ? ", " : "", options[i].name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("invalid option \"%s\"", name),
			 valid.len > 0 ?
			 errhint("Valid options in this context are: %s.", valid.data) :
			 errhint("There are no valid options in this context.")));
}

static void
reject_value(const Option *option, const char *value, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 option->flags & SECRET ?
			 errmsg("invalid value for option \"%s\": %s", option->name, why) :
			 errmsg("invalid value \"%s\" for option \"%s\": %s",
					value, option->name, why)));
}

/* In the option's own unit; raises 22023 if it is not such a number. */
static int
parse_number(const Option *option, const char *value)
{
	int			flags = option->type == OPTION_DURATION ? GUC_UNIT_MS :
		option->type == OPTION_SIZE ? GUC_UNIT_BYTE : 0;
	const char *unit = option->type == OPTION_DURATION ? " ms" :
		option->type == OPTION_SIZE ? " bytes" : "";
	const char *hint = NULL;
	int			number;

	if (!parse_int(value, &number, flags, &hint))
		reject_value(option, value, hint ? hint :
					 option->type == OPTION_DURATION ?
					 "it must be a duration, such as \"500ms\", \"5s\" or \"1min\"" :
					 option->type == OPTION_SIZE ?
					 "it must be a size, such as \"512kB\" or \"64MB\"" :
					 "it must be an integer");
	if (number < option->least || number > option->most)
		reject_value(option, value, psprintf("it must be from %d to %d%s",
											 option->least, option->most, unit));
	return number;
}

static bool
parse_boolean(const Option *option, const char *value)
{
	bool		result;

	if (!parse_bool(value, &result))
		reject_value(option, value, "the valid values are \"true\" and \"false\"");
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
				reject_value(option, value, why);
			break;
		case OPTION_BOOLEAN:
			parse_boolean(option, value);
			break;
		default:
			parse_number(option, value);
			break;
	}
}

static void
check_supported(const Option *option, const char *value)
{
	bool		supported = option->only == NULL;

	if (option->only && *option->only)
		supported = option->type == OPTION_STRING ?
			strcmp(value, option->only) == 0 :
			parse_number(option, value) == parse_number(option, option->only);
	if (supported)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 *option->only ?
			 errmsg("option \"%s\" is not supported yet with a value other than \"%s\"",
					option->name, option->only) :
			 errmsg("option \"%s\" is not supported yet", option->name)));
}

static void
check_option(DefElem *def, int place)
{
	const Option *option = find_option(def->defname);
	const char *value = defGetString(def);

	if (option == NULL || !(option->places & place))
		reject_name(def->defname, place);
	if ((option->flags & SUPERUSER) && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to set option \"%s\"", option->name),
				 errhint("Only a superuser may set it, for it reaches the server's host, its network or its identity.")));
	check_value(option, value);
	check_supported(option, value);
}

static void
check_conflicts(List *list)
{
	for (size_t i = 0; i < lengthof(conflicts); i++)
	{
		const char *first = option_get(list, conflicts[i][0]);
		const char *second = option_get(list, conflicts[i][1]);
		bool		on;

		/* To switch something off conflicts with nothing. */
		if (first && second &&
			(find_option(conflicts[i][1])->type != OPTION_BOOLEAN ||
			 (parse_bool(second, &on) && on)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("options \"%s\" and \"%s\" cannot be set together",
							conflicts[i][0], conflicts[i][1])));
	}
}

/*
 * The wrapper's validator: raises HV00D for an option that is unknown or in
 * the wrong place, 22023 for a value of the wrong type or out of range, 42501
 * for what only a superuser may set, 0A000 for what is not supported yet.
 */
Datum
imagebuilder_fdw_validator(PG_FUNCTION_ARGS)
{
	List	   *list = untransformRelOptions(PG_GETARG_DATUM(0));
	int			place = place_of(PG_GETARG_OID(1));
	ListCell   *lc;

	foreach(lc, list)
		check_option(lfirst(lc), place);
	check_conflicts(list);
	PG_RETURN_VOID();
}

/* The value of an option in a list of DefElem; NULL if it is not there. */
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
apply_options(ClientConfig *config, List *list)
{
	ListCell   *lc;

	foreach(lc, list)
	{
		DefElem    *def = lfirst(lc);
		const Option *option = find_option(def->defname);

		if (option && option->target >= 0)
			apply_option(config, option, defGetString(def));
	}
}

/*
 * A server's options, then those of the user's mapping or the public one, if
 * there is any: that there are keys is the look-up's concern.  Strings are
 * allocated in the current memory context.
 */
void
option_read_config(ClientConfig *config, Oid serverid, Oid userid)
{
	for (size_t i = 0; i < lengthof(options); i++)
	{
		if (options[i].target >= 0 && options[i].initial)
			apply_option(config, &options[i], options[i].initial);
	}
	apply_options(config, GetForeignServer(serverid)->options);
	if (SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(userid),
							  ObjectIdGetDatum(serverid)) ||
		SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid),
							  ObjectIdGetDatum(serverid)))
		apply_options(config, GetUserMapping(userid, serverid)->options);
}
