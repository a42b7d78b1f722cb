/* ini.h: the syntax of the shared AWS config and credentials files. */
#ifndef IMAGEBUILDER_INI_H
#define IMAGEBUILDER_INI_H

typedef struct Setting
{
	char	   *key;			/* in lower case */
	const char *value;			/* first line of the value, a part of the file's text */
	size_t		length;			/* of the value, in bytes */
	bool		multiline;
	struct Setting *next;		/* the setting before this one in the section */
} Setting;

typedef struct Section
{
	struct IniFile *file;
	Setting    *settings;
	bool		visited;		/* set by profile.c to detect circles of source_profile */
} Section;

typedef struct IniFile
{
	bool		is_config;		/* else the credentials file */
	struct names_hash *names;	/* sections, profiles and settings */
	Section		defaults;		/* [DEFAULT], from which configparser takes what other
								 * sections do not set */
} IniFile;

extern char **ini_split_words(const char *text);
extern char *ini_read(IniFile *file, const char *text);
extern Section *ini_find_section(const IniFile *file, const char *profile);
extern const Setting *ini_find_setting(const Section *section, const char *key);

#endif							/* IMAGEBUILDER_INI_H */
