/*-------------------------------------------------------------------------
 *
 * fetch.h
 *		Obtaining credentials, step by step and without waiting.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/identity/fetch.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGEBUILDER_FETCH_H
#define IMAGEBUILDER_FETCH_H

#include "aws/issued.h"
#include "aws/profile.h"
#include "config.h"
#include "failure.h"
#include "http/http.h"
#include "identity/signed.h"

/* How far it has come. */
typedef enum FetchState
{
	FETCH_WAITING,				/* for the network, or for a moment to come */
	FETCH_DONE,
	FETCH_ABSENT,				/* a provider is not set up here: the next one */
	FETCH_FAILED,
} FetchState;

/* A request that is repeated until it is answered for good. */
typedef struct Exchange
{
	MemoryContext context;		/* of the current attempt */
	HttpTransfer *transfer;		/* NULL before the first and between attempts */
	int			attempts;
	int64		retry_at;		/* of clock.h */
	const char *secrets[SIGNED_MAX_SECRETS + 1];	/* not to be shown */
} Exchange;

struct Provider;

/* One go at obtaining credentials; all of it is in one memory context. */
typedef struct Fetch
{
	const ClientConfig *config;
	const char *region;			/* of STS, unless something else says it */
	MemoryContext context;
	const struct Provider *provider;	/* being asked; NULL: has answered */
	bool		chain;			/* if it is absent, ask the next */
	int			stage;			/* the provider's own; 0: it has to begin */
	void	   *memory;			/* the same */
	HttpRequest request;		/* the same: what is asked, if not of STS */
	Exchange	exchange;
	ProfileRole *roles;			/* to be assumed then, in this order */
	int			nroles;
	int			next_role;
	IssuedCredentials issued;	/* as far as they are */
	const Failure *failure;
} Fetch;

/* Where credentials come from. */
typedef struct Provider
{
	const char *name;			/* as the option "credential_provider" has it */
	const char *title;			/* in messages */
	FetchState	(*advance) (Fetch *fetch, long *wait);
} Provider;

extern const Provider *provider_find(const char *name);
extern const char *provider_problem(const char *name);

extern Fetch *fetch_create(MemoryContext parent, const ClientConfig *config,
						   const char *region);
extern void fetch_ask(Fetch *fetch, const Provider *provider);
extern FetchState fetch_advance(Fetch *fetch, long *wait);
extern FetchState fetch_exchange(Fetch *fetch, HttpTransfer *(*send) (Fetch *),
								 int tries, long *wait);
extern FetchState fetch_request(Fetch *fetch, int tries, long *wait);
extern void fetch_next_request(Fetch *fetch);
extern FetchState fetch_fail(Fetch *fetch, const char *cause, const char *detail,
							 const char *hint);
extern FetchState fetch_fail_unanswered(Fetch *fetch, const char *cause);
extern FetchState fetch_take_issued(Fetch *fetch, const char *cause);
extern void fetch_wait_until(long *wait, long ms);

/* The providers; each is a file. */
extern FetchState environment_advance(Fetch *fetch, long *wait);
extern FetchState profile_advance(Fetch *fetch, long *wait);
extern FetchState web_identity_advance(Fetch *fetch, long *wait);
extern FetchState container_advance(Fetch *fetch, long *wait);
extern FetchState instance_advance(Fetch *fetch, long *wait);

#endif							/* IMAGEBUILDER_FETCH_H */
