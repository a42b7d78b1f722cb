/*
 * execution.c: how far the executor has been asked to run a plan.
 *
 * A cursor, or PL/pgSQL's SELECT INTO, asks for only some rows of a plan that has no
 * LIMIT.  Only the "count" passed to ExecutorRun() says so, which ExecutorRun_hook
 * sees.
 */
#include "postgres.h"

#include "compat.h"
#include "executor/executor.h"
#include "fdw/execution.h"

static ExecutorRun_hook_type previous_hook = NULL;

/*
 * State of the innermost query that is being run, if all of its rows were asked for;
 * else NULL.
 */
static const EState *run_to_end = NULL;

/* Note, as ExecutorRun_hook, whether all rows of a query are asked for. */
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
 * Return the factor on max_concurrency by which a node may look ahead: EXECUTION_DEPTH
 * if its plan runs to its end (see PlanRun.to_end) and the executor has been asked for
 * all rows; else 1.
 */
int
execution_depth(const PlanState *node, bool runs_to_end)
{
	return runs_to_end && node->state == run_to_end ? EXECUTION_DEPTH : 1;
}

/* Install ExecutorRun_hook; called by _PG_init(). */
void
execution_init(void)
{
	previous_hook = ExecutorRun_hook;
	ExecutorRun_hook = note_run;
}
