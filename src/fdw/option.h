/* option.h: options of servers, user mappings, foreign tables and columns. */
#ifndef IMAGEBUILDER_OPTION_H
#define IMAGEBUILDER_OPTION_H

#include "config.h"
#include "nodes/pg_list.h"

extern void option_read_config(ClientConfig *config, Oid serverid, Oid userid);
extern const char *option_get(List *options, const char *name);

#endif							/* IMAGEBUILDER_OPTION_H */
