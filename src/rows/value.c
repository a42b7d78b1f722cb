/*
 * value.c: conversion of JSON values to SQL.
 *
 * A column of one of the schema's own types takes the JSON values that the API's model
 * promises for it, and no others.  A column declared as another type, or with a path of
 * the user's own, is given the value's text form to read, or its JSON if the type is
 * json or jsonb. moment_from_json() converts dates and times for every column.
 *
 * For values that do not fit, all functions raise errors of class 22 or 23 and whatever
 * the types' input functions raise; the caller adds which column, path and image it
 * was.
 */
#include "postgres.h"

#include <ctype.h>
#include <limits.h>

#include "catalog/pg_collation_d.h"
#include "catalog/pg_type.h"
#include "foreign_text.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "regex/regex.h"
#include "rows/rows.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Microseconds from the Unix epoch to PostgreSQL's. */
#define UNIX_TO_POSTGRES_USECS \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/*
 * Return a converter to a type, allocated in the current memory context.  "expected" is
 * the schema's type of the value, TYPE_ANY for a path of the user's own.
 */
Converter *
converter_create(ColumnType expected, Oid type, int32 typmod)
{
	Converter  *c = palloc0(sizeof(Converter));
	Oid			input;
	Oid			element;

	c->expected = expected;
	c->type = type;
	c->typmod = typmod;
	c->base_type = getBaseType(type);
	c->category = TypeCategory(c->base_type);
	getTypeInputInfo(type, &input, &c->ioparam);
	fmgr_info(input, &c->input);

	/*
	 * A domain over an array has no element: the domain's input function reads the
	 * array's text.
	 */
	element = get_element_type(type);
	if (OidIsValid(element))
		c->element = converter_create(expected == TYPE_TEXT_ARRAY ? TYPE_TEXT : TYPE_ANY,
									  element, typmod);
	return c;
}

/*
 * True if a failed conversion leaves nothing behind but memory: no locks, no
 * references, no function under way.  That holds for the listed types, all of whose
 * input functions are PostgreSQL's own, and arrays of them; not for domains, whose
 * CHECKs run any function, nor for types of the user's.
 */
bool
converter_fails_cleanly(const Converter *c)
{
	switch (c->type)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case JSONOID:
		case JSONBOID:
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INTERVALOID:
		case UUIDOID:
			return true;
		default:
			return c->element && converter_fails_cleanly(c->element);
	}
}

/* Kinds of JSON values that a column of each type takes, as bits. */
static const int kinds_taken[] = {
	[TYPE_ANY] = ~0,
	[TYPE_TEXT] = 1 << DOC_STRING,
	[TYPE_BOOLEAN] = 1 << DOC_TRUE | 1 << DOC_FALSE,
	[TYPE_INTEGER] = 1 << DOC_NUMBER,
	[TYPE_BIGINT] = 1 << DOC_NUMBER,
	[TYPE_TIMESTAMPTZ] = 1 << DOC_STRING | 1 << DOC_NUMBER,
	[TYPE_JSONB] = ~0,
	[TYPE_TEXT_ARRAY] = 1 << DOC_LIST,
};

/* Return a string's content, or any other value's JSON. */
static char *
text_form(const Document *doc, DocumentNode node)
{
	return document_kind(doc, node) == DOC_STRING ? document_text(doc, node) :
		document_json(doc, node);
}

/* Return an integer's digits, however the JSON number is written: 60, 60.0, 6e1. */
static char *
integer_digits(const char *text)
{
	Datum		number = DirectFunctionCall3(numeric_in, CStringGetDatum(text),
											 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	Datum		whole = DirectFunctionCall2(numeric_trunc, number, Int32GetDatum(0));

	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, number, whole)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the number %s is not an integer",
						local_text(text, MAX_FOREIGN_WORD))));
	return DatumGetCString(DirectFunctionCall1(numeric_out, whole));
}

/*
 * Return the microseconds in a JSON number of seconds, without the number's sign,
 * rounded half away from zero; PG_UINT64_MAX if there are more than can be counted.
 * Exact, so not through double, and of any exponent, so not through numeric.
 */
static uint64
count_usecs(const char *text)
{
	const char *p = text + (*text == '-');
	const char *exponent = strpbrk(text, "eE");
	/* Digits before the decimal point of the number of microseconds. */
	int64		whole = (int64) strspn(p, "0123456789") + 6;
	uint64		usecs = 0;

	if (exponent)
		whole += Max(Min(strtol(exponent + 1, NULL, 10), INT_MAX), -INT_MAX);
	for (int64 place = 0; place <= whole; place++)
	{
		int			digit = 0;

		if (*p == '.')
			p++;
		if (isdigit((unsigned char) *p))
			digit = *p++ - '0';
		else if (usecs == 0)
			break;				/* it is zero, whatever the exponent */
		if (place == whole)
			return usecs + (digit >= 5);
		if (usecs > (PG_UINT64_MAX - 10) / 10)
			return PG_UINT64_MAX;
		usecs = usecs * 10 + digit;
	}
	return usecs;
}

/* Convert epoch seconds to timestamptz, rounded to the microsecond. */
static Datum
timestamp_from_number(const char *text)
{
	/* Unsigned, since timestamptz's last moments, counted from 1970, are beyond int64. */
	const uint64 epoch = UNIX_TO_POSTGRES_USECS;
	bool		negative = *text == '-';
	uint64		usecs = count_usecs(text);

	if (negative ? usecs > (uint64) -MIN_TIMESTAMP - epoch :
		usecs >= (uint64) END_TIMESTAMP + epoch)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("the epoch seconds %s are out of timestamptz's range",
						local_text(text, MAX_FOREIGN_WORD))));
	if (negative)
		return TimestampTzGetDatum(-(TimestampTz) (usecs + epoch));
	return TimestampTzGetDatum(usecs < epoch ? -(TimestampTz) (epoch - usecs) :
							   (TimestampTz) (usecs - epoch));
}

/*
 * True if a text is an ISO 8601 date in the extended format, alone or with a time, so
 * that PostgreSQL's more lenient input (which takes "now", "infinity" and dates in the
 * order of DateStyle) reads what was meant.  Sets *zone if the time has an offset.
 */
static bool
is_iso_8601(const char *text, bool *zone)
{
	static const char pattern[] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
		"(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)?"
		"([Zz]|[-+][0-9]{2}(?::?[0-9]{2})?)?)?$";
	regmatch_t	matches[2];
	bool		iso = RE_compile_and_execute(cstring_to_text(pattern), unconstify(char *, text),
											 strlen(text), REG_ADVANCED, C_COLLATION_OID,
											 lengthof(matches), matches);

	*zone = iso && matches[1].rm_so >= 0;
	return iso;
}

/*
 * Convert a JSON value to a type of dates or times, whatever the session's TimeZone and
 * DateStyle are.
 *
 * An instant (epoch seconds, or a date and time with an offset) is converted, for types
 * without a zone to UTC.  The type's input function reads any other text, except that
 * timestamptz takes a date and time without an offset as UTC, as all of AWS's APIs mean
 * them.
 */
static Datum
moment_from_json(Converter *c, const Document *doc, DocumentNode node, DocumentKind kind)
{
	const char *text = text_form(doc, node);
	Datum		moment;
	char		utc[MAXDATELEN + 1];

	if (kind == DOC_NUMBER)
		moment = timestamp_from_number(text);
	else
	{
		bool		with_zone = c->base_type == TIMESTAMPTZOID;
		bool		zone;
		bool		iso = is_iso_8601(text, &zone);

		if (!iso && (with_zone || c->base_type == TIMESTAMPOID || c->base_type == DATEOID))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_DATETIME_FORMAT),
					 errmsg("\"%s\" is not an ISO 8601 date, or date and time",
							local_text(text, MAX_FOREIGN_WORD))));
		if (!zone && !with_zone)
			return converter_from_text(c, text);
		/*
		 * timestamp_in() ignores TimeZone, and yields the timestamptz of the text taken
		 * as UTC.
		 */
		moment = DirectFunctionCall3(zone ? timestamptz_in : timestamp_in, CStringGetDatum(text),
									 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	}
	if (c->type == TIMESTAMPTZOID && c->typmod < 0)
		return moment;
	/* No setting of the session's changes what JsonEncodeDateTime() writes. */
	JsonEncodeDateTime(utc, moment, TIMESTAMPTZOID, &(const int) {0});
	*strchr(utc, 'T') = ' ';	/* time_in() takes no "T" after a date */
	return converter_from_text(c, utc);
}

static Datum
array_from_json(Converter *c, const Document *doc, DocumentNode node)
{
	ArrayBuildState *array = initArrayResult(c->element->type, CurrentMemoryContext, false);
	/* Reset after each element: the leftovers of conversions add up in a long list. */
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "imagebuilder_fdw list",
												  ALLOCSET_SMALL_SIZES);

	for (DocumentNode i = document_first(doc, node); i != DOC_ABSENT;
		 i = document_next(doc, i))
	{
		bool		isnull = document_is_null(doc, i);
		MemoryContext previous = MemoryContextSwitchTo(scratch);
		Datum		value = isnull ? (Datum) 0 : converter_convert(c->element, doc, i);

		MemoryContextSwitchTo(previous);
		accumArrayResult(array, value, isnull, c->element->type, previous);
		MemoryContextReset(scratch);
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextDelete(scratch);
	return makeArrayResult(array, CurrentMemoryContext);
}

/*
 * Convert a value that is neither absent nor null to the column's type, in the current
 * memory context.
 */
Datum
converter_convert(Converter *c, const Document *doc, DocumentNode node)
{
	DocumentKind kind = document_kind(doc, node);
	char	   *text;

	if (!(kinds_taken[c->expected] & (1 << kind)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("a JSON %s cannot be read as type %s",
						document_kind_name(kind), column_type_names[c->expected])));
	if (c->element && kind == DOC_LIST)
		return array_from_json(c, doc, node);
	if (c->type == BOOLOID && (kind == DOC_TRUE || kind == DOC_FALSE))
		return BoolGetDatum(kind == DOC_TRUE);
	if (c->category == TYPCATEGORY_DATETIME)
		return moment_from_json(c, doc, node, kind);

	if (c->base_type == JSONOID || c->base_type == JSONBOID)
		return converter_from_text(c, document_json(doc, node));
	text = text_form(doc, node);
	if (kind == DOC_NUMBER &&
		(c->base_type == INT2OID || c->base_type == INT4OID || c->base_type == INT8OID))
		text = integer_digits(text);
	return converter_from_text(c, text);
}

/* Convert text in the database's encoding to the column's type. */
Datum
converter_from_text(Converter *c, const char *text)
{
	if (c->type == TEXTOID)
		return CStringGetTextDatum(text);
	return InputFunctionCall(&c->input, unconstify(char *, text), c->ioparam,
							 c->typmod);
}
