/* foreign_text.c: text from services and files, made safe to show in messages. */
#include "postgres.h"

#include "foreign_text.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

/* Return the length of the secret that the text starts with, or 0. */
static size_t
secret_length(const char *text, size_t length, const List *secrets)
{
	ListCell   *lc;

	foreach(lc, secrets)
	{
		const char *secret = lfirst(lc);
		size_t		n = strlen(secret);

		/* Leave shorter values alone: they would be found in many a word. */
		if (n >= 4 && n <= length && memcmp(text, secret, n) == 0)
			return n;
	}
	return 0;
}

/*
 * Return a text with secrets replaced by asterisks, control characters by spaces and
 * characters that the database's encoding lacks by question marks, cut at "limit"
 * bytes.
 */
static char *
show(const char *text, int encoding, int limit, const List *secrets)
{
	StringInfoData out;
	const char *end = text + strlen(text);

	initStringInfo(&out);
	while (text < end && out.len < limit)
	{
		unsigned char c = *text;
		int			width = pg_encoding_verifymbchar(encoding, text, end - text);
		size_t		secret = secret_length(text, end - text, secrets);

		if (secret > 0)
		{
			appendStringInfoString(&out, "***");
			text += secret;
		}
		else if (c < 0x80)
		{
			appendStringInfoChar(&out, c < ' ' || c == 0x7f ? ' ' : c);
			text++;
		}
		else if (encoding == GetDatabaseEncoding() && width > 0)
		{
			appendBinaryStringInfo(&out, text, width);
			text += width;
		}
		else
		{
			appendStringInfoChar(&out, '?');
			text++;
		}
	}
	if (text < end)
		appendStringInfoString(&out, " ...");
	return out.data;
}

/*
 * Return a service's text, which should be UTF-8, for a message: cut at "limit" bytes
 * or a few more, without "secrets", a list of strings.
 */
char *
foreign_text(const char *utf8, int limit, const List *secrets)
{
	return show(utf8, PG_UTF8, limit, secrets);
}

/*
 * Return text in the database's encoding, which may quote foreign text, for a message:
 * cut at "limit" bytes or a few more.
 */
char *
local_text(const char *text, int limit)
{
	return show(text, GetDatabaseEncoding(), limit, NULL);
}
