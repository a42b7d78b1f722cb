/*
 * profile_setting.c: a profile's settings, and errors in them.
 *
 * A profile may have a section in both of the shared files; where both set a key, the
 * credentials file counts.  An error does not stop the reader, but is kept in the
 * Resolver: only the first is kept, since later ones may be its consequences.
 */
#include "aws/base.h"

#include "aws/profile_setting.h"
#include "secret.h"

/* Return a profile in the current memory context; NULL if neither file has it. */
Profile *
profile_find(const Resolver *r, const char *name, const Profile *referrer)
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
bool
profile_has(const Profile *profile, const char *key)
{
	return find_setting(profile, key) != NULL;
}

/* Keep the first error; "problem" is a clause whose subject is the profile. */
void
profile_fail(Resolver *r, const Profile *profile, const char *problem)
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
char *
profile_value(Resolver *r, const Profile *profile, const char *key)
{
	const Setting *setting = find_setting(profile, key);

	if (setting && setting->multiline)
		profile_fail(r, profile, psprintf("has indented lines below its \"%s\"", key));
	if (setting == NULL || setting->length == 0)
		return NULL;
	return secret_copy(setting->value, setting->length);
}

/*
 * Return the value of a key, as profile_value() does, but fail if the key or its value
 * is missing: the profile has "for_key", which needs "key", or is "key" itself.
 */
char *
profile_required(Resolver *r, const Profile *profile, const char *key, const char *for_key)
{
	char	   *value = profile_value(r, profile, key);

	if (!profile_has(profile, key))
		profile_fail(r, profile, psprintf("has no \"%s\" beside its \"%s\"", key, for_key));
	else if (value == NULL)
		profile_fail(r, profile, psprintf("has an empty \"%s\"", key));
	return value;
}
