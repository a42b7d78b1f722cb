/* foreign_text.h: text from outside, as messages can show it. */
#ifndef IMAGEBUILDER_FOREIGN_TEXT_H
#define IMAGEBUILDER_FOREIGN_TEXT_H

/*
 * Bytes of foreign text in a message, after which it is cut, so that no answer
 * makes a message, and a line of the log, as long as it is itself: a sentence
 * or value, and a word of a sentence that has others (a code, an id, a path).
 */
#define MAX_FOREIGN_TEXT	1024
#define MAX_FOREIGN_WORD	256

extern char *foreign_text(const char *utf8, int limit, const char *const *secrets);
extern char *local_text(const char *text, int limit);

#endif							/* IMAGEBUILDER_FOREIGN_TEXT_H */
