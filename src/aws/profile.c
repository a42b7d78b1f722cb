/*
 * profile.c: where a profile of the shared AWS files has its credentials from.
 *
 * A profile may name a role and, as its source, another profile.  The reader follows
 * the sources to the innermost profile, whose own credentials assume the first role.
 * A profile may have a section in both of the files; where both set a key, the
 * credentials file counts.  The rules are botocore's (configloader.py, session.py and
 * credentials.py).  test/unit/test_profile.py compares the two, and lists where they
 * differ.
 *
 * A source that cannot be used is an error: to skip an incomplete or unknown source
 * would be to ask AWS with another identity than the profile means.  An error does not
 * stop the reader, but is kept in the Resolver: only the first is kept, since later
 * ones may be its consequences.
 */
#include "aws/base.h"

#include <fnmatch.h>

#include "aws/ini.h"
#include "aws/profile.h"
#include "secret.h"

/* Bounds of AssumeRole's DurationSeconds. */
#define MIN_DURATION_SECONDS	900
#define MAX_DURATION_SECONDS	43200

#define NEEDS_LOGIN "which needs a person to log in"

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

/* Return a profile in the current memory context; NULL if neither file has it. */
static Profile *
find_profile(const Resolver *r, const char *name, const Profile *referrer)
{
	Profile    *profile = palloc(sizeof(Profile));

	profile->name = name;
	profile->config = ini_find_section(&r->config, name);
	profile->credentials = ini_find_section(&r->credentials, name);
	profile->referrer = referrer;
	return profile->config || profile->credentials ? profile : NULL;
}

static const Setting *
find_setting(const Profile *profile, const char *key)
{
	const Setting *setting = ini_find_setting(profile->credentials, key);

	return setting ? setting : ini_find_setting(profile->config, key);
}

/* True if either file has the key, even without a value. */
static bool
has(const Profile *profile, const char *key)
{
	return find_setting(profile, key) != NULL;
}

/* Keep the first error; "problem" is a clause whose subject is the profile. */
static void
fail(Resolver *r, const Profile *profile, const char *problem)
{
	if (r->error == NULL)
		r->error = psprintf("profile \"%s\" %s", profile->name, problem);
}

/*
 * Return the value of a key, copied and wiped with the current memory context; NULL if
 * the profile does not have the key, or its value is empty.  No setting about
 * credentials can have several lines: the lines after the first are keys indented by
 * mistake.
 */
static char *
value_of(Resolver *r, const Profile *profile, const char *key)
{
	const Setting *setting = find_setting(profile, key);

	if (setting && setting->multiline)
		fail(r, profile, psprintf("has indented lines below its \"%s\"", key));
	if (setting == NULL || setting->length == 0)
		return NULL;
	return secret_copy(setting->value, setting->length);
}

/*
 * Return the value of a key, as value_of() does, but fail if the key or its value
 * is missing: the profile has "for_key", which needs "key", or is "key" itself.
 */
static char *
required(Resolver *r, const Profile *profile, const char *key, const char *for_key)
{
	char	   *value = value_of(r, profile, key);

	if (!has(profile, key))
		fail(r, profile, psprintf("has no \"%s\" beside its \"%s\"", key, for_key));
	else if (value == NULL)
		fail(r, profile, psprintf("has an empty \"%s\"", key));
	return value;
}

/*
 * Fail if a profile sets a key of a source of credentials that the AWS CLI may know
 * how to use, but this server cannot; false if the key is not set.
 */
static bool
refuse_source(Resolver *r, const Profile *profile, const char *key, const char *reason)
{
	if (!has(profile, key))
		return false;
	if (r->error == NULL)
		r->hint = psprintf("Let another profile have \"credential_process = aws configure export-credentials "
						   "--profile %s --format process\": the AWS CLI then gives this profile's "
						   "credentials.", profile->name);
	fail(r, profile, psprintf("uses \"%s\", %s", key, reason));
	return true;
}

/* Take the keys of a profile that has one file's section only; false if it sets none. */
static bool
resolve_keys(Resolver *r, const Profile *part)
{
	AwsCredentials *credentials = &r->plan->credentials;

	if (!has(part, "aws_access_key_id"))
		return false;
	r->plan->source = PROFILE_STATIC;
	credentials->access_key_id = required(r, part, "aws_access_key_id", "aws_access_key_id");
	credentials->secret_access_key = required(r, part, "aws_secret_access_key",
											  "aws_access_key_id");
	credentials->session_token =
		value_of(r, part, has(part, "aws_security_token") ?
				 "aws_security_token" : "aws_session_token");	/* older first */
	return true;
}

/* Take the program that the profile names; false if it names none. */
static bool
resolve_process(Resolver *r, const Profile *profile)
{
	char	   *command;

	if (!has(profile, "credential_process"))
		return false;
	r->plan->source = PROFILE_PROCESS;
	r->plan->process_profile = profile->name;
	command = required(r, profile, "credential_process", "credential_process");
	r->plan->process = command ? ini_split_words(command) : NULL;
	if (command && r->plan->process == NULL)
		fail(r, profile, "has a \"credential_process\" with a quote that is not closed, "
			 "or nothing after a backslash");
	return true;
}

/*
 * True if a key looks like a source of credentials, by the way in which AWS's SDKs
 * name such keys, and is not among those known here.
 */
static bool
is_unknown_source(const char *key)
{
	static const char *const known[] = {
		"credential_process", "credential_source", "source_profile", "sso_session",
		"sso_account_id", "sso_role_name", "sso_start_url", "sso_region",
		"sso_registration_scopes", "login_session", "web_identity_token_file",
	};
	static const char *const patterns[] = {
		"*credential*", "sso_*", "login_*", "source_*", "web_identity_*",
		"?*_process", "?*_session", "?*_token_file",
	};

	for (size_t i = 0; i < lengthof(known); i++)
	{
		if (strcmp(key, known[i]) == 0)
			return false;
	}
	for (size_t i = 0; i < lengthof(patterns); i++)
	{
		if (fnmatch(patterns[i], key, 0) != FNM_NOMATCH)	/* an error counts as a match */
			return true;
	}
	return false;
}

/* Fail if a profile sets a key that looks like an unknown source of credentials. */
static bool
refuse_unknown(Resolver *r, const Profile *profile)
{
	const Section *sections[] = {
		profile->config, profile->config ? &profile->config->file->defaults : NULL,
		profile->credentials, profile->credentials ? &profile->credentials->file->defaults : NULL,
	};

	for (size_t i = 0; i < lengthof(sections); i++)
	{
		for (const Setting *setting = sections[i] ? sections[i]->settings : NULL; setting;
			 setting = setting->next)
		{
			if (is_unknown_source(setting->key))
				return refuse_source(r, profile, setting->key,
									 "which names a source of credentials that is not known");
		}
	}
	return false;
}

/*
 * Fail if a profile without a usable source has an incomplete one: botocore would go
 * on to the container and the instance.
 */
static bool
refuse_half(Resolver *r, const Profile *profile)
{
	static const struct
	{
		const char *half;
		const char *whole;		/* the key that "half" needs */
	}			halves[] = {
		{"aws_secret_access_key", "aws_access_key_id"},
		{"aws_session_token", "aws_access_key_id"},
		{"aws_security_token", "aws_access_key_id"},
		{"source_profile", "role_arn"},
		{"credential_source", "role_arn"},
		{"web_identity_token_file", "web_identity_token_file"},
	};

	for (size_t i = 0; i < lengthof(halves); i++)
	{
		if (has(profile, halves[i].half))
			required(r, profile, halves[i].whole, halves[i].half);
	}
	return refuse_source(r, profile, "sso_session", NEEDS_LOGIN) ||
		refuse_source(r, profile, "sso_start_url", NEEDS_LOGIN) ||
		refuse_source(r, profile, "sso_region", NEEDS_LOGIN);
}

/*
 * Put a profile's own credentials, before any role, into the plan, from the first
 * source that has any, in the order of botocore's ProfileProviderBuilder.  False if no
 * source has any.
 */
static bool
resolve_source(Resolver *r, const Profile *profile)
{
	ProfilePlan *plan = r->plan;
	ProfileRole *role = &plan->web_identity;
	Profile		in_credentials = {.name = profile->name, .credentials = profile->credentials};
	Profile		in_config = {.name = profile->name, .config = profile->config};

	role->web_identity_token_file = value_of(r, profile, "web_identity_token_file");
	if (role->web_identity_token_file)
	{
		plan->source = PROFILE_WEB_IDENTITY;
		role->role_arn = required(r, profile, "role_arn", "web_identity_token_file");
		role->role_session_name = value_of(r, profile, "role_session_name");
		return true;
	}
	return refuse_source(r, profile, "sso_account_id", NEEDS_LOGIN) ||
		refuse_source(r, profile, "sso_role_name", NEEDS_LOGIN) ||
		resolve_keys(r, &in_credentials) ||
		refuse_source(r, profile, "login_session", NEEDS_LOGIN) ||
		refuse_unknown(r, profile) ||
		resolve_process(r, profile) ||
		resolve_keys(r, &in_config) ||
		refuse_half(r, profile);
}

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
	char	   *duration = value_of(r, profile, "duration_seconds");

	if (has(profile, "mfa_serial"))
		fail(r, profile, "uses \"mfa_serial\", which needs a person: "
			 "use a role without MFA, or keys");
	role->role_arn = required(r, profile, "role_arn", "role_arn");
	if (has(profile, "external_id"))
		role->external_id = required(r, profile, "external_id", "external_id");
	role->role_session_name = value_of(r, profile, "role_session_name");

	/* Ignore a duration that is not a number, as botocore does. */
	if (duration && parse_seconds(duration, &role->duration_seconds) &&
		(role->duration_seconds < MIN_DURATION_SECONDS ||
		 role->duration_seconds > MAX_DURATION_SECONDS))
		fail(r, profile,
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

static bool
has_keys(const Profile *profile)
{
	return has(profile, "aws_access_key_id") ||
		has(profile, "aws_secret_access_key");
}

/* Put the source that credential_source names into the plan; names are case-sensitive. */
static void
resolve_credential_source(Resolver *r, const Profile *profile)
{
	static const char *const names[] = {
		[PROFILE_ENVIRONMENT] = "Environment",
		[PROFILE_INSTANCE] = "Ec2InstanceMetadata",
		[PROFILE_CONTAINER] = "EcsContainer",
	};
	const char *source = required(r, profile, "credential_source", "role_arn");

	for (size_t i = 0; source && i < lengthof(names); i++)
	{
		if (names[i] && strcmp(names[i], source) == 0)
		{
			r->plan->source = i;
			return;
		}
	}
	fail(r, profile, "has a \"credential_source\" that is none of \"Environment\", "
		 "\"Ec2InstanceMetadata\" and \"EcsContainer\"");
}

/*
 * Return the profile that a role's source_profile names; NULL, with an error, if it
 * cannot be used.  A profile may name itself if it has keys of its own.
 */
static const Profile *
find_source(Resolver *r, const Profile *profile)
{
	const char *name = required(r, profile, "source_profile", "role_arn");
	const Profile *source = name ? find_profile(r, name, profile) : NULL;

	/* Leave the name out of the message: it may be two lines joined by mistake. */
	if (name && source == NULL)
		fail(r, profile, "has a \"source_profile\" that does not exist");
	if (source == NULL || (strcmp(name, profile->name) == 0 && has_keys(source)) ||
		visit(source))
		return source;
	fail(r, profile, psprintf("has the \"source_profile\" \"%s\", which leads round "
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
	while (profile && has(profile, "role_arn") && !has(profile, "web_identity_token_file") &&
		   !(profile->referrer && has_keys(profile)))
	{
		bool		named = has(profile, "source_profile");

		CHECK_FOR_INTERRUPTS();
		if (named == has(profile, "credential_source"))
		{
			fail(r, profile, named ?
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
	if (profile && !resolve_source(r, profile))
	{
		if (innermost)
			fail(r, innermost, psprintf("has the \"source_profile\" \"%s\", which holds "
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
		.config = {.is_config = true},
		.plan = plan,
	};
	Profile    *profile;
	bool		resolved;

	memset(plan, 0, sizeof(ProfilePlan));
	*hint = NULL;
	if ((*error = ini_read(&r.config, config)) != NULL ||
		(*error = ini_read(&r.credentials, credentials)) != NULL)
		return PROFILE_INVALID;
	profile = find_profile(&r, name, NULL);
	if (profile == NULL)
	{
		*error = psprintf("profile \"%s\" does not exist", name);
		return PROFILE_ABSENT;
	}
	plan->region = value_of(&r, profile, "region");
	resolved = resolve(&r, profile);
	*error = r.error;
	*hint = r.hint;
	if (r.error)
		return PROFILE_INVALID;
	if (!resolved)
		*error = psprintf("profile \"%s\" holds no credentials", name);
	return resolved ? PROFILE_RESOLVED : PROFILE_EMPTY;
}
