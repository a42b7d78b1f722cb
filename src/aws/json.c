/* json.c: parsing JSON that may hold secrets. */
#include "aws/base.h"

#include <json-c/json_visit.h>

#include "aws/json.h"
#include "secret.h"

/* Return a copy of a JSON text with strings' contents overwritten. */
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

/* Parse a JSON object with json_tokener_set_flags()'s flags; NULL if it is not one. */
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
 * Parse a JSON object (RFC 8259), which json_release() frees; NULL if the text is not
 * one. "length" is below 1 GB.
 *
 * Secrets in the text must remain nowhere but in the object.  So the tokener first
 * parses a mask of the text, which makes its string buffer large enough; then the text
 * itself, if the mask is valid; then the mask again, which overwrites the buffer.  The
 * tokener is strict with the mask, since strings in single quotes and comments are not
 * masked, but not with the text: in json-c 0.18 a strict tokener takes the bytes of
 * UTF-8, which are negative chars, for control characters.
 */
json_object *
json_parse_object(const char *body, size_t length)
{
	json_tokener *tokener;
	char	   *mask;
	json_object *sound;
	json_object *object;

	/* json-c would stop at a NUL and ignore the rest. */
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
	/* Wipe the mask: in text that is not JSON, it may not cover secrets. */
	explicit_bzero(mask, length);
	pfree(mask);
	return object;
}

/*
 * Return a copy of the string to which a JSON Pointer (RFC 6901) leads, protected by
 * secret_protect(); NULL if there is no string, or it is empty.
 *
 * json-c's strings may hold a U+0000, at which a C string would end.  The copy has
 * U+0001 in its place, which is also shown as a space and refused in credentials.
 */
char *
json_string_at(json_object *object, const char *pointer)
{
	json_object *value = NULL;
	char	   *copy;
	int			length;

	if (json_pointer_get(object, pointer, &value) != 0 ||
		!json_object_is_type(value, json_type_string) ||
		json_object_get_string_len(value) == 0)
		return NULL;
	length = json_object_get_string_len(value);
	copy = secret_copy(json_object_get_string(value), length);
	for (int i = 0; i < length; i++)
	{
		if (copy[i] == '\0')
			copy[i] = '\x01';
	}
	return copy;
}

/* Wipe a string (a json_c_visit_userfunc). */
static int
wipe(json_object *value, int flags, json_object *parent, const char *key, size_t *index,
	 void *arg)
{
	if (json_object_is_type(value, json_type_string))
		explicit_bzero(unconstify(char *, json_object_get_string(value)),
					   json_object_get_string_len(value));
	return JSON_C_VISIT_RETURN_CONTINUE;
}

/* Wipe the strings of an object (or NULL), and free the object. */
void
json_release(json_object *object)
{
	if (object)
		json_c_visit(object, 0, wipe, NULL);
	json_object_put(object);
}
