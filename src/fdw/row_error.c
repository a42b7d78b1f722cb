/* row_error.c: errors of a row's values, which need not end the statement. */
#include "postgres.h"

#include "fdw/fdw.h"
#include "foreign_text.h"
#include "utils/resowner.h"

/* True if an error comes from the server or the transaction, whatever is evaluated. */
static bool
is_of_session(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
			return true;
		default:
			return false;
	}
}

/*
 * Call a function, and return the error that it raises, in the current memory context;
 * NULL if it raises none.  Errors of the session and the transaction (classes 40, 53,
 * 57, 58) are raised again.
 *
 * "nested": call it in a subtransaction, which ends what a failed function has left
 * under way; it costs less than a microsecond, and no transaction ID.
 */
ErrorData *
row_error_catch(void (*function) (void *argument), void *argument, bool nested)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	if (nested)
	{
		BeginInternalSubTransaction(NULL);
		MemoryContextSwitchTo(context);
	}
	PG_TRY();
	{
		function(argument);
		if (nested)
			ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		if (nested)
			RollbackAndReleaseCurrentSubTransaction();
		if (is_of_session(error->sqlerrcode))
			ReThrowError(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

/*
 * Report, at an elog level, that a row of a request's subject (see request_subject())
 * could not be read because of the value at a path; "column" is NULL if the path is a
 * row source.  Raises an error that is not about the value again: any error of a type's
 * input function or a domain's CHECK is, except for a wrong state (25, 55) and XX.
 *
 * The SQLSTATE becomes HV004, for a value that does not fit, except for invalid UTF-8
 * (22021), for characters that text or the database's encoding does not have (22P05)
 * and for what is too large or too deep (54).  The message is cut to MAX_FOREIGN_TEXT.
 */
void
row_error_report(ErrorData *error, const char *subject, const char *column, const char *path,
				 int level)
{
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
	bool		keeps_code = category == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
		error->sqlerrcode == ERRCODE_CHARACTER_NOT_IN_REPERTOIRE ||
		error->sqlerrcode == ERRCODE_UNTRANSLATABLE_CHARACTER;

	if (category == ERRCODE_INVALID_TRANSACTION_STATE ||
		category == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
		category == ERRCODE_INTERNAL_ERROR)
		ReThrowError(error);
	ereport(level,
			(errcode(keeps_code ? error->sqlerrcode : ERRCODE_FDW_INVALID_DATA_TYPE),
			 column ?
			 errmsg("could not read column \"%s\" of %s", column, subject) :
			 errmsg("could not read the rows of %s", subject),
			 errdetail("Path \"%s\": %s.", local_text(path, MAX_FOREIGN_WORD),
					   local_text(error->message, MAX_FOREIGN_TEXT))));
}
