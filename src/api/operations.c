/*
 * operations.c: the operations of EC2 Image Builder's API that foreign tables use.
 *
 * To add an operation, add its entry here and a table's in rows/schema.c.  Names are
 * those of the service's model, API version 2019-12-02.
 */
#include "postgres.h"

#include "api/operation.h"

#define ANSWER(...)	.answer = (const char *const[]) {__VA_ARGS__, NULL}

static const Operation operations[] = {
	{
		.name = "GetImage", .path = "/GetImage",
		.parameter = "imageBuildVersionArn", .kind = "image:any", .noun = "image",
		ANSWER("image", "requestId", "latestVersionReferences"),
	},
	{
		.name = "GetComponent", .path = "/GetComponent",
		.parameter = "componentBuildVersionArn", .kind = "component:any", .noun = "component",
		ANSWER("component", "requestId", "latestVersionReferences"),
	},
	/* A test adds entries of its own with API_EXTRA: see t/build/extra.inc. */
#ifdef API_EXTRA
#define API_OPERATIONS
#include API_EXTRA
#undef API_OPERATIONS
#endif
};

/*
 * Return the operation that a table or a plan names; raise XX000 if no operation has
 * the name.
 */
const Operation *
operation_find(const char *name)
{
	for (size_t i = 0; i < lengthof(operations); i++)
	{
		if (strcmp(operations[i].name, name) == 0)
			return &operations[i];
	}
	elog(ERROR, "there is no operation \"%s\"", name);
	return NULL;				/* keep the compiler quiet */
}

/*
 * Return the form of a resource type's ARNs, for messages; "suffix" follows the
 * resource's name.
 */
static char *
arn_form(const char *kind, const char *partition, const char *suffix)
{
	return psprintf("arn:%s:imagebuilder:REGION:ACCOUNT:%.*s/NAME%s", partition,
					(int) strcspn(kind, ":"), kind, suffix);
}

/*
 * Return the forms of the ARNs that an operation takes, for messages, palloc'd; if
 * "most", only the longest form.
 */
char *
operation_arn_form(const Operation *operation, const char *partition, bool most)
{
	const char *kind = operation->kind;
	const char *which = strchr(kind, ':');

	if (which == NULL)
		return arn_form(kind, partition, "");
	if (strcmp(which, ":version") == 0)
		return arn_form(kind, partition, "/VERSION");
	if (strcmp(which, ":build") == 0 || most)
		return arn_form(kind, partition, "/VERSION/BUILD");
	return psprintf("%s or %s", arn_form(kind, partition, "/VERSION"),
					arn_form(kind, partition, "/VERSION/BUILD"));
}
