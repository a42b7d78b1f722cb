/*-------------------------------------------------------------------------
 *
 * ini.h
 *		The syntax of the shared AWS config and credentials files.
 *
 * Portions Copyright (c) 2026, imagebuilder_fdw contributors
 *
 * IDENTIFICATION
 *		src/aws/ini.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGEBUILDER_INI_H
#define IMAGEBUILDER_INI_H

typedef struct Setting
{
	char	   *key;			/* in lower case */
	char	   *value;			/* its first line */
	bool		multiline;
	struct Setting *next;
} Setting;

typedef struct Section
{
	char	   *header;
	char	   *profile;		/* its name; NULL: the section is no profile */
	Setting    *settings;
	const struct Section *fallback; /* for what is not set here; or NULL */
	struct Section *next;
} Section;

typedef struct IniFile
{
	const char *kind;			/* "config" or "credentials" */
	bool		is_config;
	Section    *sections;		/* the last comes first */
	Section		defaults;		/* [DEFAULT], which configparser takes for
								 * what is not set in the others */
} IniFile;

extern char *ini_read(IniFile *file, const char *text);
extern const Section *ini_find_section(const IniFile *file, const char *profile);
extern const Setting *ini_find_setting(const Section *section, const char *key);

#endif							/* IMAGEBUILDER_INI_H */
