/* setopt.c: raising errors for options that libcurl does not accept. */
#include "postgres.h"

#include "http/memory.h"
#include "http/setopt.h"

/* Raise 53200 if memory ran out, HV000 if libcurl refused an option otherwise. */
void
setopt_require(CURLcode code)
{
	if (code == CURLE_OUT_OF_MEMORY)
		memory_raise("libcurl could not take an option.");
	if (code != CURLE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("could not set up a request"),
				 errdetail("libcurl: %s.", curl_easy_strerror(code))));
}

/* Raise 53200 if memory ran out; accept that libcurl lacks the option. */
void
setopt_ask_for(CURLcode code)
{
	if (code == CURLE_OUT_OF_MEMORY)
		setopt_require(code);
}
