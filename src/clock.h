/* clock.h: a clock that only goes forward. */
#ifndef IMAGEBUILDER_CLOCK_H
#define IMAGEBUILDER_CLOCK_H

#include <time.h>

/* Microseconds since some moment, unmoved when the wall clock is set. */
static inline int64
clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* A duration until a moment of that clock, in ms, rounded up; never negative. */
static inline long
clock_ms_until(int64 moment)
{
	int64		left = moment - clock_us();

	return left <= 0 ? 0 : (long) ((left + 999) / 1000);
}

#endif							/* IMAGEBUILDER_CLOCK_H */
