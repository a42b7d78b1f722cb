/*-------------------------------------------------------------------------
 *
 * import.h
 *		IMPORT FOREIGN SCHEMA.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/import.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGEBUILDER_IMPORT_H
#define IMAGEBUILDER_IMPORT_H

#include "foreign/fdwapi.h"

extern List *imagebuilderImportForeignSchema(ImportForeignSchemaStmt *stmt, Oid serverOid);

#endif							/* IMAGEBUILDER_IMPORT_H */
