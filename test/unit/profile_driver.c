/*
 * profile_driver.c: lets a test resolve profiles: a JSON object {config,
 * credentials, profile} a line on standard input, the plan a line on standard
 * output.
 */
#include "postgres_fe.h"

#include <json-c/json.h>

#include "aws/profile.h"

static const char *
string_of(json_object *in, const char *name)
{
	json_object *value;

	return json_object_object_get_ex(in, name, &value) ? json_object_get_string(value) : NULL;
}

static void
add_string(json_object *out, const char *name, const char *value)
{
	json_object_object_add(out, name, value ? json_object_new_string(value) : NULL);
}

static json_object *
roles_of(const ProfilePlan *plan)
{
	json_object *roles = json_object_new_array();

	for (int i = 0; i < plan->nroles; i++)
	{
		json_object *role = json_object_new_object();

		add_string(role, "role_arn", plan->roles[i].role_arn);
		add_string(role, "external_id", plan->roles[i].external_id);
		add_string(role, "role_session_name", plan->roles[i].role_session_name);
		json_object_object_add(role, "duration_seconds",
							   json_object_new_int(plan->roles[i].duration_seconds));
		json_object_array_add(roles, role);
	}
	return roles;
}

static json_object *
words_of(char **words)
{
	json_object *array = json_object_new_array();

	for (; words && *words; words++)
		json_object_array_add(array, json_object_new_string(*words));
	return array;
}

static void
resolve(json_object *in, json_object *out)
{
	static const char *const results[] = {"resolved", "absent", "empty", "invalid"};
	static const char *const bases[] = {"static", "environment", "instance", "container",
	"web_identity", "process"};
	ProfilePlan plan;
	char	   *error;
	char	   *hint;
	ProfileResult result = profile_resolve(&plan, string_of(in, "config"),
										   string_of(in, "credentials"),
										   string_of(in, "profile"), &error, &hint);

	add_string(out, "result", results[result]);
	add_string(out, "error", error);
	add_string(out, "hint", hint);
	add_string(out, "region", plan.region);
	if (result != PROFILE_RESOLVED)
		return;
	add_string(out, "base", bases[plan.source]);
	add_string(out, "access_key_id", plan.credentials.access_key_id);
	add_string(out, "secret_access_key", plan.credentials.secret_access_key);
	add_string(out, "session_token", plan.credentials.session_token);
	add_string(out, "web_identity_token_file", plan.web_identity.web_identity_token_file);
	add_string(out, "web_identity_role_arn", plan.web_identity.role_arn);
	add_string(out, "web_identity_session_name", plan.web_identity.role_session_name);
	json_object_object_add(out, "process", words_of(plan.process));
	json_object_object_add(out, "roles", roles_of(&plan));
}

int
main(void)
{
	char	   *line = NULL;
	size_t		size = 0;

	while (getline(&line, &size, stdin) > 0)
	{
		json_object *in = json_tokener_parse(line);
		json_object *out = json_object_new_object();

		resolve(in, out);
		puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN |
											JSON_C_TO_STRING_NOSLASHESCAPE));
		fflush(stdout);
		json_object_put(in);
		json_object_put(out);
	}
	return 0;
}
