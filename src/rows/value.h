/* value.h: conversion of JSON values to SQL. */
#ifndef IMAGEBUILDER_VALUE_H
#define IMAGEBUILDER_VALUE_H

#include "api/schema.h"
#include "fmgr.h"
#include "rows/document.h"

/*
 * Conversion of JSON values to one SQL type; made once for a column, used for each
 * value.
 */
typedef struct Converter
{
	ColumnType	expected;		/* what the API's model promises */
	Oid			type;			/* as the column is declared */
	Oid			base_type;		/* the declared type without domains */
	int32		typmod;
	char		category;		/* a TYPCATEGORY_ */
	FmgrInfo	input;			/* the declared type's input function */
	Oid			ioparam;
	struct Converter *element;	/* of an array type; else NULL */
} Converter;

extern Converter *converter_create(ColumnType expected, Oid type, int32 typmod);
extern bool converter_fails_cleanly(const Converter *converter);
extern Datum converter_convert(Converter *converter, const Document *doc,
							   DocumentNode node);
extern Datum converter_from_text(Converter *converter, const char *text);

#endif							/* IMAGEBUILDER_VALUE_H */
