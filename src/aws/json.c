/*-------------------------------------------------------------------------
 *
 * json.c
 *		JSON as AWS's services answer with it.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/aws/json.c
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "aws/json.h"

/*
 * An object, to be released with json_object_put(); NULL if the text is none.
 * "length" is below 2 GB.
 */
json_object *
json_parse_object(const char *body, size_t length)
{
	json_tokener *tokener = json_tokener_new();
	json_object *object;

	if (tokener == NULL)
		return NULL;
	object = json_tokener_parse_ex(tokener, body, (int) length);
	json_tokener_free(tokener);
	if (object && !json_object_is_type(object, json_type_object))
	{
		json_object_put(object);
		return NULL;
	}
	return object;
}
