/* row_error.c: why a row of an answer's document cannot be read. */
#include "postgres.h"

#include "fdw/fdw.h"
#include "foreign_text.h"

/*
 * True if an error is about the value that was converted: any error of a type's input
 * function or a domain's CHECK, except those that the server or the transaction would
 * have had with any value.
 */
static bool
is_about_value(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_INVALID_TRANSACTION_STATE:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return false;
		default:
			return true;
	}
}

/*
 * Take, within PG_CATCH, the error of a row that could not be read.  "nested": also end
 * the subtransaction in which the row was read.  Allocates in the current memory
 * context.  Raises an error that is not about the row's data again.
 *
 * The SQLSTATE becomes HV004, for a value that does not fit, except for invalid UTF-8
 * (22021), for characters that text or the database's encoding does not have (22P05)
 * and for what is too large or too deep (54).  The message is cut to MAX_FOREIGN_TEXT.
 */
ErrorData *
row_error_catch(bool nested)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *error = CopyErrorData();

	FlushErrorState();
	if (nested)
	{
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
	}
	if (!is_about_value(error->sqlerrcode))
		ReThrowError(error);
	if (error->sqlerrcode != ERRCODE_CHARACTER_NOT_IN_REPERTOIRE &&
		error->sqlerrcode != ERRCODE_UNTRANSLATABLE_CHARACTER &&
		ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		error->sqlerrcode = ERRCODE_FDW_INVALID_DATA_TYPE;
	error->message = local_text(error->message, MAX_FOREIGN_TEXT);
	return error;
}

/*
 * Report, at an elog level, that a row of a request's subject (see request_subject())
 * could not be read because of the value at a path; "column" is NULL if the path is a
 * row source.
 */
void
row_error_report(const ErrorData *error, const char *subject, const char *column,
				 const char *path, int level)
{
	ereport(level,
			(errcode(error->sqlerrcode),
			 column ?
			 errmsg("could not read column \"%s\" of %s", column, subject) :
			 errmsg("could not read the rows of %s", subject),
			 errdetail("Path \"%s\": %s.", local_text(path, MAX_FOREIGN_WORD), error->message)));
}
