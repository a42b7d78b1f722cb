/* arn.h: Amazon Resource Names of EC2 Image Builder. */
#ifndef IMAGEBUILDER_ARN_H
#define IMAGEBUILDER_ARN_H

/* Size of a buffer for an account ID, its NUL included. */
#define ARN_ACCOUNT_SIZE	13

/* Parts of an ARN; version and build are NULL where the ARN has none. */
typedef struct Arn
{
	char	   *partition;
	char	   *region;
	char	   *account_id;		/* 12 digits, or a name such as "aws" */
	char	   *resource_type;
	char	   *name;
	char	   *version;
	char	   *build;
} Arn;

extern bool arn_parse(const char *text, Arn *arn);
extern bool arn_is_of_kind(const Arn *arn, const char *kind);
extern char *arn_kind_noun(const char *kind);
extern char *arn_kind_form(const char *kind, const char *partition, bool longest);
extern bool arn_region_is_valid(const char *region);
extern char *arn_account_of_role(const char *role);
extern bool arn_account_is_valid(const char *account);

#endif							/* IMAGEBUILDER_ARN_H */
