/*
 * operation.h: the operations of EC2 Image Builder's API that tables ask.
 *
 * An operation is an entry in operations.c, and data alone: requests, EXPLAIN, errors
 * and the permission that a hint names come out of the entry.
 */
#ifndef IMAGEBUILDER_OPERATION_H
#define IMAGEBUILDER_OPERATION_H

typedef struct Operation
{
	const char *name;			/* the API's: EXPLAIN and the IAM action show it */
	const char *path;			/* of the URL; all are asked with GET */
	const char *parameter;		/* of the URL's query: takes the ARN */
	const char *kind;			/* of ARN, see arn_is_of_kind() */
	const char *noun;			/* for messages: what the ARN is of */
	const char *const *answer;	/* top-level members, of which each answer has one at
								 * least, the first in nearly all; ends with NULL */
} Operation;

/* The operation of tables that name none. */
#define DEFAULT_OPERATION	"GetImage"

extern const Operation *operation_find(const char *name);
extern char *operation_arn_form(const Operation *operation, const char *partition, bool most);

#endif							/* IMAGEBUILDER_OPERATION_H */
