/*
 * profile.c: where a profile of the shared AWS files has its credentials from.
 *
 * A profile may name a role and, as its source, another profile.  The reader follows
 * the sources to the innermost profile, whose own credentials (profile_source.c) assume
 * the first role.  The rules are botocore's (configloader.py, session.py and
 * credentials.py).  test/unit/test_profile.py compares the two, and lists where they
 * differ.
 */
#include "aws/base.h"

#include "aws/profile_setting.h"

/* Bounds of AssumeRole's DurationSeconds. */
#define MIN_DURATION_SECONDS	900
#define MAX_DURATION_SECONDS	43200

/* Read seconds as Python's int() reads ASCII; false if the text is no number. */
static bool
parse_seconds(const char *text, int *seconds)
{
	bool		negative = *text == '-';
	const char *digits = text + (*text == '-' || *text == '+');
	int			value = 0;

	for (const char *p = digits; *p; p++)
	{
		if (*p == '_' && p > digits && p[-1] != '_' && p[1] != '\0')
			continue;
		if (*p < '0' || *p > '9')
			return false;
		value = Min(value * 10 + (*p - '0'), MAX_DURATION_SECONDS + 1);
	}
	*seconds = negative ? -value : value;
	return *digits != '\0';
}

static void
resolve_role(Resolver *r, const Profile *profile, ProfileRole *role)
{
	char	   *duration = profile_value(r, profile, "duration_seconds");

	if (profile_has(profile, "mfa_serial"))
		profile_fail(r, profile, "uses \"mfa_serial\", which needs a person: "
					 "use a role without MFA, or keys");
	role->role_arn = profile_required(r, profile, "role_arn", "role_arn");
	if (profile_has(profile, "external_id"))
		role->external_id = profile_required(r, profile, "external_id", "external_id");
	role->role_session_name = profile_value(r, profile, "role_session_name");

	/* Ignore a duration that is not a number, as botocore does. */
	if (duration && parse_seconds(duration, &role->duration_seconds) &&
		(role->duration_seconds < MIN_DURATION_SECONDS ||
		 role->duration_seconds > MAX_DURATION_SECONDS))
		profile_fail(r, profile,
					 psprintf("has a \"duration_seconds\" that is not from %d to %d",
							  MIN_DURATION_SECONDS, MAX_DURATION_SECONDS));
}

/* Mark a profile as part of the chain of sources; false if it was part before. */
static bool
visit(const Profile *profile)
{
	Section    *section = profile->config ? profile->config : profile->credentials;
	bool		visited = section->visited;

	section->visited = true;
	return !visited;
}

/* True if a profile assumes a role, and not by a web identity. */
static bool
is_role(const Profile *profile)
{
	return profile_has(profile, "role_arn") && !profile_has(profile, "web_identity_token_file");
}

static bool
has_keys(const Profile *profile)
{
	return profile_has(profile, "aws_access_key_id") ||
		profile_has(profile, "aws_secret_access_key");
}

/* Put the source that credential_source names into the plan; names are case-sensitive. */
static void
resolve_credential_source(Resolver *r, const Profile *profile)
{
	static const struct
	{
		const char *name;
		ProfileSource source;
	}			sources[] = {
		{"Environment", PROFILE_ENVIRONMENT},
		{"Ec2InstanceMetadata", PROFILE_INSTANCE},
		{"EcsContainer", PROFILE_CONTAINER},
	};
	const char *source = profile_required(r, profile, "credential_source", "role_arn");

	for (size_t i = 0; source && i < lengthof(sources); i++)
	{
		if (strcmp(sources[i].name, source) == 0)
		{
			r->plan->source = sources[i].source;
			return;
		}
	}
	profile_fail(r, profile, "has a \"credential_source\" that is none of \"Environment\", "
				 "\"Ec2InstanceMetadata\" and \"EcsContainer\"");
}

/*
 * Return the profile that a role's source_profile names; NULL, with an error, if it
 * cannot be used.  A profile may name itself if it has keys of its own.
 */
static const Profile *
find_source(Resolver *r, const Profile *profile)
{
	const char *name = profile_required(r, profile, "source_profile", "role_arn");
	const Profile *source = name ? profile_find(r, name, profile) : NULL;

	/* Leave the name out of the message: it may be two lines joined by mistake. */
	if (name && source == NULL)
		profile_fail(r, profile, "has a \"source_profile\" that does not exist");
	if (source == NULL || (strcmp(name, profile->name) == 0 && has_keys(source)) ||
		visit(source))
		return source;
	profile_fail(r, profile, psprintf("has the \"source_profile\" \"%s\", which leads round "
									  "in a circle", name));
	return NULL;
}

/*
 * Follow a profile to its sources, as botocore's AssumeRoleProvider does.  False
 * without r->error if the profile sets nothing about credentials; with r->error, the
 * return value means nothing.
 */
static bool
resolve(Resolver *r, const Profile *profile)
{
	const Profile *innermost = NULL;	/* the profile whose role is assumed first */
	ProfileRole *role;

	visit(profile);
	/* A source profile's own keys go before its role; the first profile's do not. */
	while (profile && is_role(profile) && !(profile->referrer && has_keys(profile)))
	{
		bool		named = profile_has(profile, "source_profile");

		CHECK_FOR_INTERRUPTS();
		if (named == profile_has(profile, "credential_source"))
		{
			profile_fail(r, profile, named ?
						 "has both \"source_profile\" and \"credential_source\" for its \"role_arn\"" :
						 "has neither \"source_profile\" nor \"credential_source\" for its \"role_arn\"");
			return false;
		}
		innermost = profile;
		r->plan->nroles++;
		if (!named)
			resolve_credential_source(r, profile);
		profile = named ? find_source(r, profile) : NULL;
	}
	if (r->error)
		return false;
	if (profile && !profile_resolve_source(r, profile))
	{
		if (innermost)
			profile_fail(r, innermost, psprintf("has the \"source_profile\" \"%s\", which holds "
												"no credentials", profile->name));
		return false;
	}
	role = r->plan->roles = palloc0((r->plan->nroles + 1) * sizeof(ProfileRole));
	for (; innermost; innermost = innermost->referrer)
	{
		CHECK_FOR_INTERRUPTS();
		resolve_role(r, innermost, role++);
	}
	return true;
}

/*
 * Find out how to obtain a profile's credentials.
 *
 * The arguments are in UTF-8: the texts of the config and the credentials file, NULL
 * for a file that does not exist (the caller refuses a file with a NUL in it), and the
 * profile's name, "default" if the user gave none.  The plan is allocated in the
 * current memory context.
 *
 * Unless this returns PROFILE_RESOLVED, *error is a clause without a full stop that
 * names the line, or the profile and the key, and shows no value but the name of a
 * profile that exists; *hint, a sentence or NULL, says what the user can do; and only
 * the plan's Region is valid.
 */
ProfileResult
profile_resolve(ProfilePlan *plan, const char *config, const char *credentials,
				const char *name, char **error, char **hint)
{
	Resolver	r = {
		.config = {.kind = "config", .is_config = true},
		.credentials = {.kind = "credentials"},
		.plan = plan,
	};
	Profile    *profile;
	bool		resolved;

	memset(plan, 0, sizeof(ProfilePlan));
	*hint = NULL;
	if ((*error = ini_read(&r.config, config)) != NULL ||
		(*error = ini_read(&r.credentials, credentials)) != NULL)
		return PROFILE_INVALID;
	profile = profile_find(&r, name, NULL);
	if (profile == NULL)
	{
		*error = psprintf("profile \"%s\" does not exist", name);
		return PROFILE_ABSENT;
	}
	plan->region = profile_value(&r, profile, "region");
	resolved = resolve(&r, profile);
	*error = r.error;
	*hint = r.hint;
	if (r.error)
		return PROFILE_INVALID;
	if (!resolved)
		*error = psprintf("profile \"%s\" holds no credentials", name);
	return resolved ? PROFILE_RESOLVED : PROFILE_EMPTY;
}
