/*
 * profile_source.c: a profile's own credentials, before any role.
 *
 * The functions that return a bool return true if the profile has the source that they
 * look for.  A source that cannot be used is an error (see profile_setting.c): to skip
 * an incomplete or unknown source would be to ask AWS with another identity than the
 * profile means.
 */
#include "aws/base.h"

#include "aws/profile_setting.h"

#define NEEDS_LOGIN "which needs a person to log in"

/*
 * Fail if a profile sets a key of a source of credentials that the AWS CLI may know
 * how to use, but this server cannot; false if the key is not set.
 */
static bool
refuse_source(Resolver *r, const Profile *profile, const char *key, const char *reason)
{
	if (!profile_has(profile, key))
		return false;
	if (r->error == NULL)
		r->hint = psprintf("Let another profile have \"credential_process = aws configure export-credentials "
						   "--profile %s --format process\": the AWS CLI then gives this profile's "
						   "credentials.", profile->name);
	profile_fail(r, profile, psprintf("uses \"%s\", %s", key, reason));
	return true;
}

/* Take the keys of a profile that has one file's section only; false if it sets none. */
static bool
resolve_keys(Resolver *r, const Profile *part)
{
	AwsCredentials *credentials = &r->plan->credentials;

	if (!profile_has(part, "aws_access_key_id"))
		return false;
	r->plan->source = PROFILE_STATIC;
	credentials->access_key_id =
		profile_required(r, part, "aws_access_key_id", "aws_access_key_id");
	credentials->secret_access_key =
		profile_required(r, part, "aws_secret_access_key", "aws_access_key_id");
	credentials->session_token =
		profile_value(r, part, profile_has(part, "aws_security_token") ?
					  "aws_security_token" : "aws_session_token");	/* older first */
	return true;
}

/* Take the program that the profile names; false if it names none. */
static bool
resolve_process(Resolver *r, const Profile *profile)
{
	char	   *command;

	if (!profile_has(profile, "credential_process"))
		return false;
	r->plan->source = PROFILE_PROCESS;
	r->plan->process_profile = profile->name;
	command = profile_required(r, profile, "credential_process", "credential_process");
	r->plan->process = command ? ini_split_words(command) : NULL;
	if (command && r->plan->process == NULL)
		profile_fail(r, profile, "has a \"credential_process\" with a quote that is not closed, "
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
		if (profile_has(profile, halves[i].half))
			profile_required(r, profile, halves[i].whole, halves[i].half);
	}
	return refuse_source(r, profile, "sso_session", NEEDS_LOGIN) ||
		refuse_source(r, profile, "sso_start_url", NEEDS_LOGIN) ||
		refuse_source(r, profile, "sso_region", NEEDS_LOGIN);
}

/*
 * Put a profile's own credentials into the plan, from the first source that has any,
 * in the order of botocore's ProfileProviderBuilder.  False if no source has any.
 */
bool
profile_resolve_source(Resolver *r, const Profile *profile)
{
	ProfilePlan *plan = r->plan;
	Profile		in_credentials = {.name = profile->name, .credentials = profile->credentials};
	Profile		in_config = {.name = profile->name, .config = profile->config};

	plan->web_identity_token_file = profile_value(r, profile, "web_identity_token_file");
	if (plan->web_identity_token_file)
	{
		plan->source = PROFILE_WEB_IDENTITY;
		plan->web_identity_role_arn =
			profile_required(r, profile, "role_arn", "web_identity_token_file");
		plan->web_identity_session_name = profile_value(r, profile, "role_session_name");
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

