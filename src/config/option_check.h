/* option_check.h: what the values of options may be. */
#ifndef IMAGEBUILDER_OPTION_CHECK_H
#define IMAGEBUILDER_OPTION_CHECK_H

/* Check of a value: returns what is wrong with the value, as a clause, or NULL. */
typedef const char *(*OptionCheck) (const char *value);

extern const char *option_check_region(const char *value);
extern const char *option_check_file(const char *value);
extern const char *option_check_token(const char *value);
extern const char *option_check_text(const char *value);
extern const char *option_check_role(const char *value);
extern const char *option_check_external_id(const char *value);
extern const char *option_check_session_name(const char *value);
extern const char *option_check_table(const char *value);
extern const char *option_check_rows(const char *value);
extern const char *option_check_path(const char *value);

#endif							/* IMAGEBUILDER_OPTION_CHECK_H */
