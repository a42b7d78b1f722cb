/*-------------------------------------------------------------------------
 *
 * option_check.h
 *		What the values of options may be.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/fdw/option_check.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGEBUILDER_OPTION_CHECK_H
#define IMAGEBUILDER_OPTION_CHECK_H

/* Says what is wrong with a value, a clause without a full stop; or NULL. */
typedef const char *(*OptionCheck) (const char *value);

extern const char *option_check_region(const char *value);
extern const char *option_check_url(const char *value);
extern const char *option_check_file(const char *value);
extern const char *option_check_token(const char *value);
extern const char *option_check_text(const char *value);
extern const char *option_check_on_error(const char *value);
extern const char *option_check_provider(const char *value);
extern const char *option_check_proxy(const char *value);
extern const char *option_check_role(const char *value);
extern const char *option_check_external_id(const char *value);
extern const char *option_check_session_name(const char *value);
extern const char *option_check_table(const char *value);
extern const char *option_check_rows(const char *value);
extern const char *option_check_path(const char *value);

#endif							/* IMAGEBUILDER_OPTION_CHECK_H */
