/* clock.h: a clock that only goes forward. */
#ifndef IMAGEBUILDER_CLOCK_H
#define IMAGEBUILDER_CLOCK_H

#include <time.h>

/* Return the us since an arbitrary moment, which setting the wall clock does not change. */
static inline int64
clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Return the ms until a moment of clock_us(), rounded up; 0 if the moment has passed. */
static inline long
clock_ms_until(int64 moment)
{
	int64		left = moment - clock_us();

	return left <= 0 ? 0 : (long) ((left + 999) / 1000);
}

#endif							/* IMAGEBUILDER_CLOCK_H */
