/* readahead.h: joins that look up ahead of the rows that they join. */
#ifndef IMAGEBUILDER_READAHEAD_H
#define IMAGEBUILDER_READAHEAD_H

#include "fdw/fdw.h"
#include "nodes/extensible.h"

#define READ_AHEAD_NAME		"Image Builder Read Ahead"

typedef struct RowKeyState RowKeyState;

extern const CustomScanMethods readahead_scan_methods;
extern const CustomScanMethods guard_scan_methods;

/* Planning. */
extern void readahead_plan_init(void);
extern void guard_nested_loop(NestPath *loop);
extern List *guard_clauses_of_path(const Path *path);
extern Path *readahead_wrap(Path *input, const CustomPathMethods *methods,
							List *custom_private, uint32 flags);
extern bool row_key_has_scan(Path *path);
extern List *row_key_list_of_path(Path *path);
extern List *row_key_list_of_targets(PlannerInfo *root);
extern bool row_key_fits(PlannerInfo *root, PlannedKey *key, const Path *outer);

/* Execution. */
extern void readahead_end_input(CustomScanState *node);
extern void readahead_rescan_input(CustomScanState *node);
extern RowKeyState *row_key_state_create(const PlannedKey *planned, PlanState *parent);
extern List *row_key_state_evaluate(RowKeyState *key, ExprContext *econtext);

#endif							/* IMAGEBUILDER_READAHEAD_H */
