/* date.h: dates and times as AWS's services write them. */
#ifndef IMAGEBUILDER_DATE_H
#define IMAGEBUILDER_DATE_H

/* Unix time of 9999-12-31T23:59:59Z, the last second of a four-digit year. */
#define DATE_MAX		INT64CONST(253402300799)

extern bool date_parse_iso(const char *text, int64 *time);

#endif							/* IMAGEBUILDER_DATE_H */
