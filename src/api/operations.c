/* operations.c: the operations of EC2 Image Builder's API that foreign tables use. */
#include "postgres.h"

#include "api/operation.h"

#define ANSWER(...)	.answer = (const char *const[]) {__VA_ARGS__, NULL}

static const Operation operations[] = {
#define API_OPERATIONS
#include "api/groups.inc"
#undef API_OPERATIONS
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
 * Return the API's name of an operation, in a fresh copy.  An entry for one of several
 * ways to call an operation adds a colon and a word, as in "ListImages:shared".
 */
char *
operation_api(const Operation *operation)
{
	return pnstrdup(operation->name, strcspn(operation->name, ":"));
}

/* True if a column's path, "@NAME", leads to the ARN that an operation was asked with. */
bool
operation_is_key_path(const Operation *operation, const char *path)
{
	return *path == '@' && strcmp(path + 1, operation->parameter.name) == 0;
}

/* True if a column's path leads to the ARN that some operation was asked with. */
bool
operation_has_key_path(const char *path)
{
	for (size_t i = 0; i < lengthof(operations); i++)
	{
		if (operation_is_key_path(&operations[i], path))
			return true;
	}
	return false;
}
