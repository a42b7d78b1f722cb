/* secret.h: memory that holds secrets, and is wiped before it is freed. */
#ifndef IMAGEBUILDER_SECRET_H
#define IMAGEBUILDER_SECRET_H

/* In palloc's memory. */
extern char *secret_guard(char *data, size_t length);
extern char *secret_copy(const char *bytes, size_t length);
extern char *secret_strdup(const char *text);
extern char *secret_concat(const char *text, const char *secret);

/* In malloc's; malloc() itself will do to allocate it. */
extern void *secret_realloc(void *memory, size_t size);
extern void secret_free(void *memory);

#endif							/* IMAGEBUILDER_SECRET_H */
