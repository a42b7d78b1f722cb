/*-------------------------------------------------------------------------
 *
 * harmless.h
 *		Expressions that cannot raise an error.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/harmless.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGEBUILDER_HARMLESS_H
#define IMAGEBUILDER_HARMLESS_H

#include "nodes/primnodes.h"

extern bool expression_is_harmless(Node *expr);

#endif							/* IMAGEBUILDER_HARMLESS_H */
