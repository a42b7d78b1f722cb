/* profile_base.h: a profile's own credentials, before any role. */
#ifndef IMAGEBUILDER_PROFILE_BASE_H
#define IMAGEBUILDER_PROFILE_BASE_H

#include "aws/profile_setting.h"

extern bool profile_resolve_base(Resolver *r, const Profile *profile);

#endif							/* IMAGEBUILDER_PROFILE_BASE_H */
