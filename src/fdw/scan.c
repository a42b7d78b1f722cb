/*-------------------------------------------------------------------------
 *
 * scan.c
 *		Execution of foreign scans.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/scan.c
 *
 *-------------------------------------------------------------------------
 */
/*
 * A scan goes through the ARNs of its key, the table's row sources for each,
 * and the rows of each source; only the columns that the query needs are bound
 * and converted.
 */
#include "postgres.h"

#include "compat.h"
#include "executor/executor.h"
#include "fdw/binding.h"
#include "fdw/execution.h"
#include "fdw/key.h"
#include "fdw/option.h"
#include "fdw/plan.h"
#include "fdw/plantree.h"
#include "fdw/scan.h"
#include "lookup/statement.h"
#include "miscadmin.h"
#include "rows/projection.h"
#include "rows/value.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* A column to fill. */
typedef struct ScanColumn
{
	AttrNumber	attnum;
	const char *name;
	ColumnPath *path;
	Converter  *converter;
} ScanColumn;

/* A row source. */
typedef struct ScanSource
{
	const char *label;			/* of @source; may be NULL */
	RowCursor  *cursor;
} ScanSource;

/* An image asked for. */
typedef struct ScanImage
{
	const char *arn;
	Lookup	   *lookup;			/* once started */
	bool		shared;			/* it was another's before */
} ScanImage;

/* Kept in ForeignScanState.fdw_state. */
typedef struct ImageBuilderScan
{
	Client	   *client;
	List	   *key;
	List	   *key_exprs;		/* of ExprState */

	ScanColumn *columns;
	int			ncolumns;
	ScanSource *sources;
	int			nsources;

	MemoryContext key_context;	/* holds images */
	bool		started;		/* images are there */
	ScanImage  *images;			/* what is asked for, in order */
	int			nimages;
	int			next_image;		/* the one to return rows of next */
	int			next_ahead;		/* the one to start to look up next */
	bool		once;			/* each image is asked for once, and then done
								 * with */
	bool		runs_to_end;	/* so far as the plan goes */
	bool		async;			/* called by an asynchronous Append: not to
								 * wait */
	bool		blocked;		/* has returned no row because it would have
								 * had to */

	const char *arn;			/* whose rows are being returned */
	const Document *document;	/* its answer; NULL: go on to the next */
	int			source;			/* index of the current one */

	const char *converting;		/* for errors: the path being followed */
	const char *column;			/* and the column that is for; NULL: a row */
	LookupStats stats;			/* of this scan */
} ImageBuilderScan;

static ScanColumn *
bind_columns(const BoundTable *table, TupleDesc tupdesc, List *attrs, int *ncolumns)
{
	ScanColumn *columns = palloc0((list_length(attrs) + 1) * sizeof(ScanColumn));
	ListCell   *lc;

	*ncolumns = 0;
	foreach(lc, attrs)
	{
		AttrNumber	attnum = lfirst_int(lc);
		Form_pg_attribute attr = TupleDescAttr(tupdesc, attnum - 1);
		ScanColumn *column = &columns[*ncolumns];
		const char *error = NULL;
		BoundColumn bound;

		if (attr->attisdropped)
			continue;
		bound = binding_column(table, attnum);
		if (bound.path == NULL)
			binding_reject_column(table, attnum);
		column->attnum = attnum;
		column->name = NameStr(attr->attname);
		column->path = column_path_parse(bound.path, &error);
		if (column->path == NULL)
			elog(ERROR, "path \"%s\" was not validated: %s", bound.path, error);
		column->converter = converter_create(bound.type, attr->atttypid, attr->atttypmod);
		(*ncolumns)++;
	}
	return columns;
}

static ScanSource *
bind_sources(const BoundTable *table)
{
	ScanSource *sources = palloc0((table->nsources + 1) * sizeof(ScanSource));

	for (int i = 0; i < table->nsources; i++)
	{
		const char *error = NULL;
		RowPath    *path = row_path_parse(table->sources[i].rows, &error);

		if (path == NULL)
			elog(ERROR, "row source \"%s\" was not validated: %s",
				 table->sources[i].rows, error);
		sources[i].label = table->sources[i].label;
		sources[i].cursor = row_cursor_create(path);
	}
	return sources;
}

/* Nothing is sent, and for EXPLAIN nothing is even looked at, before a row is wanted. */
void
imagebuilderBeginForeignScan(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	EState	   *estate = node->ss.ps.state;
	Relation	relation = node->ss.ss_currentRelation;
	Oid			userid = compat_scan_user(node);
	Oid			serverid = GetForeignServerIdByRelId(RelationGetRelid(relation));
	BoundTable *table;
	ImageBuilderScan *state;

	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;

	state = palloc0(sizeof(ImageBuilderScan));
	node->fdw_state = state;
	state->key = list_nth(plan->fdw_private, FdwScanPrivateKey);
	state->key_exprs = ExecInitExprList(plan->fdw_exprs, &node->ss.ps);
	state->key_context = AllocSetContextCreate(estate->es_query_cxt,
											   "imagebuilder_fdw key",
											   ALLOCSET_SMALL_SIZES);
	table = binding_table(RelationGetRelid(relation));
	binding_check_table(table);
	state->columns = bind_columns(table, RelationGetDescr(relation),
								  list_nth(plan->fdw_private, FdwScanPrivateAttrs),
								  &state->ncolumns);
	state->sources = bind_sources(table);
	state->nsources = table->nsources;
	state->client = statement_client(estate, serverid,
									 OidIsValid(userid) ? userid : GetUserId(),
									 option_read_config);
	state->client->nscans++;
	state->runs_to_end = plantree_runs_to_end(estate->es_plannedstmt, &plan->scan.plan);
	state->once = estate->es_epq_active == NULL &&
		plantree_runs_once(estate->es_plannedstmt, &plan->scan.plan) &&
		!(eflags & (EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK));
}

/* Raise HV002, with the WHERE clause that the table wants. */
static void
reject_keyless_scan(ForeignScanState *node)
{
	Relation	relation = node->ss.ss_currentRelation;
	BoundTable *table = binding_table(RelationGetRelid(relation));
	Bitmapset  *keys = binding_key_columns(table, RelationGetNumberOfAttributes(relation));
	int			key = bms_next_member(keys, -1);
	const char *name = RelationGetRelationName(relation);

	ereport(ERROR,
			(errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
			 errmsg("foreign table \"%s\" can be read by image ARN only", name),
			 key < 0 ?
			 errhint("Add a column \"%s\" to it, or one with the option path '%s'.",
					 SCHEMA_KEY_NAME, SCHEMA_KEY_PATH) :
			 errhint("Add WHERE %s = 'arn:aws:imagebuilder:REGION:ACCOUNT:image/NAME/VERSION/BUILD', or join on that column; of many tables, name the one that has the ARNs first.",
					 NameStr(TupleDescAttr(RelationGetDescr(relation), key - 1)->attname))));
}

/* Find out which ARNs are asked for, and that they all are images'. */
static void
evaluate_key(ForeignScanState *node)
{
	ImageBuilderScan *state = node->fdw_state;
	MemoryContext previous;
	List	   *arns;
	ListCell   *lc;

	if (state->key == NIL)
		reject_keyless_scan(node);
	MemoryContextReset(state->key_context);
	previous = MemoryContextSwitchTo(state->key_context);
	arns = key_evaluate(state->key, state->key_exprs, node->ss.ps.ps_ExprContext);
	state->nimages = 0;
	state->images = palloc0((list_length(arns) + 1) * sizeof(ScanImage));
	foreach(lc, arns)
	{
		if (lookup_check_arn(state->client, lfirst(lc)))
			state->images[state->nimages++].arn = lfirst(lc);
	}
	MemoryContextSwitchTo(previous);
	state->next_image = state->next_ahead = 0;
	state->document = NULL;
	state->started = true;
}

/* Start to look up what comes next: as many as may be under way at once, or more. */
static void
look_ahead(ForeignScanState *node)
{
	ImageBuilderScan *state = node->fdw_state;
	int			window = state->client->config.max_concurrency *
		execution_depth(&node->ss.ps, state->runs_to_end);
	int			end = Min(state->nimages, state->next_image + window);

	for (; state->next_ahead < end; state->next_ahead++)
	{
		ScanImage  *image = &state->images[state->next_ahead];

		image->lookup = statement_lookup(state->client, image->arn, &image->shared);
	}
}

/* Count what the scan did for an image. */
static void
count_image(LookupStats *stats, const ScanImage *image)
{
	if (image->shared)
		stats->cache_hits++;
	else
		stats_add(stats, lookup_stats(image->lookup));
}

/* Count what was started ahead of a rescan or the end, and not waited for. */
static void
count_rest(LookupStats *stats, const ImageBuilderScan *state)
{
	for (int i = state->next_image; i < state->next_ahead; i++)
	{
		if (!state->images[i].shared)
			stats_add(stats, lookup_stats(state->images[i].lookup));
	}
}

/* Be done with the current image; its memory is not needed if nobody asks again. */
static void
leave_document(ImageBuilderScan *state)
{
	state->document = NULL;
	if (state->once && state->client->nscans == 1)
		statement_forget(state->client, state->arn);
}

/*
 * Go on to the next ARN whose image exists; false after the last, or if it
 * would have to be waited for and must not.
 */
static bool
next_document(ForeignScanState *node)
{
	ImageBuilderScan *state = node->fdw_state;

	while (state->next_image < state->nimages)
	{
		ScanImage  *image;

		look_ahead(node);
		image = &state->images[state->next_image];
		if (state->async && !lookup_is_settled(image->lookup))
		{
			state->blocked = true;
			return false;
		}
		state->arn = image->arn;
		state->document = lookup_finish(image->lookup);
		state->next_image++;
		count_image(&state->stats, image);
		if (state->document)
		{
			state->source = 0;
			row_cursor_start(state->sources[0].cursor, state->document);
			return true;
		}
		leave_document(state);
	}
	return false;
}

/* Go on to the document's next row; false after the last. */
static bool
next_row(ImageBuilderScan *state)
{
	state->column = NULL;
	for (;;)
	{
		RowCursor  *cursor = state->sources[state->source].cursor;

		state->converting = cursor->path->text;
		if (row_cursor_next(cursor))
			return true;
		if (++state->source == state->nsources)
			return false;
		row_cursor_start(state->sources[state->source].cursor, state->document);
	}
}

static Datum
column_value(ImageBuilderScan *state, const ScanColumn *column, bool *isnull)
{
	const ScanSource *source = &state->sources[state->source];
	NodeIndex	node;
	int32		ordinal;

	*isnull = false;
	switch (column->path->kind)
	{
		case PATH_ARN:
			return converter_from_text(column->converter, state->arn);
		case PATH_SOURCE:
			*isnull = source->label == NULL;
			return *isnull ? (Datum) 0 :
				converter_from_text(column->converter, source->label);
		case PATH_ORDINAL:
		case PATH_PARENT_ORDINAL:
			ordinal = row_cursor_ordinal(source->cursor, column->path);
			*isnull = ordinal == 0;
			return *isnull ? (Datum) 0 :
				converter_from_int32(column->converter, ordinal);
		default:
			node = row_cursor_find(source->cursor, column->path);
			*isnull = document_is_null(state->document, node);
			return *isnull ? (Datum) 0 :
				converter_convert(column->converter, state->document, node);
	}
}

/*
 * Re-raise an error about a value with the image, path and column it was.
 *
 * What does not fit becomes HV004, whatever a type's input function calls it.
 * Invalid UTF-8 (22021), characters that text or the database's encoding does
 * not have (22P05) and what is too large or too deep (54) keep their SQLSTATEs;
 * errors that are not about data pass unchanged.
 */
static void
rethrow_value_error(const ImageBuilderScan *state, MemoryContext context)
{
	ErrorData  *error;
	int			category;
	int			sqlstate;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	sqlstate = error->sqlerrcode;
	category = ERRCODE_TO_CATEGORY(sqlstate);
	if (category != ERRCODE_DATA_EXCEPTION &&
		category != ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION &&
		category != ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION &&
		category != ERRCODE_INVALID_SCHEMA_NAME &&
		category != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		PG_RE_THROW();
	FlushErrorState();
	if (sqlstate != ERRCODE_CHARACTER_NOT_IN_REPERTOIRE &&
		sqlstate != ERRCODE_UNTRANSLATABLE_CHARACTER &&
		category != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		sqlstate = ERRCODE_FDW_INVALID_DATA_TYPE;
	ereport(ERROR,
			(errcode(sqlstate),
			 state->column ?
			 errmsg("could not read column \"%s\" of image \"%s\"", state->column, state->arn) :
			 errmsg("could not read the rows of image \"%s\"", state->arn),
			 errdetail("Path \"%s\": %s.", state->converting, error->message)));
}

static void
fill_slot(ImageBuilderScan *state, TupleTableSlot *slot)
{
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	for (int i = 0; i < state->ncolumns; i++)
	{
		const ScanColumn *column = &state->columns[i];
		int			place = column->attnum - 1;

		state->column = column->name;
		state->converting = column->path->text;
		slot->tts_values[place] = column_value(state, column, &slot->tts_isnull[place]);
	}
}

/* The next row in the slot, or false. */
static bool
fetch_row(ImageBuilderScan *state, TupleTableSlot *slot)
{
	MemoryContext context = CurrentMemoryContext;
	bool		found = false;

	PG_TRY();
	{
		found = next_row(state);
		if (found)
			fill_slot(state, slot);
	}
	PG_CATCH();
	{
		rethrow_value_error(state, context);
	}
	PG_END_TRY();
	return found;
}

TupleTableSlot *
imagebuilderIterateForeignScan(ForeignScanState *node)
{
	ImageBuilderScan *state = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	ExecClearTuple(slot);
	if (!state->started)
		evaluate_key(node);
	for (;;)
	{
		if (state->document == NULL && !next_document(node))
			return slot;
		if (fetch_row(state, slot))
			return ExecStoreVirtualTuple(slot);
		leave_document(state);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * The next row as an asynchronous Append asks for it, filtered and projected;
 * NULL after the last, or with *blocked if an answer must come in first.
 */
TupleTableSlot *
scan_next_async(ForeignScanState *node, bool *blocked)
{
	ImageBuilderScan *state = node->fdw_state;
	TupleTableSlot *row;

	state->async = true;
	state->blocked = false;
	row = node->ss.ps.ExecProcNodeReal(&node->ss.ps);
	state->async = false;
	*blocked = state->blocked;
	return TupIsNull(row) ? NULL : row;
}

/* Whether a scan that was blocked can go on. */
bool
scan_can_go_on(ForeignScanState *node)
{
	ImageBuilderScan *state = node->fdw_state;

	return lookup_is_settled(state->images[state->next_image].lookup);
}

void
imagebuilderReScanForeignScan(ForeignScanState *node)
{
	ImageBuilderScan *state = node->fdw_state;

	/* What the key is made of may have changed; answers are kept. */
	count_rest(&state->stats, state);
	state->next_image = state->next_ahead = 0;
	state->started = false;
}

/* All belongs to the executor's memory context, and ends with it. */
void
imagebuilderEndForeignScan(ForeignScanState *node)
{
	(void) node;
}

/* What the scan did; false for a plan that was only explained. */
bool
scan_stats(ForeignScanState *node, LookupStats *stats)
{
	ImageBuilderScan *state = node->fdw_state;

	if (state == NULL)
		return false;
	*stats = state->stats;
	count_rest(stats, state);
	return true;
}
