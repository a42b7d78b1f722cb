/* words.c: a line of words, as shells quote them. */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "aws/words.h"
#include "secret.h"

/*
 * Split a text into words as Python's shlex.split() does, with which botocore
 * reads command lines and the names of profiles: words are separated by white
 * space, quotes and backslashes are those of shells, and every other character
 * stands for itself.
 *
 * Returns the words and a NULL after them; NULL if a quote is not closed, or
 * nothing follows a backslash.  The words are wiped with the current memory
 * context, since a command line may hold a password.
 */
char	  **
words_split(const char *text)
{
	size_t		length = strlen(text);
	char	   *out = secret_guard(palloc(length + 1), length + 1);
	char	  **words = palloc((length / 2 + 2) * sizeof(char *));
	int			nwords = 0;
	bool		in_word = false;
	char		quote = '\0';

	for (const char *p = text;; p++)
	{
		if (quote == '\0' && strchr(" \t\r\n", *p) != NULL)	/* the end, too */
		{
			if (in_word)
				*out++ = '\0';
			in_word = false;
			if (*p != '\0')
				continue;
			words[nwords] = NULL;
			return words;
		}
		if (!in_word)
			words[nwords++] = out;
		in_word = true;
		if (*p == '\\' && quote != '\'')
		{
			p++;
			if (quote != '\0' && *p != '\\' && *p != quote)
				*out++ = '\\';
		}
		else if (quote != '\0' ? *p == quote : *p == '\'' || *p == '"')
		{
			quote = quote != '\0' ? '\0' : *p;
			continue;
		}
		if (*p == '\0')
			return NULL;
		*out++ = *p;
	}
}
