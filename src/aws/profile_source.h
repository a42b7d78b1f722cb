/* profile_source.h: a profile's own credentials, before any role. */
#ifndef IMAGEBUILDER_PROFILE_SOURCE_H
#define IMAGEBUILDER_PROFILE_SOURCE_H

#include "aws/profile_setting.h"

extern bool profile_resolve_source(Resolver *r, const Profile *profile);

#endif							/* IMAGEBUILDER_PROFILE_SOURCE_H */
