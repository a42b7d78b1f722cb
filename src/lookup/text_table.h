/* text_table.h: hash tables by texts of any length. */
#ifndef IMAGEBUILDER_TEXT_TABLE_H
#define IMAGEBUILDER_TEXT_TABLE_H

#include "utils/hsearch.h"

extern HTAB *text_table_create(const char *name, Size entrysize, MemoryContext context);

#endif							/* IMAGEBUILDER_TEXT_TABLE_H */
