/* web_identity.c: credentials for a web identity token, as Kubernetes mounts one. */
#include "postgres.h"

#include "identity/host.h"
#include "identity/provider.h"
#include "identity/sts.h"

FetchState
web_identity_advance(Fetch *fetch, long *wait)
{
	const char *file = host_variable("AWS_WEB_IDENTITY_TOKEN_FILE");
	const char *role = host_variable("AWS_ROLE_ARN");

	if (!file)
		return FETCH_ABSENT;
	if (!role)
		return fetch_fail(fetch, "the server process's environment has a web identity token, but no role",
						  "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not.", NULL);
	return sts_assume_role_with_web_identity(fetch, file, role,
											 host_variable("AWS_ROLE_SESSION_NAME"), wait);
}
