/* foreign_text.h: text from services and files, made safe to show in messages. */
#ifndef IMAGEBUILDER_FOREIGN_TEXT_H
#define IMAGEBUILDER_FOREIGN_TEXT_H

#include "nodes/pg_list.h"

/*
 * Limits, in bytes, at which foreign text in a message is cut, so that a long answer
 * makes no long message or log line: for a sentence or a value, and for a word within
 * a sentence (a code, an ID, a path).
 */
#define MAX_FOREIGN_TEXT	1024
#define MAX_FOREIGN_WORD	256

extern char *foreign_text(const char *utf8, int limit, const List *secrets);
extern char *local_text(const char *text, int limit);

#endif							/* IMAGEBUILDER_FOREIGN_TEXT_H */
