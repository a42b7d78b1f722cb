/* option.c: options of servers, user mappings, foreign tables and columns. */
#include "postgres.h"

#include <limits.h>

#include "access/reloptions.h"
#include "aws/arn.h"
#include "aws/base.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "compat.h"
#include "config/config.h"
#include "miscadmin.h"
#include "rows/rows.h"
#include "secret.h"
#include "utils/builtins.h"
#include "utils/guc.h"

/* Catalogs of the objects that an option may be set on. */
#define ON_SERVER	ForeignServerRelationId
#define ON_MAPPING	UserMappingRelationId
#define ON_TABLE	ForeignTableRelationId
#define ON_COLUMN	AttributeRelationId

/* Flags of an option. */
#define SUPERUSER	(1 << 0)	/* only a superuser may set it */
#define SECRET		(1 << 1)	/* its value may hold a secret, and is not shown */

/* Check of a string: returns what is wrong with the value, as a clause, or NULL. */
typedef const char *(*OptionCheck) (const char *value);

typedef enum OptionType
{
	OPTION_STRING,
	OPTION_URL,					/* read as an Endpoint */
	OPTION_WORD,				/* one of a list; read as its index */
	OPTION_BOOLEAN,
	OPTION_INTEGER,
	OPTION_DURATION,			/* a number with a unit of time; read as ms */
	OPTION_SIZE,				/* a number with a unit of memory; read as bytes */
} OptionType;

typedef struct Option
{
	const char *name;
	Oid			catalog;
	int			flags;
	int			target;			/* offset in ClientConfig; -1: read elsewhere */
	OptionType	type;
	int			min;			/* range of a number, a duration in ms or a size in
								 * bytes */
	int			max;
	OptionCheck check;			/* check of a string */
	const char *const *words;	/* valid words; ends with a NULL */
	const char *default_value;	/* NULL: no default */
} Option;

/* Checks of strings. */

static const char *
check_region(const char *value)
{
	return arn_region_is_valid(value) ? NULL : "a Region consists of letters, digits and hyphens";
}

static const char *
check_file(const char *value)
{
	return is_absolute_path(value) ? NULL : "it must be an absolute path";
}

/* Check a key or token: a control character could end the HTTP header that holds it. */
static const char *
check_token(const char *value)
{
	if (!is_visible_ascii(value))
		return "it must consist of visible ASCII characters";
	return *value ? NULL : "it must not be empty";
}

static const char *
check_text(const char *value)
{
	return *value ? NULL : "it must not be empty";
}

/* True if a text has "min" to "max" bytes, all of them among "characters". */
static bool
consists_of(const char *text, size_t min, size_t max, const char *characters)
{
	size_t		length = strlen(text);

	return length >= min && length <= max && strspn(text, characters) == length;
}

/*
 * Check a role's ARN, arn:PARTITION:iam::ACCOUNT:role/NAME, where CONFIG_ACCOUNT may
 * stand for the account.
 */
static const char *
check_role(const char *value)
{
	char		account[ARN_ACCOUNT_SIZE];
	char		name;

	if (sscanf(value, "arn:%*[^:]:iam::%12[^:]:role/%c", account, &name) == 2 &&
		(strcmp(account, CONFIG_ACCOUNT) == 0 || arn_account_is_valid(account)) &&
		consists_of(value, 1, 2048, ASCII_ALPHANUMERIC ":/_+=,.@-{}"))
		return NULL;
	return "it must be a role's ARN, arn:PARTITION:iam::ACCOUNT:role/NAME, where " CONFIG_ACCOUNT " stands for the image's account";
}

/* Check an external ID by the pattern of ExternalId in STS's AssumeRole. */
static const char *
check_external_id(const char *value)
{
	return consists_of(value, 2, 1224, ASCII_ALPHANUMERIC "_+=,.@:/-") ? NULL :
		"it must be 2 to 1224 letters, digits and characters of _+=,.@:/-";
}

/* Check a session name by the pattern of RoleSessionName in STS's AssumeRole. */
static const char *
check_session_name(const char *value)
{
	return consists_of(value, 2, 64, ASCII_ALPHANUMERIC "_+=,.@-") ? NULL :
		"it must be 2 to 64 letters, digits and characters of _+=,.@-";
}

static const char *
check_table(const char *value)
{
	return schema_find_table(value) ? NULL : "imagebuilder_fdw_columns() lists the tables";
}

static const char *
check_operation(const char *value)
{
	return operation_find(value, true) ? NULL : "EXPLAIN names the operation of a table";
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
	const ColumnPath *path = column_path_parse(value, &error);

	if (path && path->kind == PATH_PARAMETER && !operation_is_parameter_path(value))
		return "the special paths are \"@key\", \"@source\", \"@response\", \"@region\", \"@account\" and the key's, such as \"@arn\"";
	return error;
}

/* In the order of OnError and CredentialProvider. */
static const char *const on_error_words[] = {"error", "warning", NULL};
static const char *const provider_words[] = {"static", "default", "environment", "profile",
"web_identity", "container", "instance", NULL};

#define AT(member)	((int) offsetof(ClientConfig, member))
#define STRING(check)			OPTION_STRING, 0, 0, check, NULL
#define WORD(words)				OPTION_WORD, 0, 0, NULL, words
#define PLAIN(type)				OPTION_##type, 0, 0, NULL, NULL
#define NUMBER(type, min, max)	OPTION_##type, min, max, NULL, NULL
#define HOUR_MS		(60 * 60 * 1000)
#define GIGABYTE	(1024 * 1024 * 1024)

static const Option options[] = {
	{"region", ON_SERVER, 0, AT(region), STRING(check_region), NULL},
	{"endpoint_url", ON_SERVER, SUPERUSER | SECRET, AT(endpoint), PLAIN(URL), NULL},
	{"sts_endpoint_url", ON_SERVER, SUPERUSER | SECRET, AT(sts_endpoint), PLAIN(URL), NULL},
	{"use_fips_endpoint", ON_SERVER, 0, AT(use_fips_endpoint), PLAIN(BOOLEAN), "false"},
	{"use_dualstack_endpoint", ON_SERVER, 0, AT(use_dualstack_endpoint), PLAIN(BOOLEAN), "false"},
	{"ca_bundle", ON_SERVER, SUPERUSER, AT(ca_bundle), STRING(check_file), NULL},
	{"proxy", ON_SERVER, SUPERUSER | SECRET, AT(proxy), STRING(endpoint_proxy_problem), NULL},
	{"connect_timeout", ON_SERVER, 0, AT(connect_timeout), NUMBER(DURATION, 1, HOUR_MS), "5s"},
	{"request_timeout", ON_SERVER, 0, AT(request_timeout), NUMBER(DURATION, 1, HOUR_MS), "60s"},
	{"max_attempts", ON_SERVER, 0, AT(max_attempts), NUMBER(INTEGER, 1, 20), "5"},
	{"max_concurrency", ON_SERVER, 0, AT(max_concurrency), NUMBER(INTEGER, 1, 64), "16"},
	{"max_response_size", ON_SERVER, 0, AT(max_response_size), NUMBER(SIZE, 1, GIGABYTE), "64MB"},
	{"cache_ttl", ON_SERVER, 0, AT(cache_ttl), NUMBER(DURATION, 0, INT_MAX), "0"},
	{"cache_size", ON_SERVER, 0, AT(cache_size), NUMBER(SIZE, 0, INT_MAX), "64MB"},
	{"on_error", ON_SERVER, 0, AT(on_error), WORD(on_error_words), "error"},
	{"credential_provider", ON_SERVER, SUPERUSER, AT(credential_provider), WORD(provider_words), "static"},
	{"credential_provider", ON_MAPPING, SUPERUSER, AT(credential_provider), WORD(provider_words), NULL},
	{"access_key_id", ON_MAPPING, SECRET, AT(credentials.access_key_id), STRING(check_token), NULL},
	{"secret_access_key", ON_MAPPING, SECRET, AT(credentials.secret_access_key), STRING(check_token), NULL},
	{"session_token", ON_MAPPING, SECRET, AT(credentials.session_token), STRING(check_token), NULL},
	{"profile", ON_MAPPING, SUPERUSER, AT(profile), STRING(check_text), NULL},
	{"role_arn", ON_MAPPING, 0, AT(role_arn), STRING(check_role), NULL},
	{"external_id", ON_MAPPING, SECRET, AT(external_id), STRING(check_external_id), NULL},
	{"role_session_name", ON_MAPPING, 0, AT(role_session_name), STRING(check_session_name), NULL},
	{"role_duration", ON_MAPPING, 0, AT(role_duration), NUMBER(DURATION, 900 * 1000, 43200 * 1000), NULL},
	{"table_name", ON_TABLE, 0, -1, STRING(check_table), NULL},
	{"rows", ON_TABLE, 0, -1, STRING(check_rows), NULL},
	{"operation", ON_TABLE, 0, -1, STRING(check_operation), NULL},
	{"column_name", ON_COLUMN, 0, -1, STRING(check_text), NULL},
	{"path", ON_COLUMN, 0, -1, STRING(check_path), NULL},
};

/* Pairs of options that cannot be set together on one object. */
static const char *const conflicts[][2] = {
	{"endpoint_url", "use_fips_endpoint"},
	{"endpoint_url", "use_dualstack_endpoint"},
	{"table_name", "operation"},
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

/* Raise HV00D for an option that the catalog's objects do not have. */
static void
reject_name(const char *name, Oid catalog)
{
	StringInfoData valid;
	const char *place = NULL;	/* a sentence about where the option belongs */

	initStringInfo(&valid);
	for (size_t i = 0; i < lengthof(options); i++)
	{
		if (options[i].catalog == catalog)
			appendStringInfo(&valid, "%s%s", valid.len > 0 ? ", " : "", options[i].name);
		else if (place == NULL && strcmp(options[i].name, name) == 0)
			place = options[i].catalog == ON_SERVER ? "It is an option of servers. " :
				options[i].catalog == ON_MAPPING ? "It is an option of user mappings. " :
				options[i].catalog == ON_TABLE ? "It is an option of foreign tables. " :
				"It is an option of columns. ";
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("invalid option \"%s\"", name),
			 valid.len > 0 ?
			 errhint("%sValid options in this context are: %s.", place ? place : "", valid.data) :
			 errhint("There are no valid options in this context.")));
}

pg_noreturn static void
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
	static const struct
	{
		int			flags;
		const char *unit;
		const char *problem;
	}			kinds[] = {
		[OPTION_INTEGER] = {0, "", "it must be an integer"},
		[OPTION_DURATION] = {GUC_UNIT_MS, " ms",
		"it must be a duration, such as \"500ms\", \"5s\" or \"1min\""},
		[OPTION_SIZE] = {GUC_UNIT_BYTE, " bytes", "it must be a size, such as \"512kB\" or \"64MB\""},
	};
	const char *hint = NULL;
	int			number = 0;
	bool		parsed = parse_int(value, &number, kinds[option->type].flags, &hint);
	bool		too_large = !parsed && hint && strstr(hint, "range");

	if (!parsed && !too_large)
		reject_value(option, value, kinds[option->type].problem, hint);
	if (too_large || number < option->min || number > option->max)
		reject_value(option, value, psprintf("it must be from %d to %d%s", option->min, option->max,
											 kinds[option->type].unit), NULL);
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

/* Return the index of a word in its option's list; raise 22023 if it is not there. */
static int
parse_word(const Option *option, const char *value)
{
	StringInfoData valid;

	for (int i = 0; option->words[i]; i++)
	{
		if (strcmp(option->words[i], value) == 0)
			return i;
	}
	initStringInfo(&valid);
	for (int i = 0; option->words[i]; i++)
		appendStringInfo(&valid, "%s\"%s\"",
						 i == 0 ? "" : option->words[i + 1] ? ", " : " and ", option->words[i]);
	reject_value(option, value, psprintf("the valid values are %s", valid.data), NULL);
}

/* Put an option's value into a configuration; raise 22023 unless it is of the type. */
static void
take_value(ClientConfig *config, const Option *option, const char *value)
{
	void	   *target = (char *) config + option->target;
	const char *why = NULL;

	switch (option->type)
	{
		case OPTION_STRING:
			*(char **) target = option->flags & SECRET ? secret_strdup(value) : pstrdup(value);
			break;
		case OPTION_URL:
			if (!endpoint_parse_url(target, value, &why))
				reject_value(option, value, why, NULL);
			break;
		case OPTION_WORD:
			*(int *) target = parse_word(option, value);
			break;
		case OPTION_BOOLEAN:
			if (!parse_bool(value, target))
				reject_value(option, value, "the valid values are \"true\" and \"false\"", NULL);
			break;
		default:
			*(int *) target = parse_number(option, value);
			break;
	}
}

static void
check_option(DefElem *def, Oid catalog)
{
	const Option *option = find_option(def->defname, catalog);
	const char *value = defGetString(def);
	ClientConfig scratch;
	const char *why;

	if (option == NULL)
		reject_name(def->defname, catalog);
	if ((option->flags & SUPERUSER) && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to set option \"%s\"", option->name),
				 errhint("Only a superuser may set it, for it reaches the server's host, its network or its identity.")));
	if (option->type == OPTION_DURATION || option->type == OPTION_SIZE)
		check_unit(option, value);
	if (option->type != OPTION_STRING)
		take_value(&scratch, option, value);
	else if ((why = option->check(value)) != NULL)
		reject_value(option, value, why, NULL);
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

	if (provider && strcmp(provider, "static") != 0 &&
		(id || secret || option_get(list, "session_token")))
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

/*
 * Put options of a server or a user mapping into a configuration, in the current memory
 * context; a server's come with the defaults of all.
 */
void
option_apply(ClientConfig *config, List *list, Oid catalog)
{
	for (size_t i = 0; i < lengthof(options); i++)
	{
		const Option *option = &options[i];
		const char *value = option_get(list, option->name);

		if (value == NULL)
			value = option->default_value;
		if (option->catalog == catalog && option->target >= 0 && value)
			take_value(config, option, value);
	}
}
