/* profile_setting.h: a profile's settings, and errors in them. */
#ifndef IMAGEBUILDER_PROFILE_SETTING_H
#define IMAGEBUILDER_PROFILE_SETTING_H

#include "aws/ini.h"
#include "aws/profile.h"

typedef struct Profile
{
	const char *name;
	Section    *config;			/* NULL if the file has no section */
	Section    *credentials;
	const struct Profile *referrer; /* has this one as its source_profile; or NULL */
} Profile;

/* State of profile_resolve(): the files, the plan, and the first error found. */
typedef struct Resolver
{
	IniFile		config;
	IniFile		credentials;
	ProfilePlan *plan;
	char	   *error;			/* NULL: none so far */
	char	   *hint;			/* hint for that error; NULL: none */
} Resolver;

extern Profile *profile_find(const Resolver *r, const char *name, const Profile *referrer);
extern void profile_fail(Resolver *r, const Profile *profile, const char *problem);
extern bool profile_has(const Profile *profile, const char *key);
extern char *profile_value(Resolver *r, const Profile *profile, const char *key);
extern char *profile_required(Resolver *r, const Profile *profile, const char *key,
							  const char *for_key);

/* Function of profile_source.c. */
extern bool profile_resolve_source(Resolver *r, const Profile *profile);

#endif							/* IMAGEBUILDER_PROFILE_SETTING_H */
