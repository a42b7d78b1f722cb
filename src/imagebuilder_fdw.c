/* imagebuilder_fdw.c: PostgreSQL foreign data wrapper for EC2 Image Builder. */
#include "postgres.h"

#include "config/config.h"
#include "fmgr.h"
#include "lookup/statement.h"
#include "readahead/readahead.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

COMPAT_FUNCTION_INFO_V1(imagebuilder_fdw_handler);

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

	(void) fcinfo;
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
