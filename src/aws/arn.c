/* arn.c: Amazon Resource Names of EC2 Image Builder. */
#include "aws/base.h"

#include "aws/arn.h"

#define MAX_SEGMENTS	4

typedef struct ResourceType
{
	const char *name;
	int			leading;		/* segments before the name */
	int			min;			/* range of the number of segments from the name on */
	int			max;
} ResourceType;

/*
 * Number of segments after each resource type, by AWS's service authorization
 * reference for Image Builder.  The segments are name, version and build; a workflow's
 * type (build, test, distribution) comes before its name.
 */
static const ResourceType resource_types[] = {
	{"image", 0, 2, 3},
	{"component", 0, 2, 3},
	{"workflow", 1, 2, 3},
	{"image-recipe", 0, 2, 2},
	{"container-recipe", 0, 2, 2},
	{NULL, 0, 1, 3}				/* any other type, future ones included */
};

/*
 * True if a Region can be a label of a host name (RFC 1123): any other text would send
 * a request to another host.
 */
bool
arn_region_is_valid(const char *region)
{
	size_t		length = strlen(region);

	return length >= 1 && length <= 63 &&
		strspn(region, "abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == length &&
		region[0] != '-' && region[length - 1] != '-';
}

/* Take the text before the separator off *text; NULL if that is empty. */
static char *
take_field(char **text, char separator)
{
	char	   *start = *text;
	char	   *end = strchr(start, separator);

	if (end == NULL || end == start)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return start;
}

static const ResourceType *
find_resource_type(const char *name, size_t length)
{
	const ResourceType *type = resource_types;

	while (type->name && (strlen(type->name) != length || strncmp(type->name, name, length) != 0))
		type++;
	return type;
}

/* Split a resource, "type/name/version/build", in place; false if it has another form. */
static bool
parse_resource(char *resource, Arn *arn)
{
	char	   *segments[MAX_SEGMENTS];
	int			n = 0;
	const ResourceType *type;

	arn->resource_type = take_field(&resource, '/');
	if (arn->resource_type == NULL)
		return false;
	while (n < MAX_SEGMENTS - 1 && (segments[n] = take_field(&resource, '/')) != NULL)
		n++;
	if (*resource == '\0' || strchr(resource, '/') != NULL)
		return false;
	segments[n++] = resource;

	type = find_resource_type(arn->resource_type, strlen(arn->resource_type));
	n -= type->leading;
	if (n < type->min || n > type->max)
		return false;
	arn->name = segments[type->leading];
	arn->version = n > 1 ? segments[type->leading + 1] : NULL;
	arn->build = n > 2 ? segments[type->leading + 2] : NULL;
	return true;
}

/*
 * Take an Image Builder ARN apart; false if the text is not one.
 *
 * The parts are in the text's encoding and allocated in the current memory context.
 * They must be present and hold no white space or control character, and the Region
 * must be a host's label; which names are valid is for the service to decide.
 */
bool
arn_parse(const char *text, Arn *arn)
{
	char	   *rest;
	char	   *prefix;
	char	   *service;

	for (const char *p = text; *p; p++)
	{
		if ((unsigned char) *p <= ' ' || *p == 0x7f)
			return false;
	}
	rest = pstrdup(text);
	if (!(prefix = take_field(&rest, ':')) || strcmp(prefix, "arn") != 0 ||
		!(arn->partition = take_field(&rest, ':')) ||
		!(service = take_field(&rest, ':')) || strcmp(service, "imagebuilder") != 0 ||
		!(arn->region = take_field(&rest, ':')) || !arn_region_is_valid(arn->region) ||
		!(arn->account_id = take_field(&rest, ':')))
		return false;
	return parse_resource(rest, arn);
}

/* Return the first of a kind's alternatives, which blanks separate, in a fresh copy. */
static char *
first_kind(const char *kind)
{
	return pnstrdup(kind, strcspn(kind, " "));
}

/*
 * True if an ARN is of a kind: "TYPE" for a resource type, "TYPE:build" and
 * "TYPE:version" for those with and without a build, "TYPE:any" for both, "*" for any
 * Image Builder ARN, or several of these with blanks between them.
 */
bool
arn_is_of_kind(const Arn *arn, const char *kind)
{
	size_t		length = strcspn(kind, ":");
	const char *which = kind[length] == ':' ? kind + length + 1 : "any";
	const char *others = strchr(kind, ' ');

	if (others)
		return arn_is_of_kind(arn, first_kind(kind)) || arn_is_of_kind(arn, others + 1);
	if (strcmp(kind, "*") == 0)
		return true;
	return strlen(arn->resource_type) == length &&
		strncmp(arn->resource_type, kind, length) == 0 &&
		(strcmp(which, "any") == 0 || (strcmp(which, "build") == 0) == (arn->build != NULL));
}

/*
 * Return what a kind's ARNs stand for, for messages, in a fresh copy: "image", "image
 * build version", "image recipe".
 */
char *
arn_kind_noun(const char *kind)
{
	const char *which = strchr(kind, ':');
	const char *others = strchr(kind, ' ');
	char	   *noun;

	if (others)
		return psprintf("%s or %s", arn_kind_noun(first_kind(kind)), arn_kind_noun(others + 1));
	if (strcmp(kind, "*") == 0)
		return pstrdup("resource");
	noun = psprintf("%.*s%s", (int) strcspn(kind, ":"), kind,
					which == NULL || strcmp(which, ":any") == 0 ? "" :
					strcmp(which, ":build") == 0 ? " build version" : " version");
	for (char *p = noun; (p = strchr(p, '-')) != NULL;)
		*p = ' ';
	return noun;
}

/*
 * Return the forms of a kind's ARNs, for messages, in a fresh copy; if "longest", one
 * form only, of the first alternative, with a build if there is one.
 */
char *
arn_kind_form(const char *kind, const char *partition, bool longest)
{
	static const char *const segments[] = {
		"/NAME[/VERSION[/BUILD]]", "/NAME", "/NAME/VERSION", "/NAME/VERSION/BUILD"
	};
	int			length = strcspn(kind, ":");
	const char *which = kind + length;
	const ResourceType *type = find_resource_type(kind, length);
	bool		any_type = strcmp(kind, "*") == 0;
	int			min = any_type ? 0 : strcmp(which, ":build") == 0 ? 3 : type->min;
	int			max = strcmp(which, ":any") == 0 ? 3 : min;
	const char *others = strchr(kind, ' ');
	char	   *forms = NULL;

	if (others)
	{
		forms = arn_kind_form(first_kind(kind), partition, longest);
		return longest ? forms :
			psprintf("%s or %s", forms, arn_kind_form(others + 1, partition, longest));
	}
	for (int n = longest ? max : min; n <= max; n++)
	{
		char	   *form = psprintf("arn:%s:imagebuilder:REGION:ACCOUNT:%.*s%s%s", partition,
									any_type ? 4 : length, any_type ? "TYPE" : kind,
									type->leading > 0 ? "/TYPE" : "", segments[n]);

		forms = forms ? psprintf("%s or %s", forms, form) : form;
	}
	return forms;
}

/* True if a text is an AWS account ID, 12 digits. */
bool
arn_account_is_valid(const char *account)
{
	return strlen(account) == ARN_ACCOUNT_SIZE - 1 &&
		strspn(account, "0123456789") == ARN_ACCOUNT_SIZE - 1;
}

/* Return the account in a role's ARN, as option_check_role() takes it, in a fresh copy. */
char *
arn_account_of_role(const char *role)
{
	static const char service[] = ":iam::";
	const char *account = strstr(role, service) + strlen(service);

	return pnstrdup(account, strcspn(account, ":"));
}
