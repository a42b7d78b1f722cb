/*
 * key.c: key conditions, which say what values of a parameter a scan asks for.
 *
 * A condition is a key condition if only finitely many values can satisfy it and they
 * can be computed before the scan.  A key condition is exact if every row of these
 * values satisfies it, so that the scan need not check it again.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fdw/fdw.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/*
 * Strip casts between text types from an expression.  The casts of char(n) and name to
 * text are functions.
 */
static Expr *
without_casts(Expr *expr)
{
	for (;;)
	{
		if (expr && IsA(expr, RelabelType))
			expr = ((RelabelType *) expr)->arg;
		else if (expr && IsA(expr, FuncExpr) && (((FuncExpr *) expr)->funcid == F_TEXT_BPCHAR ||
												 ((FuncExpr *) expr)->funcid == F_TEXT_NAME))
			expr = linitial(((FuncExpr *) expr)->args);
		else
			return expr;
	}
}

/*
 * Return the column of a relation that an expression is, perhaps cast between text
 * types; NULL for any other expression.
 */
Var *
key_var(Expr *expr, Index relid)
{
	Var		   *var = (Var *) without_casts(expr);

	return var && IsA(var, Var) && var->varno == (int) relid && var->varlevelsup == 0 &&
		var->varattno > 0 ? var : NULL;
}

/* True if an expression is a key column, perhaps cast between text types. */
bool
key_is_column(const KeyContext *context, Expr *expr)
{
	const Var  *var = key_var(expr, context->relid);

	return var && bms_is_member(var->varattno, context->columns);
}

/*
 * True if an expression's value is known before a scan of the relation and constant
 * during the scan.
 */
bool
key_is_known(const KeyContext *context, Expr *expr)
{
	return !bms_is_member(context->relid, pull_varnos(context->root, (Node *) expr)) &&
		!contain_volatile_functions((Node *) expr);
}

/*
 * True if an operator is equality of text.  Under a collation that is not deterministic
 * more texts can be equal than the one written.
 */
static bool
is_text_equality(Oid opno, Oid collation)
{
	switch (get_opcode(opno))
	{
		case F_TEXTEQ:
		case F_BPCHAREQ:
		case F_TEXTEQNAME:
		case F_NAMEEQTEXT:
			return !OidIsValid(collation) || get_collation_isdeterministic(collation);
		default:
			return false;
	}
}

/* ---- operands of the statement --------------------------------------------------- */

/* Entry of KeyContext.statement_operands: the operands that have one hash. */
typedef struct StatementOperands
{
	uint32		hash;			/* hash_operand() of each; the entry's key */
	List	   *operands;
} StatementOperands;

/* Add an expression to a hash, which starts at 0; equal() expressions have one hash. */
static bool
hash_operand(Node *node, void *context)
{
	uint32	   *hash = context;

	if (node == NULL)
		return false;
	if (IsA(node, Const) && !((Const *) node)->constisnull)
		*hash = hash_combine(*hash, datum_image_hash(((Const *) node)->constvalue,
													 ((Const *) node)->constbyval,
													 ((Const *) node)->constlen));
	else if (IsA(node, Param))
		*hash = hash_combine(*hash, ((Param *) node)->paramid);
	return expression_tree_walker(node, hash_operand, context);
}

/*
 * Return an operand without its collation, which an equivalence class may have changed;
 * the comparison's operator has its own.
 */
static Node *
without_collation(Node *operand)
{
	while (operand && IsA(operand, RelabelType))
		operand = (Node *) ((RelabelType *) operand)->arg;
	if (operand && IsA(operand, Const))
	{
		Const	   *copy = makeNode(Const);

		*copy = *(Const *) operand;
		copy->constcollid = InvalidOid;
		operand = (Node *) copy;
	}
	return operand;
}

/*
 * True if an expression's value comes from rows other than those of relation *relid: of
 * this query, of an outer query, or of a sub-select.
 */
bool
key_depends_on_rows(Node *node, void *relid)
{
	if (node == NULL)
		return false;
	if ((IsA(node, Var) && ((Var *) node)->varno != *(int *) relid) ||
		(IsA(node, Param) && ((Param *) node)->paramkind != PARAM_EXTERN) ||
		IsA(node, PlaceHolderVar) || IsA(node, SubPlan) || IsA(node, AlternativeSubPlan))
		return true;
	return expression_tree_walker(node, key_depends_on_rows, relid);
}

/*
 * True if a column is a key column of the context's relation, or the column of a
 * partitioned or inherited table above the relation that becomes a key column.  A UNION
 * ALL's column is not: its other arms may have rows that are no images.
 */
static bool
is_key_column_of_statement(const KeyContext *context, const Var *var)
{
	Index		relid = context->relid;
	Bitmapset  *columns = context->columns;

	while (var->varno != (int) relid)
	{
		AppendRelInfo *part = context->root->append_rel_array ?
			context->root->append_rel_array[relid] : NULL;
		Bitmapset  *whole = NULL;
		int			attnum = -1;

		if (part == NULL || !OidIsValid(part->parent_reloid))
			return false;
		while ((attnum = bms_next_member(columns, attnum)) >= 0)
			whole = bms_add_member(whole, part->parent_colnos[attnum - 1]);
		columns = whole;
		relid = part->parent_relid;
	}
	return var->varlevelsup == 0 && var->varattno > 0 && bms_is_member(var->varattno, columns);
}

/*
 * True if what an outer query compares with a column is a value of rows for a relation
 * of a sub-query: the column is a UNION's, with ALL or without, whose other arms may have
 * rows that are no images, or a table's, and an equivalence class has it in the sub-query.
 * PostgreSQL pushes these conditions into sub-queries as if they stood there.
 */
static bool
is_column_of_other_rows(PlannerInfo *root, const Var *var)
{
	const RangeTblEntry *rte;

	if (var->varlevelsup != 0 || (int) var->varno > list_length(root->parse->rtable))
		return false;
	rte = rt_fetch(var->varno, root->parse->rtable);
	return rte->rtekind != RTE_SUBQUERY || rte->inh ||
		(rte->subquery && rte->subquery->setOperations);
}

/* Context in which a query's operands are collected. */
typedef struct OperandWalk
{
	const KeyContext *relation;
	PlannerInfo *root;			/* the query: the relation's own or an outer one */
} OperandWalk;

/*
 * Add the operands that the relation's own query compares with key columns, or remove
 * those that an outer query compares with columns of other rows.
 */
static bool
collect_operands(Node *node, void *context)
{
	const OperandWalk *walk = context;
	const KeyContext *relation = walk->relation;
	bool		own = walk->root == relation->root;
	int			no_relid = 0;
	List	   *args = NIL;

	if (node == NULL)
		return false;
	if (IsA(node, OpExpr) || IsA(node, DistinctExpr))
		args = ((OpExpr *) node)->args;
	else if (IsA(node, ScalarArrayOpExpr))
		args = ((ScalarArrayOpExpr *) node)->args;
	for (int i = 0; i < 2 && list_length(args) == 2; i++)
	{
		Node	   *column = (Node *) without_casts(list_nth(args, i));
		Node	   *operand = list_nth(args, 1 - i);

		if (column && IsA(column, Var) && !key_depends_on_rows(operand, &no_relid) &&
			(own ? is_key_column_of_statement(relation, (Var *) column) :
			 is_column_of_other_rows(walk->root, (Var *) column)))
		{
			uint32		hash = 0;
			bool		found;
			StatementOperands *entry;

			operand = without_collation(operand);
			hash_operand(operand, &hash);
			entry = hash_search(relation->statement_operands, &hash,
								own ? HASH_ENTER : HASH_FIND, &found);
			if (own)
				entry->operands = lappend(found ? entry->operands : NIL, operand);
			else if (found)
				entry->operands = list_delete(entry->operands, operand);
		}
	}
	CHECK_FOR_INTERRUPTS();
	return expression_tree_walker(node, collect_operands, context);
}

/*
 * Collect, in a relation's context, the operands that the statement itself compares
 * with the relation's key columns: constants, parameters, and expressions of these.
 * PostgreSQL also derives comparisons from equivalence classes: in "images.arn = t.arn
 * AND t.arn = 'x'" the 'x' is a value of t's rows.  So it is where images is in a
 * sub-query, into which PostgreSQL pushes the comparison.
 */
void
key_collect_statement_operands(KeyContext *context)
{
	HASHCTL		ctl = {
		.keysize = sizeof(uint32),
		.entrysize = sizeof(StatementOperands),
		.hcxt = CurrentMemoryContext,
	};

	context->statement_operands = hash_create("imagebuilder_fdw operands", 16, &ctl,
											  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (PlannerInfo *root = context->root; root; root = root->parent_root)
	{
		OperandWalk walk = {.relation = context, .root = root};

		collect_operands((Node *) root->parse->jointree, &walk);
		if (hash_get_num_entries(context->statement_operands) == 0)
			break;
	}
}

static bool
is_from_statement(const KeyContext *context, Expr *operand)
{
	uint32		hash = 0;
	Node	   *value = without_collation((Node *) operand);
	const StatementOperands *entry;

	hash_operand(value, &hash);
	entry = hash_search(context->statement_operands, &hash, HASH_FIND, NULL);
	return entry && list_member(entry->operands, value);
}

/* ---- keys in conditions ---------------------------------------------------------- */

/*
 * Return the key in a comparison, given by its operator and arguments: KEY_EQUAL in
 * "key = expr" or "expr = key", KEY_ANY in "key = ANY (array)"; NULL if it has no key.
 */
static List *
extract_comparison(KeyContext *context, KeyKind kind, Oid opno, Oid collation, List *args,
				   bool *exact)
{
	Expr	   *column;
	Expr	   *operand;
	const Var  *var;

	if (list_length(args) != 2 || !is_text_equality(opno, collation))
		return NULL;
	column = linitial(args);
	operand = lsecond(args);
	if (kind == KEY_EQUAL && !key_is_column(context, column))
	{
		column = lsecond(args);
		operand = linitial(args);
	}
	if (!key_is_column(context, column) || !key_is_known(context, operand))
		return NULL;
	var = key_var(column, context->relid);
	*exact &= binding_keeps_text(var->vartype, var->vartypmod);
	context->exprs = lappend(context->exprs, operand);
	return list_make3(makeInteger(kind), makeInteger(list_length(context->exprs) - 1),
					  makeInteger(is_from_statement(context, operand)));
}

/*
 * Return the key in an OR, each arm of which must have one, or in an AND, where one arm
 * is enough; else NULL.
 */
static List *
extract_arms(KeyContext *context, BoolExpr *expr, bool *exact)
{
	bool		all = expr->boolop == OR_EXPR;
	List	   *nodes = NIL;
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		List	   *node;

		CHECK_FOR_INTERRUPTS();
		node = key_extract(context, lfirst(lc), exact);

		if (node)
			nodes = lappend(nodes, node);
		else if (all)
			return NULL;
		else
			*exact = false;
	}
	return nodes ? list_make2(makeInteger(all ? KEY_OR : KEY_AND), nodes) : NULL;
}

/*
 * Return the key in a condition, NULL if the condition has no key.  Appends the key's
 * expressions to the context's.  Clears *exact if the condition says more than the key.
 */
List *
key_extract(KeyContext *context, Expr *clause, bool *exact)
{
	int			nexprs = list_length(context->exprs);
	const OpExpr *op = NULL;
	List	   *key = NULL;

	if (is_notclause(clause) && IsA(get_notclausearg(clause), DistinctExpr))
		op = (OpExpr *) get_notclausearg(clause);
	else if (IsA(clause, OpExpr))
		op = (OpExpr *) clause;
	if (op)
		key = extract_comparison(context, KEY_EQUAL, op->opno, op->inputcollid, op->args, exact);
	else if (IsA(clause, ScalarArrayOpExpr) && ((ScalarArrayOpExpr *) clause)->useOr)
	{
		const ScalarArrayOpExpr *any = (ScalarArrayOpExpr *) clause;

		key = extract_comparison(context, KEY_ANY, any->opno, any->inputcollid, any->args, exact);
	}
	else if (IsA(clause, NullTest))
	{
		/* The column repeats what was asked for, so it is never null. */
		if (((NullTest *) clause)->nulltesttype == IS_NULL &&
			key_is_column(context, ((NullTest *) clause)->arg))
			key = list_make2(makeInteger(KEY_OR), NIL);
	}
	else if (is_orclause(clause) || is_andclause(clause))
		key = extract_arms(context, (BoolExpr *) clause, exact);
	if (key == NULL)
		context->exprs = list_truncate(context->exprs, nexprs);
	return key;
}

/* Return how many values a key is expected to yield. */
double
key_estimate(PlannerInfo *root, List *key, List *exprs)
{
	double		estimate = 0;
	ListCell   *lc;

	switch (key_kind(key))
	{
		case KEY_EQUAL:
			return 1;
		case KEY_ANY:
			return compat_estimate_array_length(root, list_nth(exprs, intVal(lsecond(key))));
		case KEY_AND:
			foreach(lc, (List *) lsecond(key))
			{
				double		arm = key_estimate(root, lfirst(lc), exprs);

				estimate = foreach_current_index(lc) == 0 ? arm : Min(estimate, arm);
			}
			return estimate;
		case KEY_OR:
			foreach(lc, (List *) lsecond(key))
				estimate += key_estimate(root, lfirst(lc), exprs);
			return estimate;
	}
	return estimate;
}
