/*
 * operation.h: the operations of EC2 Image Builder's API that foreign tables use.
 *
 * An operation is an entry in operations.c, and data alone: requests, EXPLAIN, errors
 * and the permission that a hint names all come from the entry.
 */
#ifndef IMAGEBUILDER_OPERATION_H
#define IMAGEBUILDER_OPERATION_H

typedef struct Operation
{
	const char *name;			/* in the API; shown by EXPLAIN, and part of the IAM
								 * action */
	const char *path;			/* the URL's path; the method is always GET */
	const char *parameter;		/* name of the query parameter that takes the ARN */
	const char *kind;			/* the ARN's kind, see arn_is_of_kind() */
	const char *noun;			/* the ARN's resource, in messages */
	const char *const *answer;	/* top-level members of an answer, at least one of which
								 * is present; ends with NULL; messages name the first */
} Operation;

/* Operation of a table that names none in its options. */
#define DEFAULT_OPERATION	"GetImage"

extern const Operation *operation_find(const char *name);
extern char *operation_arn_form(const Operation *operation, const char *partition, bool most);

#endif							/* IMAGEBUILDER_OPERATION_H */
