# Lists of ARNs: many requests at once, but never more than may be; rows in
# order; nothing of what is not reached; throttling; memory.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use List::Util qw(sum0);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

my $endpoint = TestEndpoint->new;
my $node = new_cluster('main');
set_up($node, $endpoint->url);

# The images PATTERN with $1 replaced by 1 to $n, as an SQL array.
sub images
{
	my ($pattern, $n) = @_;
	my $arn = arn($pattern) =~ s/N/' || n || '/r;
	return "ARRAY(SELECT '$arn' FROM generate_series(1, $n) n)";
}

for my $n (1, 4, 16, 64)
{
	$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD max_concurrency '$n')");
	$endpoint->reset_counters;
	is($node->safe_psql('postgres', 'SELECT count(*) FROM images WHERE arn = ANY ('
		  . images('fault-slow/1.0.0/N', 2 * $n + 3) . ')'),
		2 * $n + 3, "max_concurrency $n: all rows");
	is($endpoint->counters->{max_in_flight}, $n, "max_concurrency $n: so many under way");
	is($endpoint->requests, 2 * $n + 3, "max_concurrency $n: each once");
	# LIMIT stops the rest.
	$endpoint->reset_counters;
	is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT FROM images WHERE arn = ANY ('
		  . images('fault-slow/2.0.0/N', 1000) . ') LIMIT 1) q'),
		1, "max_concurrency $n: LIMIT");
	cmp_ok($endpoint->requests, '<=', $n, "max_concurrency $n: LIMIT stops the rest");
	$node->safe_psql('postgres', 'ALTER SERVER aws OPTIONS (DROP max_concurrency)');
}

# Rows come in the order in which their ARNs first appear, whatever comes first.
my @order = map { arn("$_/1.0.0/1") } qw(fault-slow golden-linux fault-slow minimal);
is($node->safe_psql('postgres', "SELECT arn FROM images WHERE arn IN "
	  . in_list(@order, $order[1])),
	join("\n", @order[ 0, 1, 3 ]), 'rows in the order of first appearance');

# What is not reached raises nothing; what is reached does, after the rows before.
my ($good, $bad) = map { arn("$_/1.0.0/1") } 'golden-linux', 'fault-forbidden';
is($node->safe_psql('postgres', "SELECT name FROM images WHERE arn IN ('$good', '$bad') LIMIT 1"),
	'golden-linux', 'an error beyond LIMIT');
like(attempt($node, "SELECT name FROM images WHERE arn IN ('$good', '$bad') OFFSET 1"),
	qr/^42501 /, 'an error that is reached');

# A slow answer holds up rows, not requests, where all rows will be taken: but
# not under LIMIT, in a cursor, or where only the first rows are wanted.
sub started
{
	my ($expected, $name, $statement) = @_;
	$endpoint->reset_counters;
	my $session = session_of($node);
	my $pid = $session->query('SELECT pg_backend_pid()');
	$session->query_until(qr/started/, "\\echo started\n$statement;\n");
	# Nothing more is asked for once all but the one that hangs are answered.
	my $requests = 0;
	my $settled = sub {
		my $counters = $endpoint->counters;
		my $before = $requests;
		$requests = $counters->{requests};
		return $requests >= $expected && $requests == $before
		  && sum0(values %{ $counters->{by_status} }) == $requests - 1;
	};
	wait_until { $settled->() } 'all are answered but one';
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	$session->quit;
	is($endpoint->requests, $expected, $name);
	return;
}
my $behind = "ARRAY(SELECT CASE n WHEN 1 THEN '" . arn('fault-hang/1.0.0/1') . "' ELSE '"
  . arn('minimal/1.0.0/') . "' || n END FROM generate_series(1, 200) n)";
my $ahead = "SELECT name FROM images WHERE arn = ANY ($behind)";
started(64, 'far ahead of a slow answer',
	"SELECT count(*) FROM images WHERE arn = ANY ($behind)");
started(16, 'under LIMIT: not so far',
	"SELECT count(*) FROM (SELECT FROM images WHERE arn = ANY ($behind) LIMIT 1000) q");
started(16, 'in a cursor: not so far', "BEGIN; DECLARE c CURSOR FOR $ahead; FETCH 2 FROM c");
started(16, 'SELECT INTO: not so far',
	"DO \$\$ DECLARE found text; BEGIN $ahead INTO found; END \$\$");
started(16, 'in EXISTS: not so far',
	"SELECT count(*) FROM unnest($behind) a WHERE EXISTS ($ahead)");
started(64, 'far ahead in a join',
	"SELECT count(name) FROM unnest($behind) WITH ORDINALITY a(arn, n) JOIN images USING (arn)");
started(16, 'in a join under LIMIT: not so far',
	"SELECT count(*) FROM (SELECT name FROM unnest($behind) WITH ORDINALITY a(arn, n)
	JOIN images USING (arn) LIMIT 1000) q");

# EXPLAIN counts what was started, reached or not.
like($node->safe_psql('postgres', 'EXPLAIN (ANALYZE, COSTS OFF) SELECT FROM images
	WHERE arn = ANY (' . images('fault-slow/3.0.0/N', 100) . ') LIMIT 1'),
	qr/Image Builder Requests: 16\n/, 'EXPLAIN counts what was started');

# Each request is throttled once: all succeed, at a lower rate.
$endpoint->reset_counters;
is($node->safe_psql('postgres', 'SELECT count(*), sum((name IS NOT NULL)::int) FROM images
	WHERE arn = ANY (' . images('fault-throttle-1/1.0.0/N', 30) . ');
	SELECT requests, throttled, retries FROM imagebuilder_fdw_stats()'), "30|30\n30|30|30",
	'throttled, each once');

# A service that grants a fixed rate, far less than could be asked: hardly a
# request is wasted on being throttled, and all succeed.
$endpoint->control('POST', 'latency?ms=50');
$endpoint->control('POST', 'rate?per_second=50&burst=10');
$endpoint->reset_counters;
is($node->safe_psql('postgres', 'SELECT count(*) FROM images
	WHERE arn = ANY (' . images('minimal/1.0.0/N', 300) . ');
	SELECT requests, errors FROM imagebuilder_fdw_stats()'),
	"1\n300|0", 'at a fixed rate: all are answered');
cmp_ok($endpoint->counters->{by_status}{429}, '<=', 30,
	'at a fixed rate: at most a tenth of them are throttled');
cmp_ok($endpoint->counters->{by_status}{429}, '>', 0, 'at a fixed rate: some are');
$endpoint->control('POST', 'rate?per_second=0&burst=0');
$endpoint->control('POST', 'latency?ms=0');

# Memory does not grow with the list.
$endpoint->put(arn("long/1.0.0/$_"), '{"image": {"name": "long", "x": "' . 'x' x 200000 . '"}}')
  for 1 .. 400;
my $peak = "substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\\s+(\\d+)')::int";
my $result = $node->safe_psql('postgres', "
	SELECT count(*) FROM images WHERE arn = ANY (" . images('long/1.0.0/N', 40) . ");
	CREATE TEMP TABLE peak AS SELECT $peak AS kb;
	SELECT count(*) FROM images WHERE arn = ANY (" . images('long/1.0.0/N', 400) . ");
	SELECT $peak - kb < 20000 FROM peak");
is($result, "40\n400\nt", 'the peak of memory is not that of the list: 80 MB');

$endpoint->stop;
done_testing();
