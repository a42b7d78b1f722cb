/* environment.c: credentials from the environment of the server process. */
#include "postgres.h"

#include "identity/host.h"
#include "identity/provider.h"
#include "secret.h"

FetchState
environment_advance(Fetch *fetch, long *wait)
{
	const char *key = host_variable("AWS_ACCESS_KEY_ID");
	const char *secret = host_variable("AWS_SECRET_ACCESS_KEY");
	const char *token = host_variable("AWS_SESSION_TOKEN");

	(void) wait;
	if (!key && !secret)
		return FETCH_ABSENT;
	if (!key || !secret)
		return fetch_fail(fetch, "the server process's environment has only half of the credentials",
						  psprintf("%s is not set.",
								   key ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID"),
						  "Set both, or neither.");
	fetch->issued.credentials.access_key_id = pstrdup(key);
	fetch->issued.credentials.secret_access_key = secret_strdup(secret);
	fetch->issued.credentials.session_token = secret_strdup(token);
	fetch->issued.expires = ISSUED_FOR_GOOD;
	return FETCH_DONE;
}
