/* profile.h: profiles of the shared AWS config and credentials files. */
#ifndef IMAGEBUILDER_PROFILE_H
#define IMAGEBUILDER_PROFILE_H

#include "aws/sigv4.h"

/* Role to assume with the credentials of the preceding step of the plan. */
typedef struct ProfileRole
{
	char	   *role_arn;
	char	   *external_id;	/* NULL: none */
	char	   *role_session_name;	/* NULL: the caller's choice */
	int			duration_seconds;	/* 900 to 43200; 0: the service's default */
	char	   *web_identity_token_file;	/* has a token, by which the role is assumed
											 * in place of credentials; NULL: none */
} ProfileRole;

/* Source of a profile's first credentials. */
typedef enum ProfileSource
{
	PROFILE_STATIC,				/* the keys in the files themselves */
	PROFILE_ENVIRONMENT,
	PROFILE_INSTANCE,
	PROFILE_CONTAINER,
	PROFILE_WEB_IDENTITY,		/* AssumeRoleWithWebIdentity */
	PROFILE_PROCESS,			/* a program's output */
} ProfileSource;

/* Plan of how to obtain a profile's credentials. */
typedef struct ProfilePlan
{
	ProfileSource source;
	AwsCredentials credentials; /* for PROFILE_STATIC */
	ProfileRole web_identity;	/* for PROFILE_WEB_IDENTITY */
	char	  **process;		/* for PROFILE_PROCESS: the program and its arguments, and
								 * a NULL */
	const char *process_profile;	/* the profile that names the program */
	ProfileRole *roles;			/* to assume in this order, the first with the source's
								 * credentials */
	int			nroles;
	char	   *region;			/* of the profile asked for; NULL if not set */
} ProfilePlan;

typedef enum ProfileResult
{
	PROFILE_RESOLVED,
	PROFILE_ABSENT,				/* neither file has the profile */
	PROFILE_EMPTY,				/* it sets nothing about credentials: a chain of providers
								 * goes on to its next */
	PROFILE_INVALID,			/* a mistake, or a source that this library cannot use */
} ProfileResult;

extern ProfileResult profile_resolve(ProfilePlan *plan, const char *config,
									 const char *credentials, const char *name,
									 char **error, char **hint);

#endif							/* IMAGEBUILDER_PROFILE_H */
