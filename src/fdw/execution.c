/*
 * execution.c: how far the executor has been asked to run a plan.
 *
 * A cursor, or PL/pgSQL's SELECT INTO, asks for some rows of a plan that has no
 * LIMIT.  Only the call of the executor says so, which a hook sees.
 */
#include "postgres.h"

#include "compat.h"
#include "executor/executor.h"
#include "fdw/execution.h"

static ExecutorRun_hook_type previous_hook = NULL;

/* What is being run for all of its rows; NULL while the innermost run is not. */
static const EState *run_to_end = NULL;

/* ExecutorRun_hook */
static void
note_run(COMPAT_EXECUTOR_RUN_PARAMETERS)
{
	const EState *outer = run_to_end;

	run_to_end = count == 0 ? queryDesc->estate : NULL;
	PG_TRY();
	{
		if (previous_hook)
			previous_hook(COMPAT_EXECUTOR_RUN_ARGUMENTS);
		else
			standard_ExecutorRun(COMPAT_EXECUTOR_RUN_ARGUMENTS);
	}
	PG_FINALLY();
	{
		run_to_end = outer;
	}
	PG_END_TRY();
}

/*
 * By how many times the look-ups that may be under way a node may look ahead:
 * further than once if its plan runs to its end (see plantree.h), and that is
 * what the executor has been asked for.
 */
int
execution_depth(const PlanState *node, bool runs_to_end)
{
	return runs_to_end && node->state == run_to_end ? EXECUTION_DEPTH : 1;
}

/* From _PG_init: the hook. */
void
execution_init(void)
{
	previous_hook = ExecutorRun_hook;
	ExecutorRun_hook = note_run;
}
