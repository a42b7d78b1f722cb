/* date.c: dates and times as AWS's services write them. */
#include "aws/base.h"

#include "aws/date.h"

#define MINUTE			60
#define HOUR			(60 * MINUTE)
#define DAY				(24 * HOUR)

/* Date of the Gregorian calendar and time of day. */
typedef struct Civil
{
	int			year;
	int			month;			/* from 1 */
	int			day;			/* from 1 */
	int			hour;
	int			minute;
	int			second;
} Civil;

/* Return the days since 1970-01-01. */
static int64
days_from_civil(const Civil *civil)
{
	/* Let years start in March, so that the leap day is the last of a year. */
	int			month = civil->month;
	int			y = month <= 2 ? civil->year - 1 : civil->year;
	int			era = y / 400;
	int			yoe = y - era * 400;
	int			doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + civil->day - 1;
	int			doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return (int64) era * 146097 + doe - 719468;
}

static int
days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool		leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

/*
 * Convert to Unix time; false for a date or a time of day that does not exist, or
 * outside 1970 to 9999.  "offset" from UTC is in s.
 */
static bool
unix_time(const Civil *civil, int offset, int64 *time)
{
	if (civil->month < 1 || civil->month > 12 || civil->day < 1 ||
		civil->year < 1 || civil->day > days_of_month(civil->year, civil->month) ||
		civil->hour > 23 || civil->minute > 59 || civil->second > 60)
		return false;
	*time = days_from_civil(civil) * DAY +
		civil->hour * HOUR + civil->minute * MINUTE + civil->second - offset;
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

/* Take "hh:mm:ss" off *text. */
static bool
take_clock(const char **text, Civil *civil)
{
	return take_number(text, 2, &civil->hour) && take_any(text, ":") &&
		take_number(text, 2, &civil->minute) && take_any(text, ":") &&
		take_number(text, 2, &civil->second);
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
	*offset = (sign == '-' ? -1 : 1) * (hours * HOUR + minutes * MINUTE);
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
	Civil		civil;
	int			offset;

	if (!take_number(&text, 4, &civil.year) || !take_any(&text, "-") ||
		!take_number(&text, 2, &civil.month) || !take_any(&text, "-") ||
		!take_number(&text, 2, &civil.day) || !take_any(&text, "Tt ") ||
		!take_clock(&text, &civil))
		return false;
	if (take_any(&text, "."))
	{
		if (!take_any(&text, "0123456789"))
			return false;
		text += strspn(text, "0123456789");
	}
	return take_offset(&text, &offset) && *text == '\0' && unix_time(&civil, offset, time);
}
