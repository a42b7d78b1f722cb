/* provider.h: the providers of credentials. */
#ifndef IMAGEBUILDER_PROVIDER_H
#define IMAGEBUILDER_PROVIDER_H

#include "identity/exchange.h"

/* Provider of credentials. */
typedef struct Provider
{
	const char *name;			/* value of the option "credential_provider" */
	const char *title;			/* in messages */
	FetchState	(*advance) (Fetch *fetch, long *wait);
	bool		unless_profile; /* "default" skips it if the options name a profile */
} Provider;

/*
 * Providers with a file of their own; fetch.c has those that only read the
 * environment.
 */
extern FetchState profile_advance(Fetch *fetch, long *wait);
extern FetchState container_advance(Fetch *fetch, long *wait);
extern FetchState instance_advance(Fetch *fetch, long *wait);

/* Part of the profile provider. */
extern FetchState credential_process_advance(Fetch *fetch, const ProfilePlan *plan, long *wait);

#endif							/* IMAGEBUILDER_PROVIDER_H */
