/* json.c: JSON as AWS's services answer with it. */
#include "aws/base.h"

#include <json-c/json_visit.h>

#include "aws/json.h"

/* The same JSON with nothing in its strings, but just as long. */
static char *
mask_strings(const char *body, size_t length)
{
	char	   *mask = palloc(length + 1);
	bool		in_string = false;

	for (size_t i = 0; i < length; i++)
	{
		mask[i] = in_string && body[i] != '"' ? '0' : body[i];
		if (body[i] == '"')
			in_string = !in_string;
		else if (in_string && body[i] == '\\' && i + 1 < length)
		{
			mask[i] = body[i];
			i++;
			mask[i] = body[i];
		}
	}
	mask[length] = '\0';
	return mask;
}

/* NULL if it is not one.  "flags" are the tokener's. */
static json_object *
parse(json_tokener *tokener, int flags, const char *text, size_t length)
{
	json_object *object;

	json_tokener_reset(tokener);
	json_tokener_set_flags(tokener, flags);
	object = json_tokener_parse_ex(tokener, text, (int) length);
	if (object && !json_object_is_type(object, json_type_object))
	{
		json_release(object);
		return NULL;
	}
	return object;
}

/*
 * An object, to be released with json_release(); NULL if the text is none, by
 * RFC 8259.  "length" is below 1 GB.
 *
 * Secrets in it are left nowhere else.  So the tokener does not see them unless
 * the text is sound, with its buffer for strings as large as it has to be; and
 * that is overwritten then.  The tokener is strict with the mask, as strings in
 * single quotes and comments are not masked.  It is not with the text itself: in
 * json-c 0.18 a strict one takes the bytes of UTF-8, being negative, for control
 * characters.
 */
json_object *
json_parse_object(const char *body, size_t length)
{
	json_tokener *tokener;
	char	   *mask;
	json_object *sound;
	json_object *object;

	/* json-c takes a NUL for the end of the text, whatever follows. */
	if (memchr(body, '\0', length))
		return NULL;
	tokener = json_tokener_new();
	mask = mask_strings(body, length);
	sound = tokener ? parse(tokener, JSON_TOKENER_STRICT, mask, length) : NULL;
	object = sound ? parse(tokener, 0, body, length) : NULL;
	json_object_put(sound);
	if (object)
		json_object_put(parse(tokener, JSON_TOKENER_STRICT, mask, length));
	if (tokener)
		json_tokener_free(tokener);
	/* Text that is no JSON is not masked. */
	explicit_bzero(mask, length);
	pfree(mask);
	return object;
}

/* json_c_visit_userfunc */
static int
wipe(json_object *value, int flags, json_object *parent, const char *key, size_t *index,
	 void *arg)
{
	(void) flags;
	(void) parent;
	(void) key;
	(void) index;
	(void) arg;
	if (json_object_is_type(value, json_type_string))
		explicit_bzero(unconstify(char *, json_object_get_string(value)),
					   json_object_get_string_len(value));
	return JSON_C_VISIT_RETURN_CONTINUE;
}

/* Free an object, or NULL, with its strings wiped. */
void
json_release(json_object *object)
{
	if (object)
		json_c_visit(object, 0, wipe, NULL);
	json_object_put(object);
}
