/*
 * operation.h: the operations of EC2 Image Builder's API that foreign tables use.
 *
 * An operation is data alone: requests, EXPLAIN, errors and the permission that a hint
 * names all come from its entry, see groups.inc.
 */
#ifndef IMAGEBUILDER_OPERATION_H
#define IMAGEBUILDER_OPERATION_H

/* Part of a request that takes a parameter. */
typedef enum ParameterPlace
{
	PLACE_QUERY,				/* MEMBER=VALUE in the URL's query */
	PLACE_PATH,					/* the last segment of the URL's path */
} ParameterPlace;

typedef struct Parameter
{
	const char *name;			/* the column with the path "@NAME" holds the value */
	const char *member;			/* name in the API's model */
	const char *kind;			/* the ARN's kind, see arn_is_of_kind() */
	ParameterPlace place;
} Parameter;

typedef struct Operation
{
	const char *name;			/* in the API; shown by EXPLAIN, and part of the IAM
								 * action */
	const char *path;			/* the URL's path; the method is always GET */
	const char *part;			/* for messages: part of the resource that the answer has,
								 * "tags", say; NULL: the whole resource */
	const char *builds;			/* table whose column build_version_arn has the newest
								 * build of a version; NULL unless the ARN is a build's */
	Parameter	parameter;
	const char *const *answer;	/* top-level members of an answer, at least one of which
								 * is present; ends with NULL; messages name the first */
} Operation;

extern const Operation *operation_find(const char *name);
extern bool operation_is_key_path(const Operation *operation, const char *path);
extern bool operation_has_key_path(const char *path);

#endif							/* IMAGEBUILDER_OPERATION_H */
