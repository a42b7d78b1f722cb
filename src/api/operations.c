/* operations.c: the operations of EC2 Image Builder's API that foreign tables use. */
#include "postgres.h"

#include "api/operation.h"

#define PARAMETERS(...) \
	.parameters = (const Parameter[]) {__VA_ARGS__}, \
	.nparameters = sizeof((const Parameter[]) {__VA_ARGS__}) / sizeof(Parameter)
#define ANSWER(...)	.answer = (const char *const[]) {__VA_ARGS__, NULL}

static const Operation operations[] = {
#define API_OPERATIONS
#include "api/groups.inc"
#undef API_OPERATIONS
};

/*
 * Return the operation of a name; if no operation has the name, NULL if "missing_ok",
 * else raise XX000.
 */
const Operation *
operation_find(const char *name, bool missing_ok)
{
	for (size_t i = 0; i < lengthof(operations); i++)
	{
		if (strcmp(operations[i].name, name) == 0)
			return &operations[i];
	}
	if (!missing_ok)
		elog(ERROR, "there is no operation \"%s\"", name);
	return NULL;
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

/*
 * Return the index of the parameter whose value a column with a path, "@NAME", holds; -1
 * if the operation has no such parameter.
 */
int
operation_parameter(const Operation *operation, const char *path)
{
	for (int i = 0; *path == '@' && i < operation->nparameters; i++)
	{
		if (strcmp(path + 1, operation->parameters[i].name) == 0)
			return i;
	}
	return -1;
}

/* True if a column's path leads to a parameter of some operation. */
bool
operation_is_parameter_path(const char *path)
{
	for (size_t i = 0; i < lengthof(operations); i++)
	{
		if (operation_parameter(&operations[i], path) >= 0)
			return true;
	}
	return false;
}
