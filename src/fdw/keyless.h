/* keyless.h: why a scan has no key, and what its statement could say instead. */
#ifndef IMAGEBUILDER_KEYLESS_H
#define IMAGEBUILDER_KEYLESS_H

#include "fdw/key.h"
#include "utils/relcache.h"

extern List *keyless_reasons(const KeyContext *context, RelOptInfo *rel, List *conditions);
pg_noreturn extern void keyless_reject(Relation relation, List *keys, List *reasons);

#endif							/* IMAGEBUILDER_KEYLESS_H */
