/* foreign_text.c: text from outside, as messages can show it. */
#include "postgres.h"

#include "foreign_text.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

/* How long a secret is that the text starts with; 0 if it does with none. */
static size_t
secret_length(const char *text, size_t length, const char *const *secrets)
{
	for (int i = 0; secrets && secrets[i]; i++)
	{
		size_t		n = strlen(secrets[i]);

		/* A shorter one would be found in many a word. */
		if (n >= 4 && n <= length && memcmp(text, secrets[i], n) == 0)
			return n;
	}
	return 0;
}

/*
 * Secrets struck out, control characters made spaces, what the database's
 * encoding does not have made question marks, the rest cut at "limit" bytes.
 */
static char *
show(const char *text, int encoding, int limit, const char *const *secrets)
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
 * Text that a service sent, in what should be UTF-8, for a message: cut at
 * "limit" bytes or a few more, without "secrets" (ends with a NULL; NULL if
 * there are none).
 */
char *
foreign_text(const char *utf8, int limit, const char *const *secrets)
{
	return show(utf8, PG_UTF8, limit, secrets);
}

/* The same for text in the database's encoding, which quotes foreign text or may. */
char *
local_text(const char *text, int limit)
{
	return show(text, GetDatabaseEncoding(), limit, NULL);
}
