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
typedef struct SecretBlock
{
	MemoryContextCallback callback;
	char	   *data;
	size_t		length;
} SecretBlock;

/* Wipe the protected bytes (a MemoryContextCallback). */
static void
wipe(void *arg)
{
	SecretBlock *block = arg;

	explicit_bzero(block->data, block->length);
}
#endif

/*
 * Wipe "length" bytes when the current memory context is reset or deleted.  The bytes
 * must have been allocated in that context, and not be freed before.  Return "data".
 */
char *
secret_protect(char *data, size_t length)
{
#ifdef FRONTEND
	(void) length;				/* programs have no memory contexts */
#else
	SecretBlock *block = palloc(sizeof(SecretBlock));

	Assert(GetMemoryChunkContext(data) == CurrentMemoryContext);
	Assert(length <= GetMemoryChunkSpace(data));
	block->data = data;
	block->length = length;
	block->callback.func = wipe;
	block->callback.arg = block;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &block->callback);
#endif
	return data;
}

/*
 * Return a copy of "length" bytes and a NUL after them, protected by secret_protect().
 * A NUL among the bytes is copied like any other, so that the size wiped is the size
 * allocated: pnstrdup() would allocate up to the first NUL only.
 */
char *
secret_copy(const char *bytes, size_t length)
{
	char	   *copy = palloc(length + 1);

	memcpy(copy, bytes, length);
	copy[length] = '\0';
	return secret_protect(copy, length + 1);
}

/* Return a copy of a string, protected by secret_protect(); NULL of NULL. */
char *
secret_strdup(const char *text)
{
	return text ? secret_copy(text, strlen(text)) : NULL;
}

/*
 * Return two strings as one, protected by secret_protect(): psprintf() might leave
 * unprotected copies when it has to allocate again.
 */
char *
secret_concat(const char *text, const char *secret)
{
	size_t		length = strlen(text);
	size_t		whole = length + strlen(secret);
	char	   *out = palloc(whole + 1);

	memcpy(out, text, length);
	strcpy(out + length, secret);
	return secret_protect(out, whole);
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
