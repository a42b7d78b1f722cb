/* sts.h: roles assumed with AWS's Security Token Service. */
#ifndef IMAGEBUILDER_STS_H
#define IMAGEBUILDER_STS_H

#include "identity/exchange.h"

extern FetchState sts_assume_role(Fetch *fetch, const ProfileRole *role, long *wait);
extern FetchState sts_assume_role_with_web_identity(Fetch *fetch, const char *token_file,
													const char *role_arn,
													const char *session_name,
													long *wait);

#endif							/* IMAGEBUILDER_STS_H */
