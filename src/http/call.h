/* call.h: one call of a libcurl function, and when libcurl has to return from it. */
#ifndef IMAGEBUILDER_CALL_H
#define IMAGEBUILDER_CALL_H

#include "compat.h"

extern void call_begin(void);
extern void call_end(void);
extern bool call_is_look_due(int64 now);
extern bool call_is_to_be_interrupted(int64 now);
extern bool call_may_read(void);
extern void call_note_read(void);
extern bool call_has_put_off(void);
extern void call_forget_put_off(void);

#endif							/* IMAGEBUILDER_CALL_H */
