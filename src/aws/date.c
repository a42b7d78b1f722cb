/* date.c: dates and times as AWS's services write them. */
#include "aws/base.h"

#include <time.h>

#include "aws/date.h"

/*
 * Convert a UTC time to Unix time; false for a date or a time of day that does not
 * exist, or outside 1970 to 9999.  "offset" from UTC is in s.
 */
static bool
unix_time(const struct tm *utc, int offset, int64 *time)
{
	struct tm	day = {.tm_year = utc->tm_year, .tm_mon = utc->tm_mon, .tm_mday = utc->tm_mday};

	/* timegm() changes a date that does not exist, such as 30 February. */
	*time = timegm(&day);
	if (day.tm_mon != utc->tm_mon || day.tm_mday != utc->tm_mday ||
		utc->tm_hour > 23 || utc->tm_min > 59 || utc->tm_sec > 60)
		return false;
	*time += utc->tm_hour * 3600 + utc->tm_min * 60 + utc->tm_sec - offset;
	return *time >= 0 && *time <= DATE_MAX;
}

/* Take a number of exactly "digits" digits off *text. */
static bool
take_number(const char **text, int digits, int *number)
{
	*number = 0;
	for (int i = 0; i < digits; i++)
	{
		char		c = **text;

		if (c < '0' || c > '9')
			return false;
		*number = *number * 10 + (c - '0');
		(*text)++;
	}
	return true;
}

/* Take one of the given characters off *text. */
static bool
take_any(const char **text, const char *characters)
{
	if (**text == '\0' || strchr(characters, **text) == NULL)
		return false;
	(*text)++;
	return true;
}

/* Take an offset from UTC off *text: "Z", "+hh:mm", or nothing, which means UTC, too. */
static bool
take_offset(const char **text, int *offset)
{
	char		sign = **text;
	int			hours;
	int			minutes;

	*offset = 0;
	if (!take_any(text, "+-"))
	{
		take_any(text, "Zz");
		return true;
	}
	if (!take_number(text, 2, &hours) || !take_any(text, ":") ||
		!take_number(text, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*offset = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

/*
 * Parse an ISO 8601 time as Unix time: "2026-11-25T12:00:00Z", perhaps with a
 * fraction, which is dropped, or another offset.  False if the text is anything else,
 * such as a day that the calendar does not have, or a year outside 1970 to 9999.
 */
bool
date_parse_iso(const char *text, int64 *time)
{
	struct tm	utc;
	int			offset;

	if (!take_number(&text, 4, &utc.tm_year) || !take_any(&text, "-") ||
		!take_number(&text, 2, &utc.tm_mon) || !take_any(&text, "-") ||
		!take_number(&text, 2, &utc.tm_mday) || !take_any(&text, "Tt ") ||
		!take_number(&text, 2, &utc.tm_hour) || !take_any(&text, ":") ||
		!take_number(&text, 2, &utc.tm_min) || !take_any(&text, ":") ||
		!take_number(&text, 2, &utc.tm_sec))
		return false;
	utc.tm_year -= 1900;
	utc.tm_mon--;
	if (take_any(&text, "."))
	{
		if (!take_any(&text, "0123456789"))
			return false;
		text += strspn(text, "0123456789");
	}
	return take_offset(&text, &offset) && *text == '\0' && unix_time(&utc, offset, time);
}
