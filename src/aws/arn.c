/* arn.c: Amazon Resource Names of EC2 Image Builder. */
#include "aws/base.h"

#include "aws/arn.h"

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
		strspn(region, ASCII_ALPHANUMERIC "-") == length &&
		region[0] != '-' && region[length - 1] != '-';
}

/*
 * Split a text in place into at most "max" fields, the last of which may hold more
 * separators.  Return the number of fields; 0 if one is empty.
 */
static int
split(char *text, char separator, char **fields, int max)
{
	int			n = 0;

	while (*text != '\0' && *text != separator)
	{
		fields[n++] = text;
		text = n < max ? strchr(text, separator) : NULL;
		if (text == NULL)
			return n;
		*text++ = '\0';
	}
	return 0;
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
	char	   *fields[6];		/* one more than any resource has */
	int			n = split(resource, '/', fields, lengthof(fields));
	const ResourceType *type;
	char	  **segments;

	if (n == 0)
		return false;
	arn->resource_type = fields[0];
	type = find_resource_type(fields[0], strlen(fields[0]));
	segments = fields + 1 + type->leading;
	n -= 1 + type->leading;
	if (n < type->min || n > type->max)
		return false;
	arn->name = segments[0];
	arn->version = n > 1 ? segments[1] : NULL;
	arn->build = n > 2 ? segments[2] : NULL;
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
	char	   *fields[6];

	for (const char *p = text; *p; p++)
	{
		if ((unsigned char) *p <= ' ' || *p == 0x7f)
			return false;
	}
	if (split(pstrdup(text), ':', fields, lengthof(fields)) != lengthof(fields) ||
		strcmp(fields[0], "arn") != 0 || strcmp(fields[2], "imagebuilder") != 0 ||
		!arn_region_is_valid(fields[3]))
		return false;
	arn->partition = fields[1];
	arn->region = fields[3];
	arn->account_id = fields[4];
	return parse_resource(fields[5], arn);
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

/* Return the account in a role's ARN, as the option role_arn takes it, in a fresh copy. */
char *
arn_account_of_role(const char *role)
{
	static const char service[] = ":iam::";
	const char *account = strstr(role, service) + strlen(service);

	return pnstrdup(account, strcspn(account, ":"));
}
