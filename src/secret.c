/*
 * secret.c: memory that holds secrets, and is wiped before it is freed.
 *
 * Wiping keeps credentials that are no longer used out of core dumps and out of memory
 * that another extension allocates.  A string that holds a secret must not grow in
 * place, because growing would leave copies behind.
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#include "utils/memutils.h"
#endif

#include <malloc.h>

#include "secret.h"

#ifndef FRONTEND
typedef struct SecretGuard
{
	MemoryContextCallback callback;
	char	   *data;
	size_t		length;
} SecretGuard;

/* Wipe the guarded bytes (a MemoryContextCallback). */
static void
wipe(void *arg)
{
	SecretGuard *guard = arg;

	explicit_bzero(guard->data, guard->length);
}
#endif

/*
 * Wipe "length" bytes when the current memory context is reset or deleted.  The bytes
 * must have been allocated in that context, and not be freed before.  Return "data".
 */
char *
secret_guard(char *data, size_t length)
{
#ifdef FRONTEND
	(void) length;				/* programs have no memory contexts */
#else
	SecretGuard *guard = palloc(sizeof(SecretGuard));

	Assert(GetMemoryChunkContext(data) == CurrentMemoryContext);
	Assert(length <= GetMemoryChunkSpace(data));
	guard->data = data;
	guard->length = length;
	guard->callback.func = wipe;
	guard->callback.arg = guard;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &guard->callback);
#endif
	return data;
}

/*
 * Return a copy of "length" bytes and a NUL after them, guarded by secret_guard().  A
 * NUL among the bytes is copied like any other, so that the size wiped is the size
 * allocated: pnstrdup() would allocate up to the first NUL only.
 */
char *
secret_copy(const char *bytes, size_t length)
{
	char	   *copy = palloc(length + 1);

	memcpy(copy, bytes, length);
	copy[length] = '\0';
	return secret_guard(copy, length + 1);
}

/* Return a copy of a string, guarded by secret_guard(); NULL of NULL. */
char *
secret_strdup(const char *text)
{
	return text ? secret_copy(text, strlen(text)) : NULL;
}

/*
 * Return two strings as one, guarded by secret_guard(): psprintf() might leave
 * unguarded copies when it has to allocate again.
 */
char *
secret_concat(const char *text, const char *secret)
{
	size_t		length = strlen(text);
	size_t		whole = length + strlen(secret);
	char	   *out = palloc(whole + 1);

	memcpy(out, text, length);
	strcpy(out + length, secret);
	return secret_guard(out, whole);
}

/* Wipe and free memory that malloc() allocated. */
void
secret_free(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

/* Do as realloc() does, and wipe the old block if the data moves. */
void *
secret_realloc(void *memory, size_t size)
{
	size_t		old = memory ? malloc_usable_size(memory) : 0;
	void	   *grown;

	if (memory && size <= old)
		return memory;
	grown = malloc(size);
	if (grown && memory)
	{
		memcpy(grown, memory, old);
		secret_free(memory);
	}
	return grown;
}
