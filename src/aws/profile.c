/*
 * profile.c: profiles of the shared AWS config and credentials files.
 *
 * The rules are botocore's (configloader.py, session.py and credentials.py).
 * test/unit/test_profile.py compares the two, and lists where they differ.
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#include "miscadmin.h"
#endif

#include "aws/ini.h"
#include "aws/profile.h"
#include "secret.h"

#ifdef FRONTEND
#define CHECK_FOR_INTERRUPTS()	((void) 0)
#endif

/* What AssumeRole takes. */
#define MIN_DURATION_SECONDS	900
#define MAX_DURATION_SECONDS	43200

#define NEEDS_LOGIN "which needs a person to log in"

typedef struct Profile
{
	const char *name;
	Section    *config;			/* NULL if not there */
	Section    *credentials;
	const struct Profile *user; /* whose source_profile it is; or NULL */
} Profile;

typedef struct Resolver
{
	IniFile		config;
	IniFile		credentials;
	ProfilePlan *plan;
	char	   *error;			/* NULL: none so far */
	char	   *hint;			/* for that error; NULL: none */
} Resolver;

/* ---- the profiles ------------------------------------------------------- */

/* NULL if neither file has it. */
static Profile *
find_profile(const Resolver *r, const char *name, const Profile *user)
{
	Profile    *profile = palloc(sizeof(Profile));

	profile->name = name;
	profile->config = ini_find_section(&r->config, name);
	profile->credentials = ini_find_section(&r->credentials, name);
	profile->user = user;
	return profile->config || profile->credentials ? profile : NULL;
}

/* The credentials file's word counts before the config file's. */
static const Setting *
find_merged(const Profile *profile, const char *key)
{
	const Setting *setting = ini_find_setting(profile->credentials, key);

	return setting ? setting : ini_find_setting(profile->config, key);
}

static bool
has(const Profile *profile, const char *key)
{
	return find_merged(profile, key) != NULL;
}

/* The first error counts: those after it may come of it. */
static void
fail(Resolver *r, char *error)
{
	if (r->error == NULL)
		r->error = error;
}

/*
 * The value of a setting, copied and wiped with the current memory context;
 * NULL if it is not there or is empty.  None that is asked for here can have
 * several lines: that is a key indented by mistake.
 */
static char *
value_of(Resolver *r, const Profile *profile, const Setting *setting)
{
	if (setting && setting->multiline)
		fail(r, psprintf("profile \"%s\" has indented lines below its \"%s\"",
						 profile->name, setting->key));
	if (setting == NULL || setting->length == 0)
		return NULL;
	return secret_copy(setting->value, setting->length);
}

static char *
merged_value(Resolver *r, const Profile *profile, const char *key)
{
	return value_of(r, profile, find_merged(profile, key));
}

/*
 * The same of a key that must have one, for the sake of another (which may be
 * itself): in one of the files' sections, or if section is NULL, in any.
 */
static char *
required_value(Resolver *r, const Profile *profile, const Section *section,
			   const char *key, const char *for_key)
{
	const Setting *setting = section ? ini_find_setting(section, key) : find_merged(profile, key);
	char	   *value = value_of(r, profile, setting);

	if (setting == NULL)
		fail(r, psprintf("profile \"%s\" has no \"%s\" beside its \"%s\"",
						 profile->name, key, for_key));
	else if (value == NULL)
		fail(r, psprintf("profile \"%s\" has an empty \"%s\"", profile->name, key));
	return value;
}

/* Whether a key is there that nobody could serve in a server. */
static bool
refuse(Resolver *r, const Profile *profile, const char *key, const char *reason)
{
	if (!has(profile, key))
		return false;
	fail(r, psprintf("profile \"%s\" uses \"%s\", %s", profile->name, key, reason));
	return true;
}

/* Refuse a key that names a source of credentials which the AWS CLI may know how to use. */
static bool
refuse_source(Resolver *r, const Profile *profile, const char *key, const char *reason)
{
	bool		first = r->error == NULL;

	if (!refuse(r, profile, key, reason))
		return false;
	if (first)
		r->hint = psprintf("Let another profile have \"credential_process = aws configure export-credentials "
						   "--profile %s --format process\": the AWS CLI then gives this profile's "
						   "credentials.", profile->name);
	return true;
}

/* ---- what they ask for -------------------------------------------------- */

/* Whether there are keys, or a part of them, in one of the files. */
static bool
resolve_keys(Resolver *r, const Profile *profile, const Section *section)
{
	AwsCredentials *credentials = &r->plan->credentials;
	const Setting *token;

	if (!ini_find_setting(section, "aws_access_key_id"))
		return false;
	r->plan->base = PROFILE_STATIC;
	credentials->access_key_id =
		required_value(r, profile, section, "aws_access_key_id", "aws_access_key_id");
	credentials->secret_access_key =
		required_value(r, profile, section, "aws_secret_access_key", "aws_access_key_id");
	token = ini_find_setting(section, "aws_security_token");	/* the older name */
	credentials->session_token =
		value_of(r, profile, token ? token : ini_find_setting(section, "aws_session_token"));
	return true;
}

/* Whether a program is to be run. */
static bool
resolve_process(Resolver *r, const Profile *profile)
{
	char	   *command;

	if (!has(profile, "credential_process"))
		return false;
	r->plan->base = PROFILE_PROCESS;
	r->plan->process_profile = profile->name;
	command = required_value(r, profile, NULL, "credential_process", "credential_process");
	r->plan->process = command ? ini_split_words(command) : NULL;
	if (command && r->plan->process == NULL)
		fail(r, psprintf("profile \"%s\" has a \"credential_process\" with a quote that is not closed, "
						 "or nothing after a backslash", profile->name));
	return true;
}

/*
 * Whether a key names, by the way that AWS's SDKs name such keys, a source of
 * credentials, and none that is known here.
 */
static bool
is_unknown_source(const char *key)
{
	static const char *const known[] = {
		"credential_process", "credential_source", "source_profile", "sso_session",
		"sso_account_id", "sso_role_name", "sso_start_url", "sso_region",
		"sso_registration_scopes", "login_session", "web_identity_token_file",
	};
	static const char *const starts[] = {"sso_", "login_", "source_", "web_identity_"};
	static const char *const ends[] = {"_process", "_session", "_token_file"};
	size_t		length = strlen(key);
	bool		is_source = strstr(key, "credential") != NULL;

	for (size_t i = 0; i < lengthof(known); i++)
	{
		if (strcmp(key, known[i]) == 0)
			return false;
	}
	for (size_t i = 0; i < lengthof(starts); i++)
		is_source |= strncmp(key, starts[i], strlen(starts[i])) == 0;
	for (size_t i = 0; i < lengthof(ends); i++)
		is_source |= length > strlen(ends[i]) &&
			strcmp(key + length - strlen(ends[i]), ends[i]) == 0;
	return is_source;
}

/*
 * Whether a profile has a key that names an unknown source.  What AWS's SDKs
 * would take from there, nobody here can: to pass the key over would be to ask
 * as another than the profile means.
 */
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
 * Whether a profile in which no source was found has the half of one.  botocore
 * goes on to the container and the instance, as for a profile without any word
 * of credentials: that would be to ask as another than the profile means.
 */
static bool
refuse_half(Resolver *r, const Profile *profile)
{
	static const struct
	{
		const char *half;
		const char *whole;		/* that the half needs */
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
			required_value(r, profile, NULL, halves[i].whole, halves[i].half);
	}
	return refuse_source(r, profile, "sso_session", NEEDS_LOGIN) ||
		refuse_source(r, profile, "sso_start_url", NEEDS_LOGIN) ||
		refuse_source(r, profile, "sso_region", NEEDS_LOGIN);
}

/*
 * The credentials of a profile itself, from the first of the providers that
 * finds any, in the order of botocore's ProfileProviderBuilder.  False if
 * none does; if one fails, r->error says so.
 */
static bool
resolve_base(Resolver *r, const Profile *profile)
{
	ProfilePlan *plan = r->plan;

	plan->web_identity_token_file = merged_value(r, profile, "web_identity_token_file");
	if (plan->web_identity_token_file)
	{
		plan->base = PROFILE_WEB_IDENTITY;
		plan->web_identity_role_arn =
			required_value(r, profile, NULL, "role_arn", "web_identity_token_file");
		plan->web_identity_session_name = merged_value(r, profile, "role_session_name");
		return true;
	}
	return refuse_source(r, profile, "sso_account_id", NEEDS_LOGIN) ||
		refuse_source(r, profile, "sso_role_name", NEEDS_LOGIN) ||
		resolve_keys(r, profile, profile->credentials) ||
		refuse_source(r, profile, "login_session", NEEDS_LOGIN) ||
		refuse_unknown(r, profile) ||
		resolve_process(r, profile) ||
		resolve_keys(r, profile, profile->config) ||
		refuse_half(r, profile);
}

/* As Python's int() reads it, in ASCII.  False if it is no number. */
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
	char	   *duration = merged_value(r, profile, "duration_seconds");

	refuse(r, profile, "mfa_serial",
		   "which needs a person: use a role without MFA, or keys");
	role->role_arn = required_value(r, profile, NULL, "role_arn", "role_arn");
	if (has(profile, "external_id"))
		role->external_id = required_value(r, profile, NULL, "external_id", "external_id");
	role->role_session_name = merged_value(r, profile, "role_session_name");

	/* botocore does without what is no number, so that others may not fail. */
	if (duration && parse_seconds(duration, &role->duration_seconds) &&
		(role->duration_seconds < MIN_DURATION_SECONDS ||
		 role->duration_seconds > MAX_DURATION_SECONDS))
		fail(r, psprintf("profile \"%s\" has a \"duration_seconds\" that is not from %d to %d",
						 profile->name, MIN_DURATION_SECONDS, MAX_DURATION_SECONDS));
}

/* Note that a profile is asked for a role's credentials; false if it was before. */
static bool
visit(const Profile *profile)
{
	Section    *section = profile->config ? profile->config : profile->credentials;
	bool		visited = section->visited;

	section->visited = true;
	return !visited;
}

/* Whether a role is to be assumed, not by a web identity. */
static bool
is_role(const Profile *profile)
{
	return has(profile, "role_arn") && !has(profile, "web_identity_token_file");
}

static bool
has_keys(const Profile *profile)
{
	return has(profile, "aws_access_key_id") || has(profile, "aws_secret_access_key");
}

/* The base for a role's credential_source; the names are to be written just so. */
static void
resolve_source(Resolver *r, const Profile *profile)
{
	static const struct
	{
		const char *name;
		ProfileBase base;
	}			sources[] = {
		{"Environment", PROFILE_ENVIRONMENT},
		{"Ec2InstanceMetadata", PROFILE_INSTANCE},
		{"EcsContainer", PROFILE_CONTAINER},
	};
	const char *source = required_value(r, profile, NULL, "credential_source", "role_arn");

	for (size_t i = 0; source && i < lengthof(sources); i++)
	{
		if (strcmp(sources[i].name, source) == 0)
		{
			r->plan->base = sources[i].base;
			return;
		}
	}
	fail(r, psprintf("profile \"%s\" has a \"credential_source\" that is none of "
					 "\"Environment\", \"Ec2InstanceMetadata\" and \"EcsContainer\"",
					 profile->name));
}

/*
 * The profile that a role's source_profile names; NULL if it will not do.  A
 * profile may name itself, for keys of its own.
 */
static const Profile *
find_source(Resolver *r, const Profile *profile)
{
	const char *name = required_value(r, profile, NULL, "source_profile", "role_arn");
	const Profile *source = name ? find_profile(r, name, profile) : NULL;

	/* Not by its value, which may be a line run into another. */
	if (name && source == NULL)
		fail(r, psprintf("profile \"%s\" has a \"source_profile\" that does not exist",
						 profile->name));
	if (source == NULL || (strcmp(name, profile->name) == 0 && has_keys(source)) ||
		visit(source))
		return source;
	fail(r, psprintf("profile \"%s\" has the \"source_profile\" \"%s\", which leads round "
					 "in a circle", profile->name, name));
	return NULL;
}

/*
 * Follow a profile to its source, and on, as botocore's AssumeRoleProvider
 * does.  False without r->error if the profile says nothing of credentials;
 * if there is an error, what is returned means nothing.
 */
static bool
resolve(Resolver *r, const Profile *profile)
{
	const Profile *innermost = NULL;	/* whose role is assumed first */
	ProfileRole *role;

	visit(profile);
	/* A source's own keys count before its role; not so the first profile's. */
	while (profile && is_role(profile) && !(profile->user && has_keys(profile)))
	{
		bool		named = has(profile, "source_profile");

		CHECK_FOR_INTERRUPTS();
		if (named == has(profile, "credential_source"))
		{
			fail(r, psprintf("profile \"%s\" has %s for its \"role_arn\"", profile->name,
							 named ? "both \"source_profile\" and \"credential_source\"" :
							 "neither \"source_profile\" nor \"credential_source\""));
			return false;
		}
		innermost = profile;
		r->plan->nroles++;
		if (!named)
			resolve_source(r, profile);
		profile = named ? find_source(r, profile) : NULL;
	}
	if (r->error)
		return false;
	if (profile && !resolve_base(r, profile))
	{
		if (innermost)
			fail(r, psprintf("profile \"%s\" has the \"source_profile\" \"%s\", which holds no "
							 "credentials", innermost->name, profile->name));
		return false;
	}
	role = r->plan->roles = palloc0((r->plan->nroles + 1) * sizeof(ProfileRole));
	for (; innermost; innermost = innermost->user)
	{
		CHECK_FOR_INTERRUPTS();
		resolve_role(r, innermost, role++);
	}
	return true;
}

/*
 * Say how a profile's credentials are to be had.
 *
 * The arguments are in UTF-8: the texts of the config and the credentials
 * file, NULL for one that is not there (a caller refuses a file with a NUL in
 * it), and the profile's name, "default" if there is no other.  All is
 * allocated in the current memory context.
 *
 * Unless it returns PROFILE_RESOLVED, *error is a clause without a full stop
 * that names the line, or the profile and the key, and shows no value but the
 * name of a profile that exists; *hint, a sentence or NULL, says what can be
 * done; and of the plan, only the Region counts.
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
	profile = find_profile(&r, name, NULL);
	if (profile == NULL)
	{
		*error = psprintf("profile \"%s\" does not exist", name);
		return PROFILE_ABSENT;
	}
	plan->region = merged_value(&r, profile, "region");
	resolved = resolve(&r, profile);
	*error = r.error;
	*hint = r.hint;
	if (r.error)
		return PROFILE_INVALID;
	if (!resolved)
		*error = psprintf("profile \"%s\" holds no credentials", name);
	return resolved ? PROFILE_RESOLVED : PROFILE_EMPTY;
}
