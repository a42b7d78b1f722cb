/* profile.h: profiles of the shared AWS config and credentials files. */
#ifndef IMAGEBUILDER_PROFILE_H
#define IMAGEBUILDER_PROFILE_H

#include "aws/sigv4.h"

/* A role to be assumed with the credentials that come before it. */
typedef struct ProfileRole
{
	char	   *role_arn;
	char	   *external_id;	/* NULL: none */
	char	   *role_session_name;	/* NULL: the caller's choice */
	int			duration_seconds;	/* 900 to 43200; 0: the service's default */
} ProfileRole;

/* Where a profile's first credentials come from. */
typedef enum ProfileBase
{
	PROFILE_STATIC,				/* the files themselves */
	PROFILE_ENVIRONMENT,
	PROFILE_INSTANCE,
	PROFILE_CONTAINER,
	PROFILE_WEB_IDENTITY,		/* AssumeRoleWithWebIdentity */
	PROFILE_PROCESS,			/* a program's output */
} ProfileBase;

/* How a profile says that credentials are to be had. */
typedef struct ProfilePlan
{
	ProfileBase base;
	AwsCredentials credentials; /* PROFILE_STATIC's */
	char	   *web_identity_token_file;	/* PROFILE_WEB_IDENTITY's, and its
											 * role */
	char	   *web_identity_role_arn;
	char	   *web_identity_session_name;	/* NULL: the caller's choice */
	char	  **process;		/* PROFILE_PROCESS's program and arguments,
								 * with a NULL after them */
	const char *process_profile;	/* the profile that names the program */
	ProfileRole *roles;			/* to be assumed in this order, the first with
								 * the base's credentials */
	int			nroles;
	char	   *region;			/* of the profile asked for; NULL: none */
} ProfilePlan;

typedef enum ProfileResult
{
	PROFILE_RESOLVED,
	PROFILE_ABSENT,				/* neither file has the profile */
	PROFILE_EMPTY,				/* it is there, with no word of credentials: a
								 * chain of providers goes on to its next */
	PROFILE_INVALID,			/* a mistake, or more than can be done here */
} ProfileResult;

extern ProfileResult profile_resolve(ProfilePlan *plan, const char *config,
									 const char *credentials, const char *name,
									 char **error, char **hint);

#endif							/* IMAGEBUILDER_PROFILE_H */
