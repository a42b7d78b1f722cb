/* async.h: scans below an asynchronous Append. */
#ifndef IMAGEBUILDER_ASYNC_H
#define IMAGEBUILDER_ASYNC_H

#include "foreign/fdwapi.h"

extern bool imagebuilderIsForeignPathAsyncCapable(ForeignPath *path);
extern void imagebuilderForeignAsyncRequest(AsyncRequest *areq);
extern void imagebuilderForeignAsyncConfigureWait(AsyncRequest *areq);

#endif							/* IMAGEBUILDER_ASYNC_H */
