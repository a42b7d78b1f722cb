/* import.c: IMPORT FOREIGN SCHEMA. */
#include "postgres.h"

#include "api/schema.h"
#include "commands/defrem.h"
#include "fdw/import.h"
#include "foreign/foreign.h"
#include "utils/builtins.h"

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
						 quote_identifier(column->name), column_type_name(column->type),
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
