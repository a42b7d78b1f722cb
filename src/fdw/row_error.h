/* row_error.h: why a row of an answer's document cannot be read. */
#ifndef IMAGEBUILDER_ROW_ERROR_H
#define IMAGEBUILDER_ROW_ERROR_H

extern ErrorData *row_error_catch(bool nested);
extern void row_error_report(const ErrorData *error, const char *subject, const char *column,
							 const char *path, int level);

#endif							/* IMAGEBUILDER_ROW_ERROR_H */
