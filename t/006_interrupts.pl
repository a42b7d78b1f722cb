# Cancel, statement_timeout and pg_terminate_backend act at once while a
# request resolves, connects, is answered or waits to be repeated; afterwards
# nothing is left of it.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;
use Time::HiRes qw(time);

# Far more than the 100 ms that are promised, since machines are busy with other
# things, and far less than the minutes that each wait would last.
my $AT_ONCE = 30;

needs('gcc');
my $endpoint = TestEndpoint->new;
my $node = new_cluster('main');
set_up($node, $endpoint->url, options => "max_attempts '20', request_timeout '5min'");

make_server($node, 'full_queue',
	"endpoint_url 'http://127.0.0.1:" . hanging_port() . "', connect_timeout '5min'");

# In the place of the C library's functions: a name server that does not answer,
# and, where "slow-recv" is, a libcurl that takes long to receive an answer.
# libcurl before 7.87 cannot leave the thread that resolves a name: a cancel acts
# when that thread ends.  For such a libcurl the name server answers at the moment
# in which the session begins to wait for the thread, and only for these.
my $dir = PostgreSQL::Test::Utils::tempdir();
my $slow = compile("$dir/slow", '
#include <curl/curlver.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
ssize_t recv(int fd, void *data, size_t size, int flags)
{
	ssize_t (*real) (int, void *, size_t, int) = dlsym(RTLD_NEXT, "recv");
	if (size >= 65536 && access("' . $dir . '/slow-recv", F_OK) == 0)
		usleep(60000);
	return real(fd, data, size, flags);
}
static atomic_bool answered;
#if LIBCURL_VERSION_NUM < 0x075700
int pthread_join(pthread_t thread, void **result)
{
	int (*real) (pthread_t, void **) = dlsym(RTLD_NEXT, "pthread_join");
	int code;
	answered = true;
	code = real(thread, result);
	answered = false;
	return code;
}
#endif
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
				struct addrinfo **res)
{
	int (*real) (const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		dlsym(RTLD_NEXT, "getaddrinfo");
	if (node && strcmp(node, "slow.example.org") == 0)
	{
		for (int i = 0; i < 3000 && !answered; i++)
			usleep(100000);
		return EAI_AGAIN;
	}
	return real(node, service, hints, res);
}
', '-ldl');
$node->stop;
{
	local $ENV{LD_PRELOAD} = $slow;
	$node->start;
}
make_server($node, 'slow_name', "endpoint_url 'http://slow.example.org', connect_timeout '5min'");

# An interrupt that raises no error ends no transfer.
append_to_file("$dir/slow-recv", '');
my $logged = session_of($node);
my $logged_pid = $logged->query('SELECT pg_backend_pid()');
$logged->query_until(qr/started/, "\\echo started\nSELECT imagebuilder_fdw_stats_reset();
	SELECT count((SELECT name FROM images WHERE arn =
	replace('" . arn('golden-linux/1.0.N/1') . "', 'N', i::text) OFFSET 0))
	FROM generate_series(0, 29) i;\n");
$node->safe_psql('postgres', "DO \$\$ BEGIN FOR i IN 1 .. 100 LOOP
	PERFORM pg_log_backend_memory_contexts($logged_pid), pg_sleep(0.02); END LOOP; END \$\$");
is($logged->query('SELECT retries FROM imagebuilder_fdw_stats()') =~ s/.*\s//sr, 0,
	'an interrupt that raises no error: no transfer is ended');
$logged->quit;
unlink "$dir/slow-recv";

my %queries = map { $_ => name_query("fault-$_/1.0.0/1") } qw(hang stall throttle);
# Sixteen under way, in the ways in which that comes about: in a list, in a join
# that reads ahead, below Append, and all of them backing off.
$node->safe_psql('postgres', "CREATE TABLE public.asked AS SELECT kind, n,
	'" . arn('fault-') . "' || kind || '/1.0.0/' || n AS arn
	FROM unnest('{hang,throttle}'::text[]) kind, generate_series(1, 40) n; ANALYZE asked");
my %many = map {
	my $asked = "ARRAY(SELECT arn FROM asked WHERE kind = '$_')";
	("list of $_" => "SELECT name FROM images WHERE arn = ANY ($asked)",
		"join to $_" => "SELECT name FROM asked JOIN images USING (arn) WHERE kind = '$_'")
} qw(hang throttle);
$many{'append'} = "$many{'list of hang'} UNION ALL SELECT ami_id FROM amis
	WHERE image_arn = ANY (ARRAY(SELECT arn FROM asked WHERE kind = 'hang' AND n > 5))";
$many{'select list'} =
  "SELECT (SELECT name FROM images m WHERE m.arn = a.arn) FROM asked a WHERE kind = 'hang'";
%queries = (%queries, %many);
$queries{'resolve'} = name_query('a/1.0.0/1', 'slow_name');
$queries{'connect'} = name_query('a/1.0.0/1', 'full_queue');

# Wait until a session waits in the wrapper: it sleeps, with that written down.
sub wait_for
{
	my ($pid) = @_;
	$node->poll_query_until('postgres', "SELECT wait_event_type IN ('Extension', 'Client')
		FROM pg_stat_activity WHERE pid = $pid AND state = 'active'");
	return;
}

for my $phase (sort keys %queries)
{
	my $session = session_of($node);
	my $pid = $session->query('SELECT pg_backend_pid()');
	# PostgreSQL opens files of its own as it goes.
	my $descriptors = sub {
		return scalar grep { (readlink($_) // '') =~ /^(socket|anon_inode|pipe):/ }
		  glob "/proc/$pid/fd/*";
	};
	# The set of events that a session waits for is made for its first wait, and kept.  A
	# look-up that is answered need not have waited: libcurl's timers may be due again and
	# again until the answer is there.
	$session->query_until(qr/started/, "\\echo started\n$queries{hang};\n");
	wait_for($pid);
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	$session->query(name_query('golden-linux/1.0.0/1'));
	my $before = $descriptors->();
	$session->{stderr} = '';
	# A connection that got its answer is kept, and there are sixteen at most.
	$before += 15 if $phase =~ /throttle/ && $many{$phase};

	# Cancelled from another session.
	$session->query_until(qr/started/, "\\echo started\n$queries{$phase};\n");
	wait_for($pid);
	if ($phase eq 'resolve')
	{
		# libcurl's own thread must leave PostgreSQL's signals to PostgreSQL.
		my @threads;
		wait_until { @threads = grep { !/\/$pid$/ } glob "/proc/$pid/task/*" } 'a thread';
		cmp_ok(scalar @threads, '>=', 1, 'a thread resolves the name');
		my @open;
		for my $thread (@threads)
		{
			my ($blocked) = slurp_file("$thread/status") =~ /^SigBlk:.*([0-9a-f]{8})$/m;
			push @open, grep { !(hex($blocked) >> $_ - 1 & 1) } 2, 10, 12, 14, 15;
		}
		is("@open", '', 'with SIGINT, SIGUSR1, SIGUSR2, SIGALRM and SIGTERM blocked');
	}
	my $start = time;
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	$session->query('SELECT 1');
	cmp_ok(time - $start, '<', $AT_ONCE, "$phase: cancelled at once");
	like($session->{stderr}, qr/canceling statement due to user request/,
		"$phase: and as cancelled");
	$session->{stderr} = '';

	# statement_timeout
	$start = time;
	$session->query("SET statement_timeout = '200ms'");
	$session->query($queries{$phase});
	cmp_ok(time - $start, '<', 0.2 + $AT_ONCE, "$phase: statement_timeout acts");
	like($session->{stderr}, qr/canceling statement due to statement timeout/,
		"$phase: and as such");
	$session->{stderr} = '';
	$session->query('RESET statement_timeout');

	# An exception handler gets the session back too.
	$session->query("SET statement_timeout = '200ms'");
	$session->query("DO \$\$ BEGIN PERFORM * FROM ($queries{$phase}) q;
		EXCEPTION WHEN query_canceled THEN RAISE NOTICE 'caught'; END \$\$");
	like($session->{stderr}, qr/caught/, "$phase: caught");
	$session->query('RESET statement_timeout');

	# Nothing is left, and the session works.
	is($session->query(name_query('golden-linux/1.0.0/1')), 'golden-linux',
		"$phase: the session works");
	cmp_ok($descriptors->(), '<=', $before, "$phase: no descriptor is left")
	  unless $phase eq 'resolve';
	is($session->query("SELECT count(*) FROM pg_backend_memory_contexts
		WHERE name ~ 'imagebuilder_fdw (statement|look-up|attempt)'"),
		0, "$phase: no look-up is left");

	# Idle while it waits.
	$session->query_until(qr/started/, "\\echo started\n$queries{$phase};\n");
	wait_for($pid);
	my $ticks = sub {
		my @stat = split ' ', slurp_file("/proc/$pid/stat") =~ s/.*\) //r;
		return $stat[11] + $stat[12];
	};
	my $used = $ticks->();
	# A second of the machine's, of which a loop would use what others leave of it.
	$node->safe_psql('postgres', 'SELECT pg_sleep(1)');
	cmp_ok($ticks->() - $used, '<=', 5, "$phase: no processor time is used while waiting");

	# Terminated.
	$start = time;
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 60000)");
	cmp_ok(time - $start, '<', $AT_ONCE, "$phase: terminated at once");
	$session->{run}->kill_kill;
}

# Cancelled again and again, sixteen under way each time: nothing piles up.
{
	my $session = session_of($node);
	my $pid = $session->query('SELECT pg_backend_pid()');
	my $used = sub {
		my ($kb) = slurp_file("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m;
		return ($kb, scalar(() = glob "/proc/$pid/fd/*"));
	};
	my $cancel = sub {
		$session->query("SET statement_timeout = '30ms'");
		$session->query($many{$_})
		  for map { ('list of hang', 'join to hang', 'append') } 1 .. $_[0];
		$session->query('RESET statement_timeout');
	};
	$cancel->(10);
	my ($kb, $descriptors) = $used->();
	$cancel->(50);
	my ($kb_after, $descriptors_after) = $used->();
	cmp_ok($descriptors_after, '<=', $descriptors + 1,
		'150 cancelled statements with 16 requests each leave no descriptor');
	cmp_ok($kb_after, '<', $kb + 2000, 'and no memory');
	is(scalar(() = $session->{stderr} =~ /canceling statement due to statement timeout/g),
		180, 'all were cancelled');
	is($session->query(name_query('golden-linux/1.0.0/1')), 'golden-linux',
		'and the session works');
	$session->quit;
}

# A fast shutdown does not wait either.
my $session = session_of($node);
my $pid = $session->query('SELECT pg_backend_pid()');
$session->query_until(qr/started/, "\\echo started\n$queries{hang};\n");
wait_for($pid);
my $start = time;
$node->stop('fast');
cmp_ok(time - $start, '<', $AT_ONCE, 'fast shutdown while a request hangs');
$session->{run}->kill_kill;
$node->start;

# Thousands of look-ups and errors leave neither memory nor descriptors.
my $result = $node->safe_psql('postgres', "
	CREATE FUNCTION public.contexts() RETURNS bigint LANGUAGE sql
		AS 'SELECT sum(total_bytes) FROM pg_backend_memory_contexts';
	CREATE FUNCTION public.many(n int) RETURNS void LANGUAGE plpgsql AS \$\$
	BEGIN
		FOR i IN 1 .. n LOOP
			PERFORM name FROM images WHERE arn = '" . arn('golden-linux/1.0.0/1') . "';
			BEGIN
				PERFORM name FROM images WHERE arn = '" . arn('fault-forbidden/1.0.0/1') . "';
			EXCEPTION WHEN insufficient_privilege THEN NULL;
			END;
			BEGIN
				PERFORM name FROM images WHERE arn = '" . arn('fault-wrongtype/1.0.0/1') . "';
			EXCEPTION WHEN fdw_invalid_data_type THEN NULL;
			END;
		END LOOP;
	END \$\$;
	CREATE TEMP TABLE sizes (place int, bytes bigint, resident text);
	INSERT INTO sizes SELECT 0, contexts(), pg_read_file('/proc/self/statm');
	SELECT many(100);
	INSERT INTO sizes SELECT 1, contexts(), pg_read_file('/proc/self/statm');
	SELECT many(700);
	INSERT INTO sizes SELECT 2, contexts(), pg_read_file('/proc/self/statm');
	SELECT (b.bytes - a.bytes < 100000)::text || ' '
		|| ((split_part(b.resident, ' ', 2)::int
			- split_part(a.resident, ' ', 2)::int) * 4 < 2000)::text
	FROM sizes a, sizes b WHERE a.place = 1 AND b.place = 2");
is((split /\n/, $result)[-1], 'true true',
	'2,100 look-ups, two thirds of them errors, leave no memory');

$endpoint->stop;
done_testing();
