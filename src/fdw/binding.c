/*
 * binding.c: the table and columns of the schema that a foreign table is bound to.
 *
 * A table's and its columns' options say so, which IMPORT FOREIGN SCHEMA writes.
 *
 * Planning must not fail, so that EXPLAIN works: a table or column that is not in the
 * schema is bound to nothing here, and a scan that needs it raises the error.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "config/config.h"
#include "fdw/fdw.h"
#include "foreign/foreign.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/*
 * Return what a foreign table's options and name bind it to, in the current memory
 * context.
 */
BoundTable *
binding_table(Oid relid)
{
	BoundTable *bound = palloc0(sizeof(BoundTable));
	List	   *options = GetForeignTable(relid)->options;
	const char *rows = option_get(options, "rows");
	const char *operation = option_get(options, "operation");

	bound->relid = relid;
	bound->name = option_get(options, "table_name");
	if (bound->name == NULL)
		bound->name = get_rel_name(relid);
	/* A table that names its operation is the user's own, whatever its name. */
	if (operation)
		bound->operation = operation_find(operation, false);
	else
	{
		bound->table = schema_find_table(bound->name);
		bound->operation = schema_operation(bound->table);
	}
	if (rows)
	{
		SchemaSource *source = palloc0(sizeof(SchemaSource));

		source->rows = rows;
		bound->sources = source;
		bound->nsources = 1;
	}
	else if (bound->table)
	{
		bound->sources = bound->table->sources;
		bound->nsources = bound->table->nsources;
	}
	return bound;
}

/* Return the name that makes a column without options hold a parameter's value. */
const char *
binding_parameter_name(const BoundTable *table, int parameter)
{
	for (int i = 0; table->table && i < table->table->ncolumns; i++)
	{
		if (operation_parameter(table->operation, table->table->columns[i].path) == parameter)
			return table->table->columns[i].name;
	}
	return strcmp(table->operation->name, "GetImage") == 0 ? "image_arn" :
		table->operation->parameters[parameter].name;
}

/* Return a clause about the paths that make up an operation's key, for messages. */
char *
binding_key_paths(const Operation *operation)
{
	StringInfoData paths;

	initStringInfo(&paths);
	appendStringInfoString(&paths, operation->nparameters == 0 ? "the table has no key" :
						   "the table's key has the path ");
	for (int i = 0; i < operation->nparameters; i++)
		appendStringInfo(&paths, "%s\"@%s\"", i > 0 ? " and the path " : "",
						 operation->parameters[i].name);
	return paths.data;
}

/*
 * Return the path and the type that a column's options and name bind it to; the path is
 * NULL if the column is bound to nothing.
 */
SchemaColumn
binding_column(const BoundTable *table, AttrNumber attnum)
{
	List	   *options = GetForeignColumnOptions(table->relid, attnum);
	const char *name = option_get(options, "column_name");
	SchemaColumn bound = {name, TYPE_ANY, option_get(options, "path")};
	const SchemaColumn *column;

	if (bound.path)
		return bound;
	if (name == NULL)
		name = get_attname(table->relid, attnum, false);
	column = table->table ? schema_find_column(table->table, name) : NULL;
	if (column)
		return *column;
	/* A table that is not in the schema, but has the option "rows", has a key, too. */
	for (int i = 0; !table->table && table->sources && i < table->operation->nparameters; i++)
	{
		if (strcmp(name, binding_parameter_name(table, i)) != 0)
			continue;
		bound.path = psprintf("@%s", table->operation->parameters[i].name);
		bound.type = TYPE_TEXT;
	}
	return bound;
}

/*
 * True if a column of a type holds any text as it is.  A name, a varchar(n) or a domain
 * may cut or refuse a text: then PostgreSQL compares the column's own value.
 */
bool
binding_keeps_text(Oid type, int32 typmod)
{
	return type == TEXTOID || (type == VARCHAROID && typmod < 0);
}

/*
 * Return the columns of a table that repeat what a request asks for; Region and account
 * only where the request does not take them from an ARN.
 */
EchoColumns
binding_echo_columns(const BoundTable *table, TupleDesc tupdesc)
{
	EchoColumns echo = {0};
	bool		scope = table->operation->target == TARGET_SCOPE;

	for (AttrNumber attnum = 1; attnum <= tupdesc->natts; attnum++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, attnum - 1);
		const char *path;
		int			parameter;

		if (attr->attisdropped)
			continue;
		path = binding_column(table, attnum).path;
		if (path == NULL || *path != '@')
			continue;
		parameter = operation_parameter(table->operation, path);
		if (parameter >= 0)
		{
			echo.parameters[parameter] = bms_add_member(echo.parameters[parameter], attnum);
			echo.key = bms_add_member(echo.key, attnum);
		}
		else if (scope && strcmp(path, "@region") == 0)
			echo.region = bms_add_member(echo.region, attnum);
		else if (scope && strcmp(path, "@account") == 0)
			echo.account = bms_add_member(echo.account, attnum);
		else
			continue;
		if (binding_keeps_text(attr->atttypid, attr->atttypmod))
			echo.unchanged = bms_add_member(echo.unchanged, attnum);
	}
	return echo;
}

/*
 * Return the attribute numbers of a relation's columns in an expression; 0 stands for a
 * system column and for the whole row.
 */
Bitmapset *
binding_columns_in(Node *node, Index relid)
{
	Bitmapset  *offsets = NULL;
	Bitmapset  *columns = NULL;
	int			offset = -1;

	pull_varattnos(node, relid, &offsets);
	while ((offset = bms_next_member(offsets, offset)) >= 0)
		columns = bms_add_member(columns,
								 Max(offset + FirstLowInvalidHeapAttributeNumber, 0));
	return columns;
}

/* Raise HV00R unless the table has a row source. */
void
binding_check_table(const BoundTable *table)
{
	if (table->sources)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
			 errmsg("foreign table \"%s\" is bound to \"%s\", which is no table of Image Builder",
					get_rel_name(table->relid), table->name),
			 errhint("Set the table's option \"table_name\" to one of those that imagebuilder_fdw_columns() lists, or \"rows\" to a row source.")));
}

/* Raise HV005 for a column that is bound to nothing. */
void
binding_reject_column(const BoundTable *table, AttrNumber attnum)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
			 errmsg("column \"%s\" of foreign table \"%s\" is no column of \"%s\"",
					get_attname(table->relid, attnum, false),
					get_rel_name(table->relid), table->name),
			 errhint("Set the column's option \"column_name\" to one of those that imagebuilder_fdw_columns() lists, or \"path\" to a path into the response.")));
}

/*
 * Raise 22023, as the validator does, for a column's option "path", or for the table's
 * option "rows" if "attnum" is InvalidAttrNumber.  An older version of the extension
 * has accepted the stored value.
 */
void
binding_reject_path(const BoundTable *table, AttrNumber attnum, const char *path,
					const char *why)
{
	const char *name = get_rel_name(table->relid);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 attnum == InvalidAttrNumber ?
			 errmsg("option \"rows\" of foreign table \"%s\" is no row source: %s", name, why) :
			 errmsg("option \"path\" of column \"%s\" of foreign table \"%s\" is no path: %s",
					get_attname(table->relid, attnum, false), name, why),
			 errdetail("The option is \"%s\".", path),
			 errhint("Change the option with ALTER FOREIGN TABLE.")));
}

/* ---- IMPORT FOREIGN SCHEMA ------------------------------------------------------- */

/* Only remote schema that IMPORT FOREIGN SCHEMA accepts. */
#define REMOTE_SCHEMA	"imagebuilder"

/*
 * Return the CREATE FOREIGN TABLE command for a table of the schema.  As in
 * postgres_fdw, the names go into options too, so that the user can rename the table
 * and its columns.
 */
static char *
create_table_command(const SchemaTable *table, const char *server)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE FOREIGN TABLE %s (", quote_identifier(table->name));
	for (int i = 0; i < table->ncolumns; i++)
	{
		const SchemaColumn *column = &table->columns[i];

		appendStringInfo(&sql, "%s\n  %s %s OPTIONS (column_name %s)", i > 0 ? "," : "",
						 quote_identifier(column->name), column_type_names[column->type],
						 quote_literal_cstr(column->name));
	}
	appendStringInfo(&sql, "\n) SERVER %s OPTIONS (table_name %s)",
					 quote_identifier(server), quote_literal_cstr(table->name));
	return sql.data;
}

/* Warn of tables that LIMIT TO or EXCEPT names and the schema lacks. */
static void
warn_of_unknown(const ImportForeignSchemaStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->table_list)
	{
		const char *name = lfirst_node(RangeVar, lc)->relname;

		if (!schema_find_table(name))
			ereport(WARNING,
					(errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
					 errmsg("foreign schema \"%s\" has no table \"%s\"", REMOTE_SCHEMA, name),
					 errhint("imagebuilder_fdw_columns() lists the tables.")));
	}
}

List *
imagebuilderImportForeignSchema(ImportForeignSchemaStmt *stmt, Oid serverOid)
{
	ForeignServer *server = GetForeignServer(serverOid);
	List	   *commands = NIL;

	if (strcmp(stmt->remote_schema, REMOTE_SCHEMA) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_SCHEMA_NOT_FOUND),
				 errmsg("schema \"%s\" is not present on foreign server \"%s\"",
						stmt->remote_schema, server->servername),
				 errhint("The only schema to import is \"%s\".", REMOTE_SCHEMA)));
	if (stmt->options != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("invalid option \"%s\"",
						((DefElem *) linitial(stmt->options))->defname),
				 errhint("IMPORT FOREIGN SCHEMA takes no options here.")));
	warn_of_unknown(stmt);

	for (int i = 0; i < schema_ntables; i++)
	{
		if (IsImportableForeignTable(schema_tables[i].name, stmt))
			commands = lappend(commands,
							   create_table_command(&schema_tables[i], server->servername));
	}
	return commands;
}
