/*
 * compat.h: the differences between PostgreSQL 15 to 19, and between versions of
 * libcurl, in one place.
 */
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
 * PostgreSQL 16 and later compile extensions with hidden names and have PGDLLEXPORT
 * export what the backend looks up: another library's function of a name that this
 * one has, too, cannot be called in its place.  For 15 the Makefile gives the
 * compiler's flag, and the attribute and the declaration are here.
 */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif
#define COMPAT_FUNCTION_INFO_V1(name) \
	extern PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name)

/* 18 spells it as C23 does, before the declaration. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* PostgreSQL 17 lets the caller own the lexer, and came with the function that frees it. */
static inline JsonLexContext *
compat_json_lexer(const char *json, size_t length)
{
#if PG_VERSION_NUM >= 170000
	return makeJsonLexContextCstringLen(NULL, json, length, PG_UTF8, false);
#else
	return makeJsonLexContextCstringLen(unconstify(char *, json), (int) length,
										PG_UTF8, false);
#endif
}

static inline void
compat_json_lexer_free(JsonLexContext *lex)
{
#if PG_VERSION_NUM >= 170000
	freeJsonLexContext(lex);
#else
	pfree(lex);
#endif
}

/* 17 ties wait event sets to resource owners; ours lasts as the session. */
static inline WaitEventSet *
compat_session_wait_event_set(int nevents)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(NULL, nevents);
#else
	return CreateWaitEventSet(TopMemoryContext, nevents);
#endif
}

/* 17 lets extensions name their wait events. */
static inline uint32
compat_wait_event(const char *name)
{
#if PG_VERSION_NUM >= 170000
	return WaitEventExtensionNew(name);
#else
	(void) name;
	return PG_WAIT_EXTENSION;
#endif
}

/* 17 added fdw_restrictinfo, 18 disabled_nodes. */
static inline ForeignPath *
compat_foreign_path(PlannerInfo *root, RelOptInfo *rel, double rows, bool disabled,
					Cost startup_cost, Cost total_cost, Relids required_outer,
					List *fdw_private)
{
	(void) disabled;
	return create_foreignscan_path(root, rel, NULL, rows,
#if PG_VERSION_NUM >= 180000
	/* Worse than any plan in which some nodes are disabled. */
								   disabled ? 1000 : 0,
#endif
								   startup_cost, total_cost, NIL,
								   required_outer, NULL,
#if PG_VERSION_NUM >= 170000
								   NIL,
#endif
								   fdw_private);
}

/* 17 looks at statistics for it. */
#if PG_VERSION_NUM >= 170000
#define compat_estimate_array_length(root, array) estimate_array_length(root, array)
#else
#define compat_estimate_array_length(root, array) estimate_array_length(array)
#endif

/* 18 asks for the kind of equality. */
#if PG_VERSION_NUM >= 180000
#define compat_exprs_known_equal(root, a, b) exprs_known_equal(root, a, b, InvalidOid)
#else
#define compat_exprs_known_equal(root, a, b) exprs_known_equal(root, a, b)
#endif

/* 18 counts what is disabled instead of adding to costs. */
#if PG_VERSION_NUM >= 180000
#define compat_copy_disabled_nodes(to, from) ((to)->disabled_nodes = (from)->disabled_nodes)
#else
#define compat_copy_disabled_nodes(to, from) ((void) 0)
#endif

/* 19 made UniquePath what UpperUniquePath was, and the other an AggPath. */
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

/* 16 moved the user whom a scan is checked as from the range table. */
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

/* Whether a subtransaction can be started; 17 allows it in parallel mode. */
static inline bool
compat_can_nest_transaction(void)
{
#if PG_VERSION_NUM >= 170000
	return true;
#else
	return !IsInParallelMode();
#endif
}

/* 18 has the executor's callers say less. */
#if PG_VERSION_NUM >= 180000
#define COMPAT_EXECUTOR_RUN_PARAMETERS \
	QueryDesc *queryDesc, ScanDirection direction, uint64 count
#define COMPAT_EXECUTOR_RUN_ARGUMENTS	queryDesc, direction, count
#else
#define COMPAT_EXECUTOR_RUN_PARAMETERS \
	QueryDesc *queryDesc, ScanDirection direction, uint64 count, bool execute_once
#define COMPAT_EXECUTOR_RUN_ARGUMENTS	queryDesc, direction, count, execute_once
#endif

/* 16 takes the relations instead of their sets of base relations. */
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

/* libcurl 7.85 made a string of what was a set of bits. */
#if LIBCURL_VERSION_NUM >= 0x075500
#define compat_curl_set_protocol(handle, tls) \
	curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, (tls) ? "https" : "http")
#else
#define compat_curl_set_protocol(handle, tls) \
	curl_easy_setopt(handle, CURLOPT_PROTOCOLS, \
					 (long) ((tls) ? CURLPROTO_HTTPS : CURLPROTO_HTTP))
#endif

/* Since 7.87 a transfer can be dropped while its host's name is resolved. */
#if LIBCURL_VERSION_NUM >= 0x075700
#define compat_curl_set_quick_exit(handle) \
	curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L)
#else
#define compat_curl_set_quick_exit(handle) ((void) (handle), CURLE_OK)
#endif

/* The same version keeps what it has read of certificate authorities for a day. */
#if LIBCURL_VERSION_NUM >= 0x075700
#define compat_curl_set_no_ca_cache(handle) \
	curl_easy_setopt(handle, CURLOPT_CA_CACHE_TIMEOUT, 0L)
#else
#define compat_curl_set_no_ca_cache(handle) ((void) (handle), CURLE_OK)
#endif

/* 8.7 keeps the buffer that a transfer is received into for the next one. */
#define COMPAT_CURL_KEEPS_BUFFER	(LIBCURL_VERSION_NUM >= 0x080700)

/*
 * A chunk that is none is CURLE_RECV_ERROR in all versions, as is a connection
 * that breaks; only the former's messages speak of chunks.
 */
#define compat_curl_is_bad_chunk(result, message) \
	((result) == CURLE_RECV_ERROR && strstr(message, "chunk") != NULL)

/*
 * 7.80 says when a connection is there and its request about to be sent.  Before,
 * a time told, which later releases have for connections that fail, too.
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
