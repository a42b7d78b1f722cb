/*
 * schema.h: the operations of EC2 Image Builder's API that foreign tables use, the
 * tables, and their columns.
 *
 * They are data alone: requests, EXPLAIN, errors, the permission that a hint names, DDL
 * and conversion all come from their entries, see groups.inc.
 */
#ifndef IMAGEBUILDER_SCHEMA_H
#define IMAGEBUILDER_SCHEMA_H

/* Part of a request that takes a parameter. */
typedef enum ParameterPlace
{
	PLACE_QUERY,				/* MEMBER=VALUE in the URL's query */
	PLACE_PATH,					/* the last segment of the URL's path */
	PLACE_BODY,					/* "MEMBER": "VALUE" in the body, a JSON object */
	PLACE_FILTER,				/* "filter": {"name": "MEMBER", "values": ["VALUE"]} in
								 * the body */
} ParameterPlace;

typedef struct Parameter
{
	const char *name;			/* the column with the path "@NAME" holds the value */
	const char *member;			/* name in the API's model */
	const char *kind;			/* the ARN's kind, see arn_is_of_kind(); "text": the value
								 * may be any text */
	ParameterPlace place;
} Parameter;

/* Most parameters of an operation. */
#define MAX_PARAMETERS	2

/* Where an operation's requests go. */
typedef enum OperationTarget
{
	TARGET_ARN,					/* to the Region of the first parameter, an ARN */
	TARGET_SCOPE,				/* to the Region of the server */
} OperationTarget;

/* Value of maxResults: the service's default, and its most for most lists. */
#define PAGE_SIZE	25

typedef struct Operation
{
	const char *name;			/* in the API, see operation_api(); shown by EXPLAIN */
	const char *path;			/* the URL's path */
	OperationTarget target;
	const char *part;			/* for messages: what the answer has of the first
								 * parameter's resource, or lists, "tags", say; NULL:
								 * the whole resource */
	const char *builds;			/* table of a version's builds, for hints; NULL: none */
	const char *values;			/* of a parameter that is no ARN, for hints; NULL: none */
	const char *refusal;		/* hint for an InvalidRequestException; NULL: none */
	const Parameter *parameters;	/* all of them are required */
	int			nparameters;
	const char *constant_member;	/* member of the body that is always sent, with the
									 * value "constant"; NULL: none */
	const char *constant;
	bool		paged;			/* answers are pages of a list, each with the next one's
								 * nextToken but for the last */
	int			page_size;		/* value of maxResults; 0: none is sent */
	const char *const *answer;	/* top-level members of an answer, at least one of which
								 * is present; ends with NULL; messages name the first */
} Operation;

/* Type of a column: what JSON value it takes, and its SQL type. */
typedef enum ColumnType
{
	TYPE_ANY,					/* a path of the user's own: no expectation */
	TYPE_TEXT,
	TYPE_BOOLEAN,
	TYPE_INTEGER,
	TYPE_BIGINT,
	TYPE_TIMESTAMPTZ,
	TYPE_JSONB,
	TYPE_TEXT_ARRAY,
} ColumnType;

typedef struct SchemaColumn
{
	const char *name;
	ColumnType	type;
	const char *path;			/* as column_path_parse() takes it */
} SchemaColumn;

typedef struct SchemaSource
{
	const char *label;			/* value of @source; NULL for a table with one source */
	const char *rows;			/* as row_path_parse() takes it */
} SchemaSource;

typedef struct SchemaTable
{
	const char *name;
	const char *operation;		/* operation whose response has the rows; NULL:
								 * GetImage */
	double		rows;			/* rows expected for an ARN, for the planner */
	const SchemaSource *sources;
	int			nsources;
	const SchemaColumn *columns;
	int			ncolumns;
} SchemaTable;

extern const SchemaTable schema_tables[];
extern const int schema_ntables;
extern const char *const column_type_names[];

extern const Operation *operation_find(const char *name, bool missing_ok);
extern char *operation_api(const Operation *operation);
extern int	operation_parameter(const Operation *operation, const char *path);
extern bool operation_is_parameter_path(const char *path);
extern const Operation *schema_operation(const SchemaTable *table);
extern const SchemaTable *schema_find_table(const char *name);
extern const SchemaColumn *schema_find_column(const SchemaTable *table,
											  const char *name);

#endif							/* IMAGEBUILDER_SCHEMA_H */
