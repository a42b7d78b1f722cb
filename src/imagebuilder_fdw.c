/*
 * imagebuilder_fdw.c: what PostgreSQL looks up: _PG_init(), the handler, and the functions
 * that users call.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "aws/arn.h"
#include "config/config.h"
#include "fdw/fdw.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lookup/lookup.h"
#include "readahead/readahead.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/tuplestore.h"

PG_MODULE_MAGIC;

COMPAT_FUNCTION_INFO_V1(imagebuilder_fdw_handler);
COMPAT_FUNCTION_INFO_V1(imagebuilder_fdw_version);
COMPAT_FUNCTION_INFO_V1(imagebuilder_fdw_columns);
COMPAT_FUNCTION_INFO_V1(imagebuilder_fdw_stats);
COMPAT_FUNCTION_INFO_V1(imagebuilder_fdw_stats_reset);
COMPAT_FUNCTION_INFO_V1(imagebuilder_fdw_clear_cache);
COMPAT_FUNCTION_INFO_V1(imagebuilder_arn);

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	config_init();
	plantree_init();
	readahead_plan_init();
	statement_init();
	MarkGUCPrefixReserved("imagebuilder_fdw");
}

/* Return the callbacks that PostgreSQL calls for planning, scans, EXPLAIN and imports. */
Datum
imagebuilder_fdw_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	routine->GetForeignRelSize = imagebuilderGetForeignRelSize;
	routine->GetForeignPaths = imagebuilderGetForeignPaths;
	routine->GetForeignPlan = imagebuilderGetForeignPlan;
	routine->ReparameterizeForeignPathByChild = plan_keys_to_child;
	routine->BeginForeignScan = imagebuilderBeginForeignScan;
	routine->IterateForeignScan = imagebuilderIterateForeignScan;
	routine->ReScanForeignScan = imagebuilderReScanForeignScan;
	routine->EndForeignScan = imagebuilderEndForeignScan;
	routine->IsForeignPathAsyncCapable = imagebuilderIsForeignPathAsyncCapable;
	routine->ForeignAsyncRequest = imagebuilderForeignAsyncRequest;
	routine->ForeignAsyncConfigureWait = imagebuilderForeignAsyncConfigureWait;
	routine->ForeignAsyncNotify = imagebuilderForeignAsyncRequest;
	routine->ExplainForeignScan = imagebuilderExplainForeignScan;
	routine->ImportForeignSchema = imagebuilderImportForeignSchema;
	PG_RETURN_POINTER(routine);
}

/* Return the library's version, which may be newer than the extension's. */
Datum
imagebuilder_fdw_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(IMAGEBUILDER_FDW_VERSION));
}

/* Return the schema as rows: table_name, column_name, data_type, path, is_key. */
Datum
imagebuilder_fdw_columns(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int t = 0; t < schema_ntables; t++)
	{
		const SchemaTable *table = &schema_tables[t];
		const Operation *operation = schema_operation(table);

		for (int c = 0; c < table->ncolumns; c++)
		{
			const SchemaColumn *column = &table->columns[c];
			bool		nulls[5] = {false};
			Datum		values[5] = {
				CStringGetTextDatum(table->name),
				CStringGetTextDatum(column->name),
				CStringGetTextDatum(column_type_names[column->type]),
				CStringGetTextDatum(column->path),
				BoolGetDatum(operation_parameter(operation, column->path) >= 0),
			};

			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	}
	return (Datum) 0;
}

static Datum
return_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc	tupdesc;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls));
}

/* Return one row with the counters of this session's look-ups. */
Datum
imagebuilder_fdw_stats(PG_FUNCTION_ARGS)
{
	bool		nulls[8] = {false};
	Datum		values[8] = {
		Int64GetDatum(session_stats.requests),
		Int64GetDatum(session_stats.retries),
		Int64GetDatum(session_stats.throttled),
		Int64GetDatum(session_stats.not_found),
		Int64GetDatum(session_stats.errors),
		Int64GetDatum(session_stats.cache_hits),
		Int64GetDatum(session_stats.bytes_received),
		Float8GetDatum(session_stats.request_time),
	};

	return return_row(fcinfo, values, nulls);
}

Datum
imagebuilder_fdw_stats_reset(PG_FUNCTION_ARGS)
{
	memset(&session_stats, 0, sizeof(session_stats));
	PG_RETURN_VOID();
}

/* Drop the responses that this session keeps for cache_ttl. */
Datum
imagebuilder_fdw_clear_cache(PG_FUNCTION_ARGS)
{
	cache_clear();
	PG_RETURN_VOID();
}

/* Return an Image Builder ARN's parts as a row; NULL for any other text. */
Datum
imagebuilder_arn(PG_FUNCTION_ARGS)
{
	Arn			arn = {0};
	bool		is_arn = arn_parse(text_to_cstring(PG_GETARG_TEXT_PP(0)), &arn);
	char	   *parts[7] = {arn.partition, arn.region, arn.account_id, arn.resource_type,
	arn.name, arn.version, arn.build};
	Datum		values[7];
	bool		nulls[7];

	if (!is_arn)
		PG_RETURN_NULL();
	for (int i = 0; i < 7; i++)
	{
		nulls[i] = parts[i] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(parts[i]);
	}
	return return_row(fcinfo, values, nulls);
}
