/*
 * tls.c: the TLS settings of requests.
 *
 * OpenSSL reads within one call for as long as the peer sends messages that a
 * handshake skips, such as HelloRequests, or messages of handshakes, such as new
 * sessions, in place of data, and none of OpenSSL's callbacks can refuse a message.
 * The BIO that OpenSSL reads from has a callback that can: once libcurl has acted for
 * long enough, the callback answers a read as if no data had come.  OpenSSL and libcurl
 * then return, and http_wait() looks at interrupts and time-outs, and has libcurl read
 * on.  So no transfer fails that would have succeeded otherwise.
 */
#include "postgres.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include "http/transfer.h"
#include "miscadmin.h"

/* The system's authorities, and the file that they were read from. */
static struct
{
	STACK_OF(X509) *list;		/* NULL: none were read */
	struct stat file;
}			authorities;

/* Put off a read that call_may_read() does not allow (a BIO_callback_fn_ex). */
static long
watch_read(BIO *bio, int operation, const char *data, size_t length, int argi, long argl,
		   int result, size_t *processed)
{
	if (operation == (BIO_CB_READ | BIO_CB_RETURN) && result > 0)
		call_note_read();
	if (operation == BIO_CB_READ && !call_may_read())
	{
		BIO_clear_retry_flags(bio);
		BIO_set_retry_read(bio);
		return -1;
	}
	return result;
}

/*
 * Watch the reads of a handshake, the connection's first or a renegotiation (a
 * callback of SSL_CTX_set_info_callback()): the BIO does not exist yet when the
 * SSL_CTX is set up.
 */
static void
watch_handshake(const SSL *ssl, int where, int result)
{
	if (where == SSL_CB_HANDSHAKE_START && SSL_get_rbio(ssl))
		BIO_set_callback_ex(SSL_get_rbio(ssl), watch_read);
}

/* True if two results of stat() are of one file that was not changed in between. */
static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
		a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
		a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Read the certificates of a PEM file; NULL if there are none, or memory ran out. */
static STACK_OF(X509) *
read_certificates(const char *path)
{
	STACK_OF(X509) *volatile list = sk_X509_new_null();
	BIO		   *volatile bio = BIO_new_file(path, "r");
	volatile bool complete = false;	/* all of the file was read */

	PG_TRY();
	{
		X509	   *certificate;

		while (list && bio && (certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)))
		{
			if (!sk_X509_push(list, certificate))
			{
				X509_free(certificate);
				break;
			}
			CHECK_FOR_INTERRUPTS();
		}
		complete = bio && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	}
	PG_FINALLY();
	{
		ERR_clear_error();
		BIO_free(bio);
		if (!complete || sk_X509_num(list) == 0)
		{
			sk_X509_pop_free(list, X509_free);
			list = NULL;
		}
	}
	PG_END_TRY();
	return list;
}

/*
 * Read the authorities of the file that libcurl has by default, unless the file is as
 * it was.  libcurl would read it for each connection: tens of milliseconds of computing
 * in which no interrupt acts.  False if libcurl has to, say because the file cannot be
 * read.  Raises what an interrupt raises.
 */
static bool
read_authorities(void)
{
	const char *path = compat_curl_ca_file(curl_version_info(CURLVERSION_NOW));
	struct stat file;
	STACK_OF(X509) *list;

	if (path == NULL || stat(path, &file) != 0)
		return false;
	if (authorities.list && is_same_file(&file, &authorities.file))
		return true;
	list = read_certificates(path);
	if (list == NULL)
		return false;
	sk_X509_pop_free(authorities.list, X509_free);
	authorities.list = list;
	authorities.file = file;
	return true;
}

/*
 * Set up OpenSSL for a connection to the service or to a proxy (a
 * CURLOPT_SSL_CTX_FUNCTION): OpenSSL wipes its buffers of received data, and trusts the
 * system's authorities, if "userp" is not NULL.
 */
static CURLcode
set_up_context(CURL *handle, void *context, void *userp)
{
	SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT);
	SSL_CTX_set_info_callback(context, watch_handshake);
	for (int i = 0; userp && i < sk_X509_num(authorities.list); i++)
	{
		if (!X509_STORE_add_cert(SSL_CTX_get_cert_store(context),
								 sk_X509_value(authorities.list, i)))
			return CURLE_OUT_OF_MEMORY;
	}
	return CURLE_OK;
}

/*
 * Have a handle use TLS 1.2 or later and verify certificates and host names, by the
 * authorities in a PEM file (NULL: the system's).  Raises as setopt_check(), and what
 * an interrupt raises.
 */
void
tls_set_options(CURL *handle, const char *ca_bundle)
{
	REQUIRE(handle, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	REQUIRE(handle, CURLOPT_PROXY_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	REQUIRE(handle, CURLOPT_SSL_VERIFYPEER, 1L);
	REQUIRE(handle, CURLOPT_SSL_VERIFYHOST, 2L);
	ASK_FOR(handle, CURLOPT_SSL_CTX_FUNCTION, set_up_context);
	if (ca_bundle || (read_authorities() &&
					  curl_easy_setopt(handle, CURLOPT_SSL_CTX_DATA, &authorities) == CURLE_OK))
	{
		REQUIRE(handle, CURLOPT_CAINFO, ca_bundle);
		REQUIRE(handle, CURLOPT_PROXY_CAINFO, ca_bundle);
		/* libcurl's cache would keep the authorities for later connections. */
		setopt_check(compat_curl_set_no_ca_cache(handle), false);
	}
	/* The directory of authorities that libcurl may have by default is the system's. */
	if (ca_bundle)
	{
		ASK_FOR(handle, CURLOPT_CAPATH, NULL);
		ASK_FOR(handle, CURLOPT_PROXY_CAPATH, NULL);
		/* Verify for each connection: an authority may have been removed from the file. */
		REQUIRE(handle, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	}
}
