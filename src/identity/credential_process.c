/*
 * credential_process.c: credentials printed by a program that a profile names.
 *
 * The program is named in a file of the server's host, and run as the server's system
 * user: a user to whom a superuser lends a profile (see check_lent() in
 * config/config.c) can have the program run, but neither choose it nor pass it anything.
 */
#include "postgres.h"

#include <sys/wait.h>

#include "clock.h"
#include "foreign_text.h"
#include "identity/process.h"
#include "identity/provider.h"
#include "secret.h"

/* Milliseconds that a program may take; AWS's SDKs set no limit. */
#define TIMEOUT			60000

/* Milliseconds between looks for a program's end, in case SIGCHLD has another handler. */
#define LOOK_FOR_END	1000

/* Length of a text that may be a secret if both standard output and error have it. */
#define SECRET_PART		16

/* State of this provider, in Fetch.state. */
typedef struct ProcessFetch
{
	const ProfilePlan *plan;
	Process    *process;
} ProcessFetch;

/* Return the first line of standard error that is not blank; "" if all lines are. */
static char *
first_line(const char *errors)
{
	const char *start = errors + strspn(errors, " \t\r\n");
	size_t		length = strcspn(start, "\r\n");

	while (length > 0 && start[length - 1] == ' ')
		length--;
	return secret_copy(start, length);
}

/* Return a line with any SECRET_PART bytes struck out that standard output has, too. */
static char *
strike_out(const char *line, const ProcessPipe *output)
{
	size_t		length = strlen(line);
	char	   *result = secret_protect(palloc0(length + 1), length);
	char	   *end = result;
	size_t		struck = 0;		/* end of the latest part struck out */

	for (size_t i = 0; i < length; i++)
	{
		if (i + SECRET_PART <= length && strcspn(line + i, " ") >= SECRET_PART &&
			memmem(output->text, output->length, line + i, SECRET_PART) != NULL)
		{
			if (i >= struck)
				end = stpcpy(end, "***");
			struck = i + SECRET_PART;
		}
		if (i >= struck)
			*end++ = line[i];
	}
	return result;
}

static char *
cause_of(const ProfilePlan *plan)
{
	return psprintf("the credential_process of profile \"%s\" gave no credentials",
					plan->process_profile);
}

/* Fail with a problem, a clause, and the first line of standard error. */
static FetchState
fail(Fetch *fetch, const char *problem)
{
	const ProcessFetch *state = fetch->state;
	const Process *process = state->process;
	IssuedCredentials issued;
	const char *secrets[] = {NULL, NULL, NULL};
	int			nsecrets = 0;
	char	   *line = strike_out(first_line(process->errors.text), &process->output);

	/* Strike out the secrets as JSON decodes them: standard error may show them so. */
	issued_parse_process(&issued, process->output.text, process->output.length);
	if (issued.credentials.secret_access_key)
		secrets[nsecrets++] = issued.credentials.secret_access_key;
	if (issued.credentials.session_token)
		secrets[nsecrets++] = issued.credentials.session_token;
	line = foreign_text(line, MAX_FOREIGN_TEXT, secrets);
	return fetch_fail(fetch, cause_of(state->plan),
					  *line ? psprintf("%s. Its standard error begins: %s", problem, line) :
					  psprintf("%s.", problem),
					  "Try it on the server's host as its system user; it is run without a shell.");
}

/* Return the problem with a program's end, a clause; NULL if it succeeded. */
static const char *
problem_of_end(const Process *process)
{
	if (process->output.truncated)
		return psprintf("The program wrote more than %d kB", PROCESS_MAX_OUTPUT / 1024);
	if (process->exec_errno != 0)
		return psprintf("The program could not be executed: %s", strerror(process->exec_errno));
	if (process->status == -1)
		return "The program's exit status is not known";
	if (WIFSIGNALED(process->status))
		return psprintf("The program was ended by signal %d: %s", WTERMSIG(process->status),
						pg_strsignal(WTERMSIG(process->status)));
	if (WEXITSTATUS(process->status) != 0)
		return psprintf("The program exited with status %d", WEXITSTATUS(process->status));
	return NULL;
}

static FetchState
advance(Fetch *fetch, long *wait)
{
	Process    *process = ((ProcessFetch *) fetch->state)->process;
	const char *problem;

	if (!process_advance(process))
	{
		long		left = clock_ms_until(process->started + 1000 * (int64) TIMEOUT);

		if (left > 0)
		{
			fetch_wait_until(wait, process->output.fd < 0 ? Min(left, LOOK_FOR_END) : left);
			return FETCH_WAITING;
		}
		process_end(process);
		return fail(fetch, psprintf("The program did not end within %d s", TIMEOUT / 1000));
	}
	problem = problem_of_end(process);
	if (problem)
		return fail(fetch, problem);
	problem = issued_parse_process(&fetch->issued, process->output.text, process->output.length);
	if (problem)
		return fail(fetch, psprintf("The program gave no credentials: %s", problem));
	explicit_bzero(process->output.text, process->output.length);
	return FETCH_DONE;
}

/* Begin to run a profile's program, whose output issued_parse_process() reads. */
FetchState
credential_process_begin(Fetch *fetch, const ProfilePlan *plan, long *wait)
{
	ProcessFetch *state = palloc(sizeof(ProcessFetch));
	int			problem;

	state->plan = plan;
	state->process = process_start(plan->process);
	fetch->state = state;
	fetch->advance = advance;
	problem = state->process->start_errno;
	if (problem == 0)
		return advance(fetch, wait);
	fetch->failure = failure_create(problem == ENOMEM ? ERRCODE_OUT_OF_MEMORY :
									ERRCODE_INSUFFICIENT_RESOURCES,
									cause_of(plan),
									psprintf("The program could not be started: %s.",
											 strerror(problem)), NULL);
	return FETCH_FAILED;
}
