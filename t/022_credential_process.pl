# credential_process: programs that a profile of the server's host names, whose
# output are credentials.  Whatever they do, they hold nobody up, they leave no
# process behind, and none of what they print is shown.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use POSIX qw(strftime);
use Test::More;
use TestClock;
use TestEndpoint;
use TestIdentity;

# Far more than it takes, and less than the minute after which a program is given up.
my $AT_ONCE = 40;
my $FOR_EVER = 300 + $$;		# seconds, and no other run of this test has as many

my $clock = TestClock->new;
my $identity = TestIdentity->new($clock->options);
my $endpoint = TestEndpoint->new('--issued', $identity->{issued}, $clock->options);
my $dir = PostgreSQL::Test::Utils::tempdir();
my $role = "arn:aws:iam::$TestEndpoint::ACCOUNT:role";
my @base = ('AKIDEXAMPLE', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
# Where "no-pipes" is, nobody can have another pipe; where "many-files" is, a
# process may have a billion files open, and the kernel has no close_range(); where
# "prompt-kill" is, a child that is killed has ended when kill() returns; where
# "no-memory" is, there is none for a program's output.
my $pipes = compile("$dir/pipes", '
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static long (*real_syscall) (long, ...);
static int (*real_getrlimit) (int, struct rlimit *);
__attribute__((constructor)) static void find(void)
{
	real_syscall = dlsym(RTLD_NEXT, "syscall");
	real_getrlimit = dlsym(RTLD_NEXT, "getrlimit");
}
static int many_files(void)
{
	return access("' . $dir . '/many-files", F_OK) == 0;
}
long syscall(long number, ...)
{
	long a[6];
	va_list list;
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
#ifdef SYS_close_range
	if (number == SYS_close_range && many_files())
	{
		errno = ENOSYS;
		return -1;
	}
#endif
	return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
int getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
	int result = real_getrlimit(resource, limit);
	if (resource == RLIMIT_NOFILE && many_files())
		limit->rlim_cur = 1000000000;
	return result;
}
extern void *__libc_malloc(size_t size);
void *malloc(size_t size)
{
	int saved = errno;
	if (size > 65536 && size < 65700 && access("' . $dir . '/no-memory", F_OK) == 0)
		return NULL;
	errno = saved;
	return __libc_malloc(size);
}
int pipe(int fds[2])
{
	int (*real) (int *) = dlsym(RTLD_NEXT, "pipe");
	if (access("' . $dir . '/no-pipes", F_OK) != 0)
		return real(fds);
	errno = EMFILE;
	return -1;
}
int kill(pid_t pid, int number)
{
	int (*real) (pid_t, int) = dlsym(RTLD_NEXT, "kill");
	int result = real(pid, number);
	siginfo_t info;
	if (result == 0 && pid > 0 && number == SIGKILL
		&& access("' . $dir . '/prompt-kill", F_OK) == 0)
	{
		while (waitid(P_PID, pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
			;
	}
	return result;
}
', '-ldl');
my $node = new_cluster('main',
	conf => "log_min_messages = debug2\nlog_error_verbosity = verbose",
	start => sub {
		$identity->start($_[0], $dir, LD_PRELOAD => "$pipes:" . $clock->library,
			AWS_CONFIG_FILE => "$dir/config", AWS_SHARED_CREDENTIALS_FILE => "$dir/credentials",
			PATH => join(':', "$dir/bin", grep { -x } split /:/, $ENV{PATH}));
	});
set_up($node, $endpoint->url, keys => "profile 'x'",
	options => "sts_endpoint_url '" . $identity->url('sts') . "', region 'us-east-1'");
my $lookup = name_query('golden-linux/1.0.0/1');

sub write_file
{
	my ($name, $text, $mode) = @_;
	unlink "$dir/$name";
	append_to_file("$dir/$name", $text);
	chmod $mode // 0600, "$dir/$name" or die $!;
	return;
}

# What a program prints, perhaps with other members; undef leaves one out.
sub output_of
{
	my (%members) = @_;
	my %all = (Version => 1, AccessKeyId => $base[0], SecretAccessKey => $base[1], %members);
	delete @all{ grep { !defined $all{$_} } keys %all };
	return JSON::PP->new->canonical->encode(\%all);
}

sub in_seconds { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + $_[0])) }

# A program, and a profile of its name that runs it; mappings change, so that
# it is run again.  It counts how often.
sub program
{
	my ($name, $script, $arguments) = @_;
	write_file($name, "#!/bin/sh\necho run >>'$dir/$name.runs'\n$script\n", 0700);
	profile($name, "$dir/$name " . ($arguments // ''));
	return;
}

sub profile
{
	my ($name, $command) = @_;
	append_to_file("$dir/config", "[profile $name]\ncredential_process = $command\n");
	set_mapping($node, "profile '$name'");
	return;
}

sub runs
{
	my ($name) = @_;
	return -e "$dir/$name.runs" ? scalar(my @lines = split /\n/, slurp_file("$dir/$name.runs")) : 0;
}

sub children_of
{
	my ($pid) = @_;
	my ($stdout) = run_command([ 'ps', '-o', 'pid=', '--ppid', $pid ]);
	return join ' ', $stdout =~ /(\d+)/g;
}

# ---- one that never ends, on the side

program('patient', "sleep $FOR_EVER");
my $patient = session_of($node);
$patient->query("SET statement_timeout = 0");
$patient->query_until(qr/started/, "\\echo started\n$lookup;\n");
ok((wait_until { runs('patient') } 'the program runs'), 'a program that never ends has begun');

# ---- credentials

program('plain', "echo '" . output_of() . "'");
is(attempt($node, $lookup), 'found golden-linux', 'credentials of a program');
program('noise', "echo warning >&2; head -c 200000 /dev/zero >&2; echo '" . output_of() . "'");
is(attempt($node, $lookup), 'found golden-linux', 'however much it writes to its standard error');
program('several', "printf '%s' '" . substr(output_of(), 0, 20) . "'; sleep 0.3; echo '"
	  . substr(output_of(), 20) . "'");
is(attempt($node, $lookup), 'found golden-linux', 'output that comes in parts');
program('detached', "sleep $FOR_EVER >/dev/null & echo '" . output_of() . "'");
is(attempt($node, $lookup), 'found golden-linux', 'a program that leaves another behind');

program('source', "echo '" . output_of() . "'");
append_to_file("$dir/config", "[profile over]\nrole_arn = $role/Over\nsource_profile = source\n");
set_mapping($node, "profile 'over'");
is(attempt($node, $lookup), 'found golden-linux', 'a role over a program\'s credentials');
is($identity->counters->{roles}{"$role/Over"}, 1, 'is assumed');
write_file('credentials', "[of-credentials]\ncredential_process = $dir/plain\n");
set_mapping($node, "credential_provider 'profile', profile 'of-credentials'");
is(attempt($node, $lookup), 'found golden-linux', 'a profile of the credentials file');
mkdir "$dir/bin";
write_file('bin/by-name', "#!/bin/sh\necho '" . output_of() . "'\n", 0700);
profile('by-name', 'by-name');
is(attempt($node, $lookup), 'found golden-linux', 'a program that PATH leads to');

SKIP:
{
	my ($help) = run_command([ '/usr/bin/aws', 'configure', 'export-credentials', 'help' ]);
	skip 'the AWS CLI has no export-credentials', 1 unless $help =~ /export.*credentials/is;
	append_to_file("$dir/credentials",
		"[keys]\naws_access_key_id = $base[0]\naws_secret_access_key = $base[1]\n");
	profile('cli', '/usr/bin/aws configure export-credentials --profile keys --format process');
	is(attempt($node, $lookup), 'found golden-linux', 'aws configure export-credentials');
}

# ---- expiry

for my $case ([ 'never', '', 1 ], [ 'late', in_seconds(3600), 1 ], [ 'soon', in_seconds(300), 1 ])
{
	my ($name, $expiration, $times) = @$case;
	program($name, "echo '" . output_of($expiration ? (Expiration => $expiration) : ()) . "'");
	my $session = session_of($node);
	is($session->query($lookup), 'golden-linux', "expires $name") for 1 .. 3;
	is(runs($name), $times, "expires $name: run $times times");
	$session->quit;
}
# A program whose output expires an hour after it is run, by the clock of the test.
sub program_for_an_hour
{
	my ($name) = @_;
	my $output = output_of(Expiration => 'WHEN');
	my $seconds = '$((3600 + $(cat ' . $clock->file . ')))';
	my $when = qq('"\$(date -u -d "+$seconds seconds" +%Y-%m-%dT%H:%M:%SZ)"');
	$output =~ s/WHEN/$when/;
	program($name, "echo '$output'");
	return;
}
{
	program_for_an_hour('expired');
	my $session = session_of($node);
	is($session->query($lookup), 'golden-linux', 'before it expires');
	$clock->advance(3700);
	is($session->query($lookup), 'golden-linux', 'after it has expired');
	cmp_ok(runs('expired'), '>=', 2, 'the program is run again');
	$session->quit;
}

# Credentials that are rejected are had from the program once more, in each statement.
{
	write_file('output', output_of(AccessKeyId => 'AKIDFORMER'));
	program('replaced', "cat '$dir/output'");
	my $session = session_of($node);
	$session->query($lookup);
	like($session->{stderr}, qr/UnrecognizedClientException/, 'a key that is rejected');
	is(runs('replaced'), 2, 'the program is run once more, and not again');
	write_file('output', output_of());
	is($session->query($lookup), 'golden-linux', 'the key that was put in its place');
	is(runs('replaced'), 3, 'is what the program printed then');
	$session->quit;
}

# A program that cannot be started ahead of time fails no statement.
{
	program_for_an_hour('scarce');
	my $session = session_of($node);
	is($session->query($lookup), 'golden-linux', 'before there are too many files');
	write_file('no-pipes', '');
	$clock->advance(3000);
	is($session->query($lookup), 'golden-linux', "too many files: the old serve, $_") for 1 .. 3;
	is($session->{stderr}, '', 'without an error');
	$clock->advance(700);
	$session->query($lookup);
	like($session->{stderr}, qr/"scarce" gave no.*could not be started: Too many open files\.$/ms,
		'expired: there is an error');
	unlink "$dir/no-pipes";
	is($session->query($lookup), 'golden-linux', 'when there are fewer files: the program is run');
	is(runs('scarce'), 2, 'a second time');
	$session->quit;
}

# Nor does one for which memory runs out do more than fail one statement.
{
	program_for_an_hour('forgetful');
	my $session = session_of($node);
	is($session->query($lookup), 'golden-linux', 'before memory runs out');
	write_file('no-memory', '');
	$clock->advance(3000);
	$session->query($lookup);
	like($session->{stderr}, qr/ERROR: +out of memory$/m, 'memory runs out in a renewal');
	unlink "$dir/no-memory";
	$session->{stderr} = '';
	is($session->query($lookup), 'golden-linux', 'the session goes on');
	is($session->{stderr}, '', 'without an error');
	ok((wait_until { runs('forgetful') == 2 } 'the program runs again'), 'and the renewal, too');
	$session->quit;
}

# ---- how it is run

program('describe', "for a; do printf '<%s>' \"\$a\"; done >>'$dir/described'
	readlink /proc/\$\$/fd/0 >>'$dir/described'; ls /proc/\$\$/fd >>'$dir/described'
	cut -d' ' -f5 /proc/\$\$/stat >'$dir/group'; echo \$\$ >>'$dir/group'
	grep -E '^Sig(Blk|Ign)' /proc/self/status >'$dir/signals'
	tr '\\0' '\\n' </proc/\$\$/environ >'$dir/environ'; echo '" . output_of() . "'",
	q{a 'b c' "d\"e" f\ g $HOME `id` ; | > /dev/null && * # ''});
is(attempt($node, $lookup), 'found golden-linux', 'a program with arguments');
is(slurp_file("$dir/described") =~ /^(.*>)/ && $1,
	q{<a><b c><d"e><f g><$HOME><`id`><;><|><>></dev/null><&&><*><#><>}, 'given without a shell');
like(slurp_file("$dir/described"), qr{^.*>/dev/null$}m, 'it has nothing to read');
# sh has the script itself open, at 10 or so.
is(join(' ', grep { /^\d$/ } split /\n/, slurp_file("$dir/described")), '0 1 2',
	'and no other descriptor');
my ($group, $leader) = split /\n/, slurp_file("$dir/group");
is($group, $leader, 'it has a process group of its own');
# Those that grep has inherited: sh blocks its own while it starts grep.  Signals 32
# and 33 are the C library's.
is(join(' ', map { hex($_) & 0x7fffffff } slurp_file("$dir/signals") =~ /(\w{8})$/mg), '0 0',
	'no signal is blocked or ignored');
{
	program('many', "sh -c 'readlink /proc/self/fd/*' >'$dir/open'; echo '" . output_of() . "'");
	write_file('many-files', '');
	is(attempt($node, $lookup), 'found golden-linux', 'a billion files may be open');
	unlike(slurp_file("$dir/open"), qr/socket|postgresql|pgdata|anon_inode/,
		'and those of the session are closed');
	unlink "$dir/many-files";
}
like(slurp_file("$dir/environ"), qr/^AWS_CONFIG_FILE=\Q$dir\E\/config$/m,
	'and the server\'s environment');

# ---- what goes wrong

# Name, script, what is said of it.
my $begins = 'Its standard error begins:';
my @failures = (
	[ 'status', 'echo "no such account" >&2; echo second >&2; exit 3',
		qr/with status 3\. $begins no such account \| Try it on the server's host/ ],
	[ 'blank', 'printf "\n  \nafter blank lines\n" >&2; exit 255',
		qr/status 255\. $begins after blank lines \|/ ],
	[ 'silent', 'exit 1', qr/ \| The program exited with status 1\. \|/ ],
	[ 'signal', 'kill -TERM $$', qr/The program was ended by signal 15: Terminated/ ],
	[ 'long-line', 'head -c 100000 /dev/zero | tr "\0" x >&2; exit 1',
		qr/begins: x{1024} \.\.\. \|/ ],
	[ 'controls', 'printf "a\001b\033c\377d\n" >&2; exit 1', qr/begins: a b c\?d \|/ ],
	[ 'told', "echo 'got $base[1] and ' >&2; echo '" . output_of() . "'; exit 1",
		qr/begins: got \*\*\* and \|/ ],
	[ 'told-part',
		"echo 'key=" . substr($base[1], 3, 30) . "' >&2; echo '" . output_of() . "'; exit 1",
		qr/begins: key=\*\*\* \|/ ],
	[ 'told-raw', "echo 'token=$base[1]' >&2; echo '$base[1]'",
		qr/not a JSON object\. $begins token=\*\*\* \|/ ],
	[ 'told-escaped',
		"echo '{\"SecretAccessKey\": \"abc\\/def\\/ghij\"}'; echo 'is abc/def/ghij' >&2; exit 1",
		qr/begins: is \*\*\* \|/ ],
	[ 'nothing', 'exit 0', qr/The program gave no credentials: the output is not a JSON object/ ],
	[ 'text', 'echo credentials', qr/the output is not a JSON object/ ],
	[ 'array', 'echo "[]"', qr/the output is not a JSON object/ ],
	[ 'half', "printf '%s' '" . substr(output_of(), 0, 60) . "'",
		qr/the output is not a JSON object/ ],
	[ 'nul', "echo '" . output_of() . "'; printf '\\0'", qr/the output is not a JSON object/ ],
	[ 'version-2', "echo '" . output_of(Version => 2) . "'", qr/the output's "Version" is not 1/ ],
	[ 'version-text', "echo '" . output_of(Version => '1') . "'",
		qr/the output's "Version" is not 1/ ],
	[ 'no-version', "echo '" . output_of(Version => undef) . "'", qr/the output has no "Version"/ ],
	[ 'no-key', "echo '" . output_of(AccessKeyId => undef) . "'",
		qr/the output has no "AccessKeyId"/ ],
	[ 'no-secret', "echo '" . output_of(SecretAccessKey => '') . "'",
		qr/the output has no "SecretAccessKey"/ ],
	[ 'no-time', "echo '" . output_of(Expiration => 'tomorrow') . "'",
		qr/the output's "Expiration" is not a time/ ],
	[ 'header', "echo '" . output_of(SessionToken => "a\r\nb") . "'",
		qr/hold characters that credentials do not have/ ],
	[ 'too-much', 'head -c 65537 /dev/zero', qr/The program wrote more than 64 kB/ ],
	[ 'for-ever', 'yes', qr/The program wrote more than 64 kB/ ],
);
for my $case (@failures)
{
	my ($name, $script, $pattern) = @$case;
	program($name, $script);
	my $failed = qr/the credential_process of profile "$name" gave no credentials/;
	like(attempt($node, $lookup), qr/^28000 \| could not look up image .*: $failed.*$pattern/,
		"fails: $name");
}
for my $case ([ 'absent', "$dir/absent", 'No such file or directory' ],
	[ 'unnamed', 'no-such-program-anywhere', 'No such file or directory' ],
	[ 'directory', $dir, 'Permission denied' ],
	[ 'not-executable', "$dir/config", 'Permission denied' ])
{
	my ($name, $command, $error) = @$case;
	profile($name, $command);
	like(attempt($node, $lookup), qr/^28000 .*The program could not be executed: $error\. \|/,
		"fails: $name");
}
write_file('no-format', "echo '" . output_of() . "'\n", 0700);
profile('no-format', "$dir/no-format");
is(attempt($node, $lookup), 'found golden-linux', 'sh runs a script that names no interpreter');
profile('unclosed', 'a "b');
like(attempt($node, $lookup),
	qr/^28000 .*"unclosed" has a "credential_process" with a quote that is not closed/,
	'fails: unclosed');
append_to_file("$dir/config",
	"[profile sso]\nsso_session = x\nsso_account_id = 1\nsso_role_name = r\n"
	. "[profile login]\nlogin_session = arn:x\n[profile unknown]\nfoo_credentials = x\n");
for my $name ('sso', 'login', 'unknown')
{
	# Not passed over, though the instance would have credentials.
	set_mapping($node, "credential_provider 'default', profile '$name'");
	my $export = "aws configure export-credentials --profile $name --format process";
	like(attempt($node, $lookup),
		qr/^28000 .*profile "$name" uses "\w+".* \| .*credential_process = $export/,
		"refused, with a way out: $name");
}

# ---- nobody waits for it

# Two processes, whose ids are written down; one of them an orphan.
my $family = "sh -c 'sleep $FOR_EVER & echo \$! >>$dir/pids'; echo \$\$ >>$dir/pids; ";
my %hanging = (
	waits => "${family}sleep $FOR_EVER",
	'waits, output closed' => "exec >&-; ${family}exec sleep $FOR_EVER",
	'waits, all closed' => "exec >&- 2>&-; ${family}exec sleep $FOR_EVER",
	'ignores signals' => "trap '' TERM INT HUP QUIT; ${family}while :; do sleep 1; done",
	'writes to standard error' => "${family}yes >&2",
	'has exited, but not its output' => "${family}exit 0",
	'stops itself' => "${family}kill -STOP \$\$",
);
my %ends = (
	cancel => sub { $node->safe_psql('postgres', "SELECT pg_cancel_backend($_[0])") },
	terminate => sub { $node->safe_psql('postgres', "SELECT pg_terminate_backend($_[0])") },
	statement_timeout => sub { },
	client => sub { },
);
my $number = 0;
for my $how (sort keys %hanging)
{
	for my $end (sort keys %ends)
	{
		my $name = "$how, $end";
		unlink "$dir/pids";
		program('hanging-' . ++$number, $hanging{$how});
		my $session = session_of($node);
		my $pid = $session->query('SELECT pg_backend_pid()');
		$session->query("SET client_connection_check_interval = '100ms'") if $end eq 'client';
		my @pids;
		my $begun = sub {
			@pids = -e "$dir/pids" ? split /\n/, slurp_file("$dir/pids") : ();
			return @pids == 2;
		};
		# On a busy machine a second may end before the program has begun.
		for my $seconds ($end eq 'statement_timeout' ? (1, 5, 25) : 0)
		{
			$session->{stderr} = '';
			$session->query("SET statement_timeout = '${seconds}s'");
			$session->query_until(qr/started/, "\\echo started\n$lookup;\n");
			wait_until { $begun->() || $session->{stderr} =~ /statement timeout/ } "$name: begun";
			last if $begun->();
		}
		ok($begun->(), "$name: begun");
		# Nor does the postmaster, which may be process 1 of a container, get to reap any.
		my ($parent) = run_command([ 'ps', '-o', 'ppid=', '-p', $pids[0] ]);
		is($parent + 0, $pid, "$name: orphans fall to the session") if $^O eq 'linux';
		my $start = time;
		$session->{run}->kill_kill if $end eq 'client';
		$ends{$end}->($pid);
		$session->query('SELECT 1') if $end =~ /cancel|statement/;
		my @gone = (@pids, $end =~ /terminate|client/ ? $pid : ());
		ok((wait_until { !grep { -d "/proc/$_" } @gone } 'they are gone'), "$name: nobody is left")
		  or diag(map { slurp_file($_) } grep { -e } map { "/proc/$_/status" } @pids);
		cmp_ok(time - $start, '<', $AT_ONCE, "$name: at once");
		next if $end =~ /terminate|client/;
		like($session->{stderr}, qr/canceling statement due to (?:user request|statement timeout)/,
			"$name: as such");
		ok((wait_until { children_of($pid) eq '' } 'no child'), "$name: the session has no child");
		$session->{stderr} = '';
		set_mapping($node, "profile 'plain'");
		is($session->query($lookup), 'golden-linux', "$name: and works");
		$session->quit;
	}
}

# What has left the program's group, whose process ids are written down, stays with
# the session: it is reaped when it ends, and ends with the session, and so do its
# own children, which fall to the session when it ends.
my %daemons = (
	'a session of its own' => [ 'setsid sh -c' ],
	'a group of its own' => [ "$^X -e 'setpgrp; exec \@ARGV' sh -c" ],
	'ends as it is killed' => [ 'setsid sh -c', 'prompt-kill' ],
);
for my $name ($^O eq 'linux' ? sort keys %daemons : ())
{
	my ($start, @files) = @{ $daemons{$name} };
	unlink map { "$dir/$_" } qw(daemons release);
	my $daemon = "$start 'echo \$\$ >>$dir/daemons; ";
	my $sleep = "sleep $FOR_EVER & echo \$! >>$dir/daemons; ";
	program('daemon-' . ++$number, "{
		$daemon until [ -e $dir/release ]; do sleep 0.1; done' &
		$daemon $sleep $sleep wait' &
		} >/dev/null 2>&1; until [ \"\$(wc -l <$dir/daemons)\" = 4 ]; do sleep 0.1; done
		echo '" . output_of() . "'");
	my $session = session_of($node);
	my $pid = $session->query('SELECT pg_backend_pid()');
	is($session->query($lookup), 'golden-linux', "$name: credentials");
	my @daemons = split /\n/, slurp_file("$dir/daemons");
	is(scalar(grep { -d "/proc/$_" } @daemons), 4, "$name: what has left lives on");
	my $copy = $session->query('CREATE TEMP TABLE copied (line text)')
	  . $session->query("COPY copied FROM PROGRAM 'exit 3'");
	like($session->{stderr}, qr/child process exited with exit code 3/,
		"$name: others learn their children's status");
	write_file('release', '');
	ok((wait_until { children_of($pid) !~ /\s/ } 'one is gone'), "$name: one that ends is reaped");
	write_file($_, '') for @files;
	$session->quit;
	ok((wait_until { !grep { -d "/proc/$_" } @daemons, $pid } 'all are gone'),
		"$name: the others end with the session");
	unlink map { "$dir/$_" } @files;
}

# What another extension has started is not the wrapper's, though it begins a session
# of its own, be it after the program has begun.
my $stranger_code = '
#include "postgres.h"
#include <sys/wait.h>
#include <unistd.h>
#include "fmgr.h"
#include "utils/builtins.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(start_stranger);
Datum
start_stranger(PG_FUNCTION_ARGS)
{
	char	   *command = text_to_cstring(PG_GETARG_TEXT_PP(0));
	pid_t		pid = fork();

	if (pid == 0)
	{
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	PG_RETURN_INT32(pid);
}

PG_FUNCTION_INFO_V1(stranger_exit_status);
Datum
stranger_exit_status(PG_FUNCTION_ARGS)
{
	int			status;

	if (waitpid(PG_GETARG_INT32(0), &status, 0) != PG_GETARG_INT32(0))
		elog(ERROR, "somebody else has reaped it: %m");
	PG_RETURN_INT32(WEXITSTATUS(status));
}
';
my @strangers;
END { kill 'KILL', @strangers if @strangers }
SKIP: {
	skip 'orphans fall to the backend on Linux', 4 if $^O ne 'linux';
	compile("$dir/stranger", $stranger_code);
	$node->safe_psql('postgres', "
		CREATE FUNCTION start_stranger(text) RETURNS int LANGUAGE c AS '$dir/stranger';
		CREATE FUNCTION stranger_exit_status(int) RETURNS int LANGUAGE c AS '$dir/stranger'");
	# The output comes when the daemon has left the program's group, which is ended
	# with the program.
	program('beside', "setsid sh -c ': >$dir/left; exec sleep $FOR_EVER' >/dev/null 2>&1 &
		until [ -e $dir/left ]; do sleep 0.1; done; echo '" . output_of() . "'");
	my $session = session_of($node);
	my $sleep = "exec setsid sleep $FOR_EVER";
	my $stranger = $session->query("SELECT start_stranger('$sleep')");
	push @strangers, $stranger;
	my $late = "until [ -e $dir/begin-session ]; do sleep 0.1; done; exec setsid sh -c ''exit 7''";
	my $ended = $session->query("SELECT start_stranger('$late')");
	is($session->query($lookup), 'golden-linux', 'beside a stranger: credentials');
	write_file('begin-session', '');
	my $zombie = sub { (run_command([ 'ps', '-o', 'stat=', '-p', $ended ]))[0] =~ /^(?:Z|$)/ };
	wait_until { $zombie->() } 'the other stranger has ended';
	is($session->query("SELECT stranger_exit_status($ended)"), 7, 'its status is left to its own');
	my $pid = $session->query('SELECT pg_backend_pid()');
	my ($daemon) = grep { $_ != $stranger } split / /, children_of($pid);
	my $session_of_stranger = sub { (run_command([ 'ps', '-o', 'sid=', '-p', $stranger ]))[0] + 0 };
	wait_until { $session_of_stranger->() == $stranger } 'the stranger has begun its session';
	$session->quit;
	wait_until { !-d "/proc/$daemon" && !-d "/proc/$pid" } 'the session is gone';
	ok(-d "/proc/$stranger", 'and it outlives the session');
	is(kill('KILL', $stranger), 1, 'as long as it likes');
}

# While one waits for its program, what needs none gets on: the program ends after that.
program('slow', "until [ -e '$dir/answered' ]; do sleep 0.1; done; echo '" . output_of() . "'");
make_server($node, 'own', "endpoint_url '" . $endpoint->url . "'");
my $query = $lookup =~ s/images/own/r;
$endpoint->reset_counters;
my $both = session_of($node);
$both->query_until(qr/started/, "\\echo started\n
	CREATE TEMP TABLE answers AS $lookup UNION ALL $query;\n");
ok((wait_until { $endpoint->counters->{by_status}{200} } 'an answer'), 'another server\'s look-up');
write_file('answered', '');
is($both->query('SELECT count(name) FROM answers'), 2, 'and then the one with the program');
$both->quit;

# The processor is left alone meanwhile.
program('busy', "exec >&-; sleep 3; exit 1");
my $session = session_of($node);
my $pid = $session->query('SELECT pg_backend_pid()');
my $ticks = sub {
	my @stat = split ' ', slurp_file("/proc/$pid/stat");
	return $stat[13] + $stat[14];
};
my $ticks_before = $ticks->();
my $blocked = sub { return slurp_file("/proc/$pid/status") =~ /^SigBlk:\s*(\w+)$/m && $1 };
my $blocked_before = $blocked->();
$session->query($lookup);
cmp_ok($ticks->() - $ticks_before, '<', 100, 'no time is spent on waiting');
is(children_of($pid), '', 'no zombie is left');
is($blocked->(), $blocked_before, 'and no signal is blocked');
$session->quit;

# ---- who may

$node->safe_psql('postgres', "CREATE ROLE analyst LOGIN;
	GRANT USAGE ON SCHEMA imagebuilder TO analyst;
	GRANT SELECT ON ALL TABLES IN SCHEMA imagebuilder TO analyst;
	GRANT USAGE ON FOREIGN SERVER aws TO analyst");
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD credential_provider 'profile')");
write_file('lent', "#!/bin/sh\necho run >>'$dir/lent.runs'\necho '" . output_of() . "'\n", 0700);
append_to_file("$dir/config",
	"[default]\ncredential_process = $dir/lent\n[profile lent]\ncredential_process = $dir/lent\n");
sub as_analyst
{
	my ($sql) = @_;
	return ($node->psql('postgres', $sql, extra_params => [ '-U', 'analyst' ]))[2];
}
like(as_analyst($lookup), qr/permission denied to use the AWS identity of the server's host/,
	'not who has no mapping');
like(as_analyst('CREATE USER MAPPING FOR analyst SERVER aws OPTIONS (profile \'lent\')'),
	qr/permission denied to set option "profile"/, 'not by a mapping of their own');
as_analyst('CREATE USER MAPPING FOR analyst SERVER aws');
like(as_analyst($lookup), qr/permission denied to use the AWS identity/, 'nor with an empty one');
as_analyst("ALTER USER MAPPING FOR analyst SERVER aws OPTIONS (ADD role_arn '$role/Own')");
like(as_analyst($lookup), qr/permission denied to use the AWS identity/, 'nor for a role');
is(runs('lent'), 0, 'for none of them a program was run');
set_mapping($node, "profile 'lent'", 'analyst');
is(as_analyst($lookup), '', 'only if a superuser lends it');
is(runs('lent'), 1, 'it is run then');

# ---- the one that never ends; and no secret is in the log

$patient->query('SELECT 1');
like($patient->{stderr}, qr/The program did not end within 60 s/,
	'a program that never ends is given up');
$patient->{stderr} = '';
$patient->quit;
my $ended = sub { return (run_command([ 'ps', '-A', '-o', 'args=' ]))[0] !~ /^sleep $FOR_EVER$/m };
ok((wait_until { $ended->() } 'all have ended'), 'nothing that a program began is left');
unlike(slurp_file($node->logfile) =~ s/^.*statement: .*$//gmr,
	qr/\Q$base[1]\E/, 'no secret is in the log');

$identity->stop;
$endpoint->stop;
done_testing();
