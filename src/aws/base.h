/* base.h: what all of aws/ includes, in the server or, with FRONTEND, in a program. */
#ifndef IMAGEBUILDER_BASE_H
#define IMAGEBUILDER_BASE_H

#ifdef FRONTEND
#include "postgres_fe.h"
#define CHECK_FOR_INTERRUPTS()	((void) 0)
#else
#include "postgres.h"
#include "miscadmin.h"
#endif

#define ASCII_ALPHANUMERIC \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* True if a text (or NULL) holds visible ASCII characters only. */
static inline bool
is_visible_ascii(const char *text)
{
	for (; text && *text; text++)
	{
		if (*text <= ' ' || *text >= 0x7f)
			return false;
	}
	return true;
}

#endif							/* IMAGEBUILDER_BASE_H */
