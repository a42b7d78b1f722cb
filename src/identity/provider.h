/* provider.h: where credentials come from. */
#ifndef IMAGEBUILDER_PROVIDER_H
#define IMAGEBUILDER_PROVIDER_H

#include "identity/exchange.h"

/* Where credentials come from. */
typedef struct Provider
{
	const char *name;			/* as the option "credential_provider" has it */
	const char *title;			/* in messages */
	FetchState	(*advance) (Fetch *fetch, long *wait);
	bool		unless_profile; /* not by default if a profile is named */
} Provider;

/* Each is a file; fetch.c has those that only read the environment. */
extern FetchState profile_advance(Fetch *fetch, long *wait);
extern FetchState container_advance(Fetch *fetch, long *wait);
extern FetchState instance_advance(Fetch *fetch, long *wait);

/* A profile's. */
extern FetchState credential_process_advance(Fetch *fetch, const ProfilePlan *plan, long *wait);

#endif							/* IMAGEBUILDER_PROVIDER_H */
