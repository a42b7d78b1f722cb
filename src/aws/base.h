/*
 * base.h: PostgreSQL's headers, or those for programs outside the server with
 * FRONTEND.
 */
#ifndef IMAGEBUILDER_BASE_H
#define IMAGEBUILDER_BASE_H

#ifdef FRONTEND
#include "postgres_fe.h"
#define CHECK_FOR_INTERRUPTS()	((void) 0)
#else
#include "postgres.h"
#include "miscadmin.h"
#endif

#endif							/* IMAGEBUILDER_BASE_H */
