/*
 * caller.c: the account as which an identity makes requests.
 *
 * It is the account of the role that the user mapping has the identity assume, else
 * the one that STS says, which is asked once for an identity.  That request takes none
 * of the server's request slots, and is counted nowhere.
 */
#include "postgres.h"

#include "aws/arn.h"
#include "identity/provider.h"
#include "identity/identity.h"
#include "utils/memutils.h"

/* Advance the request to STS; other credentials may follow those that it rejects. */
static IdentityState
ask(Identity *identity, const char *partition, long *wait)
{
	Fetch	   *fetch = identity->caller_fetch;
	MemoryContext previous = MemoryContextSwitchTo(fetch->context);
	FetchState	state = fetch->advance ? fetch->advance(fetch, wait) :
		sts_get_caller_identity(fetch, partition, wait);

	MemoryContextSwitchTo(previous);
	if (state == FETCH_WAITING)
		return IDENTITY_WAITING;
	if (state == FETCH_DONE)
	{
		strlcpy(identity->caller, fetch->account, sizeof(identity->caller));
		return IDENTITY_READY;
	}
	if (!identity_renew(identity, fetch->issued.credentials.access_key_id, fetch->rejected))
		return IDENTITY_FAILED;
	identity_end_asking(identity);
	fetch_wait_until(wait, 0);
	return IDENTITY_WAITING;
}

/*
 * Put the account as which an identity asks for ARNs of a partition into *account, of
 * ARN_ACCOUNT_SIZE bytes, without waiting; see identity_advance() for *wait.  The
 * caller must identity_end_asking() when it needs the account no more.
 */
IdentityState
identity_ask_account(Identity *identity, const char *partition, char *account, long *wait)
{
	IdentityState state = IDENTITY_READY;

	if (identity->base)
	{
		strlcpy(account, arn_account_of_role(renewal_role(identity)->role_arn), ARN_ACCOUNT_SIZE);
		return IDENTITY_READY;
	}
	if (identity->caller[0] == '\0')
	{
		if (identity->caller_fetch == NULL)
		{
			state = identity_advance(identity, wait);
			if (state == IDENTITY_READY)
				identity->caller_fetch = renewal_fetch_with(identity, identity);
		}
		if (identity->caller_fetch)
			state = ask(identity, partition, wait);
	}
	if (state == IDENTITY_READY)
		strlcpy(account, identity->caller, ARN_ACCOUNT_SIZE);
	return state;
}

/* Return the reason why identity_ask_account() has failed. */
const Failure *
identity_account_failure(const Identity *identity)
{
	return identity->caller_fetch ? identity->caller_fetch->failure :
		identity->failure;
}

/* Free the request to STS for an identity's account, if there is one. */
void
identity_end_asking(Identity *identity)
{
	if (identity->caller_fetch)
		MemoryContextDelete(identity->caller_fetch->context);
	identity->caller_fetch = NULL;
}
