/* import.h: IMPORT FOREIGN SCHEMA. */
#ifndef IMAGEBUILDER_IMPORT_H
#define IMAGEBUILDER_IMPORT_H

#include "foreign/fdwapi.h"

extern List *imagebuilderImportForeignSchema(ImportForeignSchemaStmt *stmt, Oid serverOid);

#endif							/* IMAGEBUILDER_IMPORT_H */
