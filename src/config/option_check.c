/* option_check.c: what the values of options may be. */
#include "postgres.h"

#include "api/operation.h"
#include "api/schema.h"
#include "aws/arn.h"
#include "aws/base.h"
#include "config/config.h"
#include "config/option_check.h"
#include "rows/path.h"

const char *
option_check_region(const char *value)
{
	return arn_region_is_valid(value) ? NULL : "a Region consists of letters, digits and hyphens";
}

const char *
option_check_file(const char *value)
{
	return is_absolute_path(value) ? NULL : "it must be an absolute path";
}

/* Check a key or token: a control character could end the HTTP header that holds it. */
const char *
option_check_token(const char *value)
{
	if (!is_visible_ascii(value))
		return "it must consist of visible ASCII characters";
	return *value ? NULL : "it must not be empty";
}

const char *
option_check_text(const char *value)
{
	return *value ? NULL : "it must not be empty";
}

/* True if a text has "min" to "max" ASCII letters, digits and bytes of "others". */
static bool
consists_of(const char *text, size_t min, size_t max, const char *others)
{
	size_t		length = strlen(text);

	for (const char *p = text; *p; p++)
	{
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			  (*p >= '0' && *p <= '9') || strchr(others, *p)))
			return false;
	}
	return length >= min && length <= max;
}

/*
 * Check a role's ARN, arn:PARTITION:iam::ACCOUNT:role/NAME, where CONFIG_ACCOUNT may
 * stand for the account.
 */
const char *
option_check_role(const char *value)
{
	static const char *const problem =
		"it must be a role's ARN, arn:PARTITION:iam::ACCOUNT:role/NAME, where " CONFIG_ACCOUNT " stands for the image's account";
	const char *account = strncmp(value, "arn:", 4) == 0 ? strstr(value + 4, ":iam::") : NULL;
	const char *name = account ? strstr(account, ":role/") : NULL;
	size_t		length = name ? name - account - strlen(":iam::") : 0;

	if (name == NULL || !consists_of(value, 1, 2048, ":/_+=,.@-{}") || name[6] == '\0')
		return problem;
	account += strlen(":iam::");
	if ((length == strlen(CONFIG_ACCOUNT) && strncmp(account, CONFIG_ACCOUNT, length) == 0) ||
		(length == 12 && strspn(account, "0123456789") == 12))
		return NULL;
	return problem;
}

/* Check an external ID by the pattern of ExternalId in STS's AssumeRole. */
const char *
option_check_external_id(const char *value)
{
	return consists_of(value, 2, 1224, "_+=,.@:/-") ? NULL :
		"it must be 2 to 1224 letters, digits and characters of _+=,.@:/-";
}

/* Check a session name by the pattern of RoleSessionName in STS's AssumeRole. */
const char *
option_check_session_name(const char *value)
{
	return consists_of(value, 2, 64, "_+=,.@-") ? NULL :
		"it must be 2 to 64 letters, digits and characters of _+=,.@-";
}

const char *
option_check_table(const char *value)
{
	return schema_find_table(value) ? NULL : "imagebuilder_fdw_columns() lists the tables";
}

const char *
option_check_rows(const char *value)
{
	const char *error = NULL;

	row_path_parse(value, &error);
	return error;
}

const char *
option_check_path(const char *value)
{
	const char *error = NULL;
	const ColumnPath *path = column_path_parse(value, &error);

	if (path && path->kind == PATH_PARAMETER && !operation_is_parameter_path(value))
		return "the special paths are \"@key\", \"@source\", \"@response\", \"@region\", \"@account\" and the key's, such as \"@arn\"";
	return error;
}
