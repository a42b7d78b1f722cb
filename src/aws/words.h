/*-------------------------------------------------------------------------
 *
 * words.h
 *		A line of words, as shells quote them.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/aws/words.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGEBUILDER_WORDS_H
#define IMAGEBUILDER_WORDS_H

extern char **words_split(const char *text);

#endif							/* IMAGEBUILDER_WORDS_H */
