/* row_reader.h: the rows of a foreign table, out of an answer's document. */
#ifndef IMAGEBUILDER_ROW_READER_H
#define IMAGEBUILDER_ROW_READER_H

#include "executor/tuptable.h"
#include "fdw/binding.h"
#include "lookup/request.h"
#include "rows/document.h"

typedef struct RowReader RowReader;

extern RowReader *row_reader_create(const BoundTable *table, TupleDesc tupdesc, List *attrs,
									 bool warn);
extern bool row_reader_needs_account(const RowReader *reader);
extern void row_reader_start(RowReader *reader, const Request *request,
							 const Document *document, const char *account);
extern bool row_reader_next(RowReader *reader, TupleTableSlot *slot);

#endif							/* IMAGEBUILDER_ROW_READER_H */
