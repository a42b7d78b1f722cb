/* compat.h: what differs between PostgreSQL 15 to 19, and between versions of libcurl. */
#ifndef IMAGEBUILDER_COMPAT_H
#define IMAGEBUILDER_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "imagebuilder_fdw needs PostgreSQL 15 or later"
#endif

#include <curl/curlver.h>

#include "access/xact.h"
#include "commands/explain.h"
#include "common/jsonapi.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "optimizer/appendinfo.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "storage/latch.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#include "storage/waiteventset.h"
#endif
#include "utils/selfuncs.h"
#include "utils/wait_event.h"

/*
 * PostgreSQL 16 and later compile extensions with -fvisibility=hidden, and PGDLLEXPORT
 * exports what the backend looks up, so that no other library's function of an equal
 * name is called in place of one of this library.  For PostgreSQL 15 the Makefile
 * passes the flag, and the attribute and the declaration are here.
 */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif
#define COMPAT_FUNCTION_INFO_V1(name) \
	extern PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name)

/* PostgreSQL 18 spells noreturn as C23 does, before the declaration. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/*
 * PostgreSQL 17 lets the caller own a JSON lexer, takes a resource owner (NULL for
 * none) in place of a wait event set's memory context, lets extensions name their wait
 * events, passes the planner's root to look at statistics, and allows internal
 * subtransactions in parallel mode.
 */
#if PG_VERSION_NUM >= 170000
#define compat_json_lexer(json, length) \
	makeJsonLexContextCstringLen(NULL, json, length, PG_UTF8, false)
#define compat_json_lexer_free(lex) freeJsonLexContext(lex)
#define compat_session_wait_event_set(nevents) CreateWaitEventSet(NULL, nevents)
#define compat_wait_event(name) WaitEventExtensionNew(name)
#define compat_estimate_array_length(root, array) estimate_array_length(root, array)
#define compat_can_nest_transaction() true
#else
#define compat_json_lexer(json, length) \
	makeJsonLexContextCstringLen(unconstify(char *, json), (int) (length), PG_UTF8, false)
#define compat_json_lexer_free(lex) pfree(lex)
#define compat_session_wait_event_set(nevents) CreateWaitEventSet(TopMemoryContext, nevents)
#define compat_wait_event(name) PG_WAIT_EXTENSION
#define compat_estimate_array_length(root, array) estimate_array_length(array)
#define compat_can_nest_transaction() (!IsInParallelMode())
#endif

/* Create a foreign path: PostgreSQL 17 added a parameter, and PostgreSQL 18 another. */
static inline ForeignPath *
compat_foreign_path(PlannerInfo *root, RelOptInfo *rel, double rows, bool disabled,
					Cost startup_cost, Cost total_cost, Relids required_outer,
					List *fdw_private)
{
	return create_foreignscan_path(root, rel, NULL, rows,
#if PG_VERSION_NUM >= 180000
	/* Rank the path after any plan in which some nodes are disabled. */
								   disabled ? 1000 : 0,
#endif
								   startup_cost, total_cost, NIL,
								   required_outer, NULL,
#if PG_VERSION_NUM >= 170000
								   NIL,
#endif
								   fdw_private);
}

/*
 * PostgreSQL 18 takes the operator family of the equality, counts disabled nodes
 * instead of adding to their costs, and removed ExecutorRun's execute_once.
 */
#if PG_VERSION_NUM >= 180000
#define compat_exprs_known_equal(root, a, b) exprs_known_equal(root, a, b, InvalidOid)
#define compat_copy_disabled_nodes(to, from) ((to)->disabled_nodes = (from)->disabled_nodes)
#define COMPAT_EXECUTOR_RUN_PARAMETERS \
	QueryDesc *queryDesc, ScanDirection direction, uint64 count
#define COMPAT_EXECUTOR_RUN_ARGUMENTS	queryDesc, direction, count
#else
#define compat_exprs_known_equal(root, a, b) exprs_known_equal(root, a, b)
#define compat_copy_disabled_nodes(to, from) ((void) 0)
#define COMPAT_EXECUTOR_RUN_PARAMETERS \
	QueryDesc *queryDesc, ScanDirection direction, uint64 count, bool execute_once
#define COMPAT_EXECUTOR_RUN_ARGUMENTS	queryDesc, direction, count, execute_once
#endif

/*
 * Return the input of a path that removes duplicates, in a list; NIL for another path.
 * PostgreSQL 19 renamed UpperUniquePath to UniquePath, and replaced the earlier
 * UniquePath by an AggPath.
 */
static inline List *
compat_unique_input(Path *path)
{
	if (IsA(path, UniquePath))
		return list_make1(((UniquePath *) path)->subpath);
#if PG_VERSION_NUM < 190000
	if (IsA(path, UpperUniquePath))
		return list_make1(((UpperUniquePath *) path)->subpath);
#endif
	return NIL;
}

/*
 * Return the user whose privileges a scan is checked with: PostgreSQL 16 moved
 * checkAsUser from the range table entry to the plan node.
 */
static inline Oid
compat_scan_user(ForeignScanState *node)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;

#if PG_VERSION_NUM >= 160000
	return plan->checkAsUser;
#else
	return exec_rt_fetch(plan->scan.scanrelid, node->ss.ps.state)->checkAsUser;
#endif
}

/*
 * Adjust an expression to a child relation: PostgreSQL 16 takes the relations instead
 * of their sets of base relations.
 */
static inline Node *
compat_adjust_to_child(PlannerInfo *root, Node *node, RelOptInfo *child_rel)
{
#if PG_VERSION_NUM >= 160000
	return adjust_appendrel_attrs_multilevel(root, node, child_rel, child_rel->top_parent);
#else
	return adjust_appendrel_attrs_multilevel(root, node, child_rel->relids,
											 child_rel->top_parent_relids);
#endif
}

/* libcurl 7.85 replaced the bit mask of allowed protocols by a string. */
#if LIBCURL_VERSION_NUM >= 0x075500
#define compat_curl_set_protocol(handle, tls) \
	curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, (tls) ? "https" : "http")
#else
#define compat_curl_set_protocol(handle, tls) \
	curl_easy_setopt(handle, CURLOPT_PROTOCOLS, \
					 (long) ((tls) ? CURLPROTO_HTTPS : CURLPROTO_HTTP))
#endif

/*
 * libcurl 7.87 can drop a transfer while its host's name is being resolved, and caches
 * the certificate authorities that it has read for a day, unless told not to.
 */
#if LIBCURL_VERSION_NUM >= 0x075700
#define compat_curl_set_quick_exit(handle) \
	curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L)
#define compat_curl_set_no_ca_cache(handle) \
	curl_easy_setopt(handle, CURLOPT_CA_CACHE_TIMEOUT, 0L)
#else
#define compat_curl_set_quick_exit(handle) ((void) (handle), CURLE_OK)
#define compat_curl_set_no_ca_cache(handle) ((void) (handle), CURLE_OK)
#endif

/* libcurl 7.70 tells which file of certificate authorities it has by default. */
#if LIBCURL_VERSION_NUM >= 0x074600
#define compat_curl_ca_file(info) \
	((info)->age >= CURLVERSION_SEVENTH ? (info)->cainfo : NULL)
#else
#define compat_curl_ca_file(info) ((void) (info), (const char *) NULL)
#endif

/* libcurl 8.7 keeps the buffer that it receives a transfer into for the next transfer. */
#define COMPAT_CURL_KEEPS_BUFFER	(LIBCURL_VERSION_NUM >= 0x080700)

/*
 * libcurl 7.80 calls CURLOPT_PREREQFUNCTION when it has connected and is about to send
 * the request.  Earlier versions show this by a CURLINFO_PRETRANSFER_TIME above 0,
 * which later versions report for failed connections, too.
 */
#if LIBCURL_VERSION_NUM >= 0x075000
#define compat_curl_tell_ready(handle, tell, data) \
	((void) curl_easy_setopt(handle, CURLOPT_PREREQDATA, data), \
	 curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, tell))
#define compat_curl_is_ready(told, pretransfer_time) ((void) (pretransfer_time), (told))
#else
#define compat_curl_tell_ready(handle, tell, data) \
	((void) (handle), (void) (tell), (void) (data), CURLE_OK)
#define compat_curl_is_ready(told, pretransfer_time) ((void) (told), (pretransfer_time) > 0)
#endif

#endif							/* IMAGEBUILDER_COMPAT_H */
