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

#include <openssl/ssl.h>

#include "compat.h"
#include "http/call.h"
#include "http/setopt.h"
#include "http/tls.h"

/* Put off a read that call_may_read() does not allow (a BIO_callback_fn_ex). */
static long
watch_read(BIO *bio, int operation, const char *data, size_t length, int argi, long argl,
		   int result, size_t *processed)
{
	(void) data;
	(void) length;
	(void) argi;
	(void) argl;
	(void) processed;
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
	(void) result;
	if (where == SSL_CB_HANDSHAKE_START && SSL_get_rbio(ssl))
		BIO_set_callback_ex(SSL_get_rbio(ssl), watch_read);
}

/*
 * Set up OpenSSL for a connection to the service or to a proxy (a
 * CURLOPT_SSL_CTX_FUNCTION): OpenSSL wipes its buffers of received data.
 */
static CURLcode
set_up_context(CURL *handle, void *context, void *userp)
{
	(void) handle;
	(void) userp;
	SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT);
	SSL_CTX_set_info_callback(context, watch_handshake);
	return CURLE_OK;
}

/*
 * Have a handle use TLS 1.2 or later and verify certificates and host names, by the
 * authorities in a PEM file (NULL: the system's).  Raises as setopt_require().
 */
void
tls_set_options(CURL *handle, const char *ca_bundle)
{
	REQUIRE(handle, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	REQUIRE(handle, CURLOPT_PROXY_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	REQUIRE(handle, CURLOPT_SSL_VERIFYPEER, 1L);
	REQUIRE(handle, CURLOPT_SSL_VERIFYHOST, 2L);
	ASK_FOR(handle, CURLOPT_SSL_CTX_FUNCTION, set_up_context);
	if (ca_bundle)
	{
		REQUIRE(handle, CURLOPT_CAINFO, ca_bundle);
		ASK_FOR(handle, CURLOPT_CAPATH, NULL);
		REQUIRE(handle, CURLOPT_PROXY_CAINFO, ca_bundle);
		ASK_FOR(handle, CURLOPT_PROXY_CAPATH, NULL);
		/* Verify for each connection: an authority may have been removed from the file. */
		setopt_ask_for(compat_curl_set_no_ca_cache(handle));
		REQUIRE(handle, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	}
}
