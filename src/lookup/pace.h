/* pace.h: limiting the requests under way to a server, by the service's throttling. */
#ifndef IMAGEBUILDER_PACE_H
#define IMAGEBUILDER_PACE_H

/* State of one server's pace; times are those of clock.h, in us. */
typedef struct Pace
{
	double		max;			/* upper bound: max_concurrency */
	double		allowed;		/* limit of requests under way; below 1: one, with pauses */
	int64		cut_at;			/* when throttling last lowered "allowed"; 0: "allowed" is
								 * "max" */
	int64		grown_at;		/* when "allowed" last grew */
	int64		sent_at;		/* when the latest request was sent */
	double		round_trip;		/* smoothed, of granted requests; 0: unknown */
} Pace;

/* Return value of pace_wait(): wait until a request under way is answered. */
#define PACE_UNTIL_ANSWER	(-1)

extern void pace_init(Pace *pace, int max);
extern int64 pace_wait(Pace *pace, int in_flight, int64 now);
extern void pace_throttled(Pace *pace, int64 sent_at, int64 now);
extern void pace_granted(Pace *pace, int64 sent_at, int64 now);

#endif							/* IMAGEBUILDER_PACE_H */
