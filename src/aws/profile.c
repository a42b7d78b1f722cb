/*-------------------------------------------------------------------------
 *
 * profile.c
 *		Profiles of the shared AWS config and credentials files.
 *
 * The rules are botocore's (configloader.py, session.py and credentials.py),
 * which reads the files with Python's configparser.RawConfigParser.
 * test/unit/test_profile.py compares the two, and lists where they differ.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/aws/profile.c
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "aws/profile.h"
#include "mb/pg_wchar.h"

/* What AssumeRole takes. */
#define MIN_DURATION_SECONDS	900
#define MAX_DURATION_SECONDS	43200

#define NEEDS_LOGIN "which needs a person to log in: use a role, a web identity or keys"

typedef struct Setting
{
	char	   *key;			/* in lower case */
	char	   *value;			/* its first line */
	bool		multiline;
	struct Setting *next;
} Setting;

typedef struct Section
{
	char	   *header;
	char	   *profile;		/* its name; NULL: the section is no profile */
	Setting    *settings;
	const struct Section *fallback; /* for what is not set here; or NULL */
	struct Section *next;
} Section;

typedef struct IniFile
{
	const char *kind;			/* "config" or "credentials" */
	bool		is_config;
	Section    *sections;		/* the last comes first */
	Section		defaults;		/* [DEFAULT], which configparser takes for
								 * what is not set in the others */
} IniFile;

/* Where reading a file has come to. */
typedef struct IniReader
{
	IniFile    *file;
	Section    *section;		/* NULL before the first */
	Setting    *setting;		/* what an indented line belongs to; or NULL */
	int			indent;			/* of the last line that continued nothing */
} IniReader;

typedef struct Profile
{
	const char *name;
	const Section *config;		/* NULL if not there */
	const Section *credentials;
	const struct Profile *user; /* whose source_profile it is; or NULL */
} Profile;

typedef struct Resolver
{
	IniFile		config;
	IniFile		credentials;
	ProfilePlan *plan;
	char	   *error;			/* NULL: none so far */
} Resolver;

/* ---- the files ---------------------------------------------------------- */

/*
 * Length in bytes of the white space, as Python has it, that p is at; 0 if it
 * is at anything else.
 */
static int
space_length(const char *p)
{
	pg_wchar	c = utf8_to_unicode((const unsigned char *) p);

	if (c < 0x80)
		return (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= ' ') ? 1 : 0;
	if (c == 0x85 || c == 0xa0)
		return 2;
	if (c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
		c == 0x202f || c == 0x205f || c == 0x3000)
		return 3;
	return 0;
}

/* Take white space off both ends.  Returns the characters taken off the first. */
static int
trim(const char **start, const char **end)
{
	int			taken = 0;
	int			length;

	while (*start < *end && (length = space_length(*start)) > 0)
	{
		*start += length;
		taken++;
	}
	while (*start < *end)
	{
		const char *last = *end - 1;

		while (last > *start && ((unsigned char) *last & 0xc0) == 0x80)
			last--;
		if (space_length(last) == 0)
			break;
		*end = last;
	}
	return taken;
}

/*
 * The second word of two, split as Python's shlex.split() does it: the name in
 * [profile "a name"].  NULL if there are not two, or a quote stands open.
 */
static char *
second_word(const char *text)
{
	StringInfoData word;
	char	   *second = NULL;
	int			nwords = 0;
	bool		in_word = false;
	char		quote = '\0';

	initStringInfo(&word);
	for (const char *p = text;; p++)
	{
		if (quote == '\0' && strchr(" \t\r\n", *p) != NULL)
		{
			if (in_word && ++nwords == 2)
				second = pstrdup(word.data);
			resetStringInfo(&word);
			in_word = false;
			if (*p == '\0')
				return nwords == 2 ? second : NULL;
			continue;
		}
		in_word = true;
		if (*p == '\\' && quote != '\'')
		{
			p++;
			if (quote != '\0' && *p != '\\' && *p != quote)
				appendStringInfoChar(&word, '\\');
		}
		else if (quote != '\0' ? *p == quote : *p == '\'' || *p == '"')
		{
			quote = quote != '\0' ? '\0' : *p;
			continue;
		}
		if (*p == '\0')
			return NULL;
		appendStringInfoChar(&word, *p);
	}
}

/* botocore's build_profile_map(): it takes [profiles x] for [profile x], too. */
static char *
profile_of_header(const IniFile *file, char *header)
{
	if (!file->is_config)
		return header;
	if (strncmp(header, "profile", strlen("profile")) == 0)
		return second_word(header);
	return strcmp(header, "default") == 0 ? header : NULL;
}

/* The functions from here to read_line() return what is wrong, or NULL. */
static const char *
read_header(IniReader *reader, char *header)
{
	IniFile    *file = reader->file;
	Section    *section;

	reader->setting = NULL;
	if (strcmp(header, "DEFAULT") == 0)
	{
		reader->section = &file->defaults;
		return NULL;
	}
	for (section = file->sections; section; section = section->next)
	{
		if (strcmp(section->header, header) == 0)
			return "begins a section that was there before";
	}
	section = palloc0(sizeof(Section));
	section->header = header;
	section->profile = profile_of_header(file, header);
	section->fallback = &file->defaults;
	section->next = file->sections;
	file->sections = reader->section = section;
	return NULL;
}

static const char *
read_setting(IniReader *reader, const char *start, const char *end)
{
	const char *key_end = start;
	const char *value;
	Setting    *setting = palloc0(sizeof(Setting));

	while (key_end < end && *key_end != '=' && *key_end != ':')
		key_end++;
	if (key_end == end)
		return "is neither a [section] nor a comment, and has no \"=\"";
	value = key_end + 1;
	trim(&start, &key_end);
	trim(&value, &end);
	if (start == key_end)
		return "has no key before its \"=\"";
	setting->key = pnstrdup(start, key_end - start);
	for (char *c = setting->key; *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	setting->value = pnstrdup(value, end - value);
	for (const Setting *other = reader->section->settings; other; other = other->next)
	{
		if (strcmp(other->key, setting->key) == 0)
			return "has a key that its section had before";
	}
	setting->next = reader->section->settings;
	reader->section->settings = reader->setting = setting;
	return NULL;
}

static const char *
read_line(IniReader *reader, const char *start, const char *end)
{
	int			indent;
	const char *close;

	if (pg_encoding_verifymbstr(PG_UTF8, start, end - start) != end - start)
		return "is not in UTF-8";
	indent = trim(&start, &end);
	if (start == end || *start == '#' || *start == ';')
		return NULL;
	if (reader->setting && indent > reader->indent)
	{
		/* Nothing on the first line makes it a nested section, as for "s3". */
		reader->setting->multiline = true;
		if (*reader->setting->value == '\0' && !memchr(start, '=', end - start))
			return "is indented below a key without a value, and has no \"=\"";
		return NULL;
	}
	reader->indent = indent;
	for (close = end - 1; close > start && *close != ']';)
		close--;
	if (*start == '[' && close > start + 1)
		return read_header(reader, pnstrdup(start + 1, close - start - 1));
	if (reader->section == NULL)
		return strncmp(start, "\xef\xbb\xbf", 3) == 0 ?
			"begins with a byte order mark" : "stands before any [section]";
	return read_setting(reader, start, end);
}

/* Returns an error that names the line, and shows nothing of it; or NULL. */
static char *
read_file(IniFile *file, const char *text)
{
	IniReader	reader = {.file = file};
	int			line = 0;

	while (text && *text)
	{
		const char *end = text + strcspn(text, "\r\n");
		const char *problem = read_line(&reader, text, end);

		line++;
		if (problem)
			return psprintf("line %d of the %s file %s", line, file->kind, problem);
		if (end[0] == '\r' && end[1] == '\n')
			end++;
		text = *end ? end + 1 : end;
	}
	return NULL;
}

/* ---- the profiles ------------------------------------------------------- */

static const Section *
find_section(const IniFile *file, const char *profile)
{
	const Section *section = file->sections;

	while (section && !(section->profile && strcmp(section->profile, profile) == 0))
		section = section->next;
	return section;
}

/* NULL if neither file has it. */
static Profile *
find_profile(const Resolver *r, const char *name, const Profile *user)
{
	Profile    *profile = palloc(sizeof(Profile));

	profile->name = name;
	profile->config = find_section(&r->config, name);
	profile->credentials = find_section(&r->credentials, name);
	profile->user = user;
	return profile->config || profile->credentials ? profile : NULL;
}

static const Setting *
find_setting(const Section *section, const char *key)
{
	for (; section; section = section->fallback)
	{
		for (const Setting *setting = section->settings; setting; setting = setting->next)
		{
			if (strcmp(setting->key, key) == 0)
				return setting;
		}
	}
	return NULL;
}

/* The credentials file's word counts before the config file's. */
static const Setting *
find_merged(const Profile *profile, const char *key)
{
	const Setting *setting = find_setting(profile->credentials, key);

	return setting ? setting : find_setting(profile->config, key);
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
 * The value of a setting; NULL if it is not there or is empty.  None that
 * is asked for here can have several lines: that is a key indented by mistake.
 */
static char *
value_of(Resolver *r, const Profile *profile, const Setting *setting)
{
	if (setting && setting->multiline)
		fail(r, psprintf("profile \"%s\" has indented lines below its \"%s\"",
						 profile->name, setting->key));
	return setting && *setting->value ? pstrdup(setting->value) : NULL;
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
	const Setting *setting = section ? find_setting(section, key) : find_merged(profile, key);
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

/* ---- what they ask for -------------------------------------------------- */

/* Whether there are keys, or a part of them, in one of the files. */
static bool
resolve_keys(Resolver *r, const Profile *profile, const Section *section)
{
	AwsCredentials *credentials = &r->plan->credentials;
	const Setting *token;

	if (!find_setting(section, "aws_access_key_id"))
		return false;
	r->plan->base = PROFILE_STATIC;
	credentials->access_key_id =
		required_value(r, profile, section, "aws_access_key_id", "aws_access_key_id");
	credentials->secret_access_key =
		required_value(r, profile, section, "aws_secret_access_key", "aws_access_key_id");
	token = find_setting(section, "aws_security_token");	/* the older name */
	credentials->session_token =
		value_of(r, profile, token ? token : find_setting(section, "aws_session_token"));
	return true;
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
	if (refuse(r, profile, "sso_account_id", NEEDS_LOGIN) ||
		refuse(r, profile, "sso_role_name", NEEDS_LOGIN) ||
		resolve_keys(r, profile, profile->credentials) ||
		refuse(r, profile, "credential_process",
			   "which runs a program: use a role, a web identity or keys") ||
		resolve_keys(r, profile, profile->config))
		return true;

	/* botocore passes over these; but they are no profile without a word. */
	if (has(profile, "aws_secret_access_key"))
		required_value(r, profile, NULL, "aws_access_key_id", "aws_secret_access_key");
	return refuse(r, profile, "sso_session", NEEDS_LOGIN) ||
		refuse(r, profile, "sso_start_url", NEEDS_LOGIN) ||
		refuse(r, profile, "sso_region", NEEDS_LOGIN);
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
	for (const Profile *user = profile; source && user; user = user->user)
	{
		if (strcmp(user->name, name) != 0 || (user == profile && has_keys(source)))
			continue;
		fail(r, psprintf("profile \"%s\" has the \"source_profile\" \"%s\", which leads round "
						 "in a circle", profile->name, name));
		return NULL;
	}
	return source;
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

	/* A source's own keys count before its role; not so the first profile's. */
	while (profile && is_role(profile) && !(profile->user && has_keys(profile)))
	{
		bool		named = has(profile, "source_profile");

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
		resolve_role(r, innermost, role++);
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
 * name of a profile that exists; and of the plan, only the Region counts.
 */
ProfileResult
profile_resolve(ProfilePlan *plan, const char *config, const char *credentials,
				const char *name, char **error)
{
	Resolver	r = {
		.config = {.kind = "config", .is_config = true},
		.credentials = {.kind = "credentials"},
		.plan = plan,
	};
	Profile    *profile;
	bool		resolved;

	memset(plan, 0, sizeof(ProfilePlan));
	if ((*error = read_file(&r.config, config)) != NULL ||
		(*error = read_file(&r.credentials, credentials)) != NULL)
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
	if (r.error)
		return PROFILE_INVALID;
	if (!resolved)
		*error = psprintf("profile \"%s\" holds no credentials", name);
	return resolved ? PROFILE_RESOLVED : PROFILE_EMPTY;
}
