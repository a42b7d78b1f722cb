/*
 * guard.c: conditions of a join that need no row of its inner side.
 *
 * In "a LEFT JOIN images i ON i.arn = a.arn AND a.wanted" PostgreSQL's nested loop
 * evaluates a.wanted only once it has a row of images, so that each row of "a" costs a
 * request, wanted or not.  If the inner side of a nested loop has foreign tables of
 * this wrapper, a custom scan is put over that side: it evaluates such conditions
 * first, and runs the inner side only if they hold.
 */
#include "postgres.h"

#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "readahead/readahead.h"

#define GUARD_NAME	"Image Builder Guard"

typedef struct GuardState
{
	CustomScanState css;		/* must be first */
	ExprState  *guards;
	bool		checked;		/* "holds" is valid for the outer row */
	bool		holds;
} GuardState;

/* ---- execution ----------------------------------------------------------------- */

static void
begin_guard(CustomScanState *node, EState *estate, int eflags)
{
	GuardState *state = (GuardState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	Plan	   *inner = linitial(scan->custom_plans);

	/*
	 * ExecInitNestLoop() asks for an inner side that rewinds cheaply (EXEC_FLAG_REWIND)
	 * unless the inner side takes parameters.  The guards alone may take parameters, so
	 * the flag is set here for an inner plan without any.
	 */
	if (bms_is_empty(inner->extParam))
		eflags |= EXEC_FLAG_REWIND;
	node->custom_ps = list_make1(ExecInitNode(inner, estate, eflags));
	state->guards = ExecInitQual(scan->custom_exprs, &node->ss.ps);
	/* Rows are returned in the inner plan's own slots, which may be of any type. */
	node->ss.ps.resultopsset = true;
	node->ss.ps.resultopsfixed = false;
}

static TupleTableSlot *
exec_guard(CustomScanState *node)
{
	GuardState *state = (GuardState *) node;

	if (!state->checked)
	{
		ResetExprContext(node->ss.ps.ps_ExprContext);
		state->holds = ExecQual(state->guards, node->ss.ps.ps_ExprContext);
		state->checked = true;
	}
	return state->holds ? ExecProcNode(linitial(node->custom_ps)) : NULL;
}

static void
rescan_guard(CustomScanState *node)
{
	((GuardState *) node)->checked = false;
	readahead_rescan_input(node);
}

/* Show the guards as PostgreSQL shows the conditions of a gating Result. */
static void
explain_guard(CustomScanState *node, List *ancestors, ExplainState *es)
{
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;

	explain_conditions("One-Time Filter", scan->custom_exprs, &scan->scan.plan, ancestors, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = GUARD_NAME,
	.BeginCustomScan = begin_guard,
	.ExecCustomScan = exec_guard,
	.EndCustomScan = readahead_end_input,
	.ReScanCustomScan = rescan_guard,
	.ExplainCustomScan = explain_guard,
};

static Node *
create_guard_state(CustomScan *scan)
{
	GuardState *state = (GuardState *) newNode(sizeof(GuardState), T_CustomScanState);

	state->css.methods = &exec_methods;
	return (Node *) state;
}

const CustomScanMethods guard_scan_methods = {
	.CustomName = GUARD_NAME,
	.CreateCustomScanState = create_guard_state,
};

/* ---- planning ------------------------------------------------------------------ */

/*
 * Return the plan of a guard path, as PlanCustomPath.  Its rows are the inner plan's:
 * without CUSTOMPATH_SUPPORT_PROJECTION, PostgreSQL asks the plan for nothing else.
 */
static Plan *
plan_guard(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
		   List *tlist, List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	Plan	   *inner = linitial(custom_plans);

	/* The inner plan has checked the clauses. */
	scan->scan.plan.targetlist = tlist;
	scan->custom_plans = custom_plans;
	scan->custom_scan_tlist = copyObject(inner->targetlist);
	scan->custom_exprs = copyObject(best_path->custom_private);
	scan->methods = &guard_scan_methods;
	return &scan->scan.plan;
}

/*
 * Translate guards to a partition of the outer side, as
 * ReparameterizeCustomPathByChild.
 */
static List *
reparameterize_guard(PlannerInfo *root, List *custom_private, RelOptInfo *child_rel)
{
	return (List *) compat_adjust_to_child(root, (Node *) custom_private, child_rel);
}

static const CustomPathMethods path_methods = {
	.CustomName = GUARD_NAME,
	.PlanCustomPath = plan_guard,
	.ReparameterizeCustomPathByChild = reparameterize_guard,
};

/* Return the guards that a path checks before its inputs are run; NIL: no guards. */
List *
guard_clauses_of_path(const Path *path)
{
	return IsA(path, CustomPath) && ((const CustomPath *) path)->methods == &path_methods ?
		((const CustomPath *) path)->custom_private : NIL;
}

/*
 * True if a condition of a join is a guard: a condition of the join itself, not a
 * filter on its result, that needs the outer side alone.
 */
static bool
is_guard(const NestPath *loop, const RestrictInfo *rinfo)
{
	return !rinfo->pseudoconstant &&
		!RINFO_IS_PUSHED_DOWN(rinfo, loop->jpath.path.parent->relids) &&
		bms_is_subset(rinfo->clause_relids, loop->jpath.outerjoinpath->parent->relids) &&
		!contain_volatile_functions((Node *) rinfo->clause);
}

/*
 * Have a custom scan over a nested loop's inner side check the loop's guards, instead of
 * the loop on each row.  Changes nothing unless the loop has guards, and a foreign table
 * of this wrapper on its inner side.
 */
void
guard_nested_loop(NestPath *loop)
{
	Path	   *inner = loop->jpath.innerjoinpath;
	Relids		outer = loop->jpath.outerjoinpath->parent->relids;
	ParamPathInfo *param;
	List	   *guards = NIL;
	List	   *others = NIL;
	ListCell   *lc;

	if (loop->jpath.jointype != JOIN_LEFT && loop->jpath.jointype != JOIN_ANTI &&
		loop->jpath.jointype != JOIN_SEMI)
		return;
	foreach(lc, loop->jpath.joinrestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (is_guard(loop, rinfo))
			guards = lappend(guards, rinfo->clause);
		else
			others = lappend(others, rinfo);
	}
	if (guards == NIL || !row_key_has_scan(inner))
		return;
	param = makeNode(ParamPathInfo);
	if (inner->param_info)
		*param = *inner->param_info;
	param->ppi_req_outer = bms_union(PATH_REQ_OUTER(inner), outer);
	param->ppi_rows = inner->rows;
	loop->jpath.innerjoinpath = readahead_wrap(inner, &path_methods, guards, 0);
	loop->jpath.innerjoinpath->param_info = param;
	loop->jpath.joinrestrictinfo = others;
}
