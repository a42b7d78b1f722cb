/* pace.h: how many requests a service is asked at once, by what it grants. */
#ifndef IMAGEBUILDER_PACE_H
#define IMAGEBUILDER_PACE_H

/* Times are of clock.h, in us. */
typedef struct Pace
{
	double		most;			/* requests under way, as configured */
	double		allowed;		/* as the service has it; less than one: with
								 * pauses */
	int64		cut_at;			/* when throttling last made that less; 0: it
								 * is not less */
	int64		grown_at;		/* up to when it has grown again */
	int64		sent_at;		/* the latest request */
	double		round_trip;		/* of requests granted, smoothed; 0: unknown */
} Pace;

/* pace_wait(): until a request under way is answered. */
#define PACE_UNTIL_ANSWER	(-1)

extern void pace_init(Pace *pace, int most);
extern int64 pace_wait(Pace *pace, int in_flight, int64 now);
extern void pace_sent(Pace *pace, int64 now);
extern void pace_throttled(Pace *pace, int64 sent_at, int64 now);
extern void pace_granted(Pace *pace, int64 sent_at, int64 now);

#endif							/* IMAGEBUILDER_PACE_H */
