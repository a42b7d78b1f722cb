/* secret.h: memory that holds secrets, and is wiped before it is freed. */
#ifndef IMAGEBUILDER_SECRET_H
#define IMAGEBUILDER_SECRET_H

/* Functions for memory that palloc() allocates. */
extern char *secret_protect(char *data, size_t length);
extern char *secret_copy(const char *bytes, size_t length);
extern char *secret_strdup(const char *text);
extern char *secret_concat(const char *text, const char *secret);

/* Functions for memory that malloc() allocates. */
extern void *secret_realloc(void *memory, size_t size);
extern void secret_free(void *memory);

#endif							/* IMAGEBUILDER_SECRET_H */
