/* json.h: parsing JSON that may hold secrets. */
#ifndef IMAGEBUILDER_JSON_H
#define IMAGEBUILDER_JSON_H

#include <json-c/json.h>

extern json_object *json_parse_object(const char *body, size_t length);
extern char *json_string_at(json_object *object, const char *pointer);
extern void json_release(json_object *object);

#endif							/* IMAGEBUILDER_JSON_H */
