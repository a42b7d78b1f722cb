/* words.h: a line of words, as shells quote them. */
#ifndef IMAGEBUILDER_WORDS_H
#define IMAGEBUILDER_WORDS_H

extern char **words_split(const char *text);

#endif							/* IMAGEBUILDER_WORDS_H */
