/* setopt.h: setting libcurl's options, and raising what libcurl says of them. */
#ifndef IMAGEBUILDER_SETOPT_H
#define IMAGEBUILDER_SETOPT_H

#include <curl/curl.h>

/* Set an option that a request cannot do without. */
#define REQUIRE(handle, option, value) \
	setopt_require(curl_easy_setopt(handle, option, value))

/* Set an option that not every libcurl has. */
#define ASK_FOR(handle, option, value) \
	setopt_ask_for(curl_easy_setopt(handle, option, value))

extern void setopt_require(CURLcode code);
extern void setopt_ask_for(CURLcode code);

#endif							/* IMAGEBUILDER_SETOPT_H */
