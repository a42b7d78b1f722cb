/* profile_provider.c: credentials by a profile of the shared AWS files. */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "foreign_text.h"
#include "identity/fetch.h"
#include "lib/stringinfo.h"

/* Return the path of a file in the home directory of the server's system user. */
static char *
home_file(const char *name)
{
	char		home[MAXPGPATH];

	if (!get_home_path(home))
		home[0] = '\0';
	return psprintf("%s/%s", home, name);
}

/*
 * Return a file's name with $NAME, ${NAME} and a leading ~ replaced, as botocore does
 * with Python's expandvars() and expanduser(); a variable that is not set stays as
 * written.
 */
static char *
expand_name(const char *name)
{
	StringInfoData out;

	initStringInfo(&out);
	for (const char *p = name; *p; p++)
	{
		bool		braces = p[0] == '$' && p[1] == '{';
		const char *start = p + (braces ? 2 : 1);
		size_t		length = strspn(start, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
		const char *value = *p == '$' && length > 0 && (!braces || start[length] == '}') ?
			getenv(pnstrdup(start, length)) : NULL;

		if (value == NULL)
			appendStringInfoChar(&out, *p);
		else
		{
			appendStringInfoString(&out, value);
			p = start + length - (braces ? 0 : 1);
		}
	}
	return strncmp(out.data, "~/", 2) == 0 ? home_file(out.data + 2) : out.data;
}

/* True if the server process may read a path, and it leads to a regular file. */
static bool
is_readable(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, R_OK) == 0;
}

/*
 * Read a shared file; set *text to NULL if the file does not exist.  In a chain, as
 * in botocore's, a directory or a file that may not be read counts as not existing.
 * Return false with *problem set if the file cannot be read.
 */
static bool
read_shared_file(const char *variable, const char *name, bool chain,
				 char **text, const char **problem)
{
	const char *named = host_variable(variable);
	const char *path = named ? expand_name(named) : home_file(name);

	*text = host_read_file(path, problem);
	return *problem == NULL || (chain && !is_readable(path));
}

/* Continue with the source of the profile's plan. */
static FetchState
follow(Fetch *fetch, const ProfilePlan *plan)
{
	fetch->roles = plan->roles;
	fetch->nroles = plan->nroles;
	fetch->rewritable = plan->nroles == 0 &&
		(plan->source == PROFILE_STATIC || plan->source == PROFILE_PROCESS);
	switch (plan->source)
	{
		case PROFILE_STATIC:
			fetch->issued.credentials = plan->credentials;
			fetch->issued.expires = ISSUED_FOR_GOOD;
			return FETCH_DONE;
		case PROFILE_WEB_IDENTITY:
			return sts_call(fetch, &plan->web_identity);
		case PROFILE_PROCESS:
			return credential_process_begin(fetch, plan);
		case PROFILE_ENVIRONMENT:
			return fetch_ask(fetch, PROVIDER_ENVIRONMENT);
		case PROFILE_CONTAINER:
			return fetch_ask(fetch, PROVIDER_CONTAINER);
		case PROFILE_INSTANCE:
			return fetch_ask(fetch, PROVIDER_INSTANCE);
	}
	pg_unreachable();
}

FetchState
profile_begin(Fetch *fetch)
{
	const char *older = host_variable("AWS_DEFAULT_PROFILE");
	const char *named = fetch->config->profile ? fetch->config->profile :
		older ? older : host_variable("AWS_PROFILE");	/* botocore's order */
	const char *name = named ? named : "default";
	bool		chain = fetch->chain && !named;
	ProfilePlan *plan = palloc0(sizeof(ProfilePlan));
	ProfileResult result;
	const char *problem;
	char	   *error = NULL;
	char	   *hint = NULL;
	char	   *config;
	char	   *credentials;

	if (!read_shared_file("AWS_CONFIG_FILE", ".aws/config", chain, &config, &problem) ||
		!read_shared_file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", chain,
						  &credentials, &problem))
		return fetch_fail(fetch, "the shared AWS files could not be read",
						  psprintf("%s.", problem), NULL);
	result = profile_resolve(plan, config, credentials, name, &error, &hint);
	/* Keep the Region even if the profile has no credentials. */
	fetch->region = plan->region;
	switch (result)
	{
		case PROFILE_RESOLVED:
			return follow(fetch, plan);
		case PROFILE_ABSENT:
			if (!named)
				return FETCH_ABSENT;
			return fetch_fail(fetch, psprintf("there is no profile \"%s\" in the shared AWS files", name),
							  NULL, "The user mapping's option \"profile\" names it.");
		case PROFILE_EMPTY:
			return FETCH_ABSENT;
		default:
			return fetch_fail(fetch, psprintf("profile \"%s\" gives no credentials", name),
							  foreign_text(psprintf("%s.", error), MAX_FOREIGN_TEXT, NIL),
							  hint ? foreign_text(hint, MAX_FOREIGN_TEXT, NIL) : NULL);
	}
}
