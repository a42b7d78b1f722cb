/* setopt.h: setting libcurl's options, with errors for those that libcurl refuses. */
#ifndef IMAGEBUILDER_SETOPT_H
#define IMAGEBUILDER_SETOPT_H

#include <curl/curl.h>

/* Set an option that a request cannot do without. */
#define REQUIRE(handle, option, value) \
	setopt_require(curl_easy_setopt(handle, option, value))

/* Set an option that some versions or builds of libcurl lack. */
#define ASK_FOR(handle, option, value) \
	setopt_ask_for(curl_easy_setopt(handle, option, value))

extern void setopt_require(CURLcode code);
extern void setopt_ask_for(CURLcode code);

#endif							/* IMAGEBUILDER_SETOPT_H */
