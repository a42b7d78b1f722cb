# UNION ALL and partitions over several servers: asked all at once, with the
# same rows, on rescan, under LIMIT, with other scans beside them; and
# max_concurrency, which bounds a session whatever nests in it.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

my $endpoint = TestEndpoint->new;
my $node = new_cluster('main');
set_up($node, $endpoint->url);

# Five accounts, a server each, whose images are partitions of one table.
my $url = $endpoint->url;
my $servers = 5;
$node->safe_psql('postgres', 'CREATE TABLE public.everywhere (account int, arn text, name text)
	PARTITION BY LIST (account)');
for my $i (1 .. $servers)
{
	$node->safe_psql('postgres', qq{
		CREATE SERVER account$i FOREIGN DATA WRAPPER imagebuilder_fdw
			OPTIONS (endpoint_url '$url', max_concurrency '4');
		CREATE USER MAPPING FOR CURRENT_USER SERVER account$i
			OPTIONS ($KEYS);
		CREATE FOREIGN TABLE public.images$i (arn text, name text, platform text) SERVER account$i
			OPTIONS (table_name 'images');
		CREATE FOREIGN TABLE public.amis$i (image_arn text, ami_id text) SERVER account$i
			OPTIONS (table_name 'amis');
		CREATE FOREIGN TABLE public.part$i PARTITION OF public.everywhere FOR VALUES IN ($i)
			SERVER account$i OPTIONS (table_name 'images');
		ALTER TABLE public.part$i ALTER account OPTIONS (ADD path 'image.account')});
}
my $all = join ' UNION ALL ', map { "SELECT $_ AS account, arn, name FROM images$_" } 1 .. $servers;
$node->safe_psql('postgres', "CREATE VIEW public.all_images AS $all");

sub images
{
	my ($pattern, $n) = @_;
	my $arn = arn($pattern) =~ s/N/' || n || '/r;
	return "ARRAY(SELECT '$arn' FROM generate_series(1, $n) n)";
}

# All at once.
my $slow = 'arn = ANY (' . images('fault-slow/1.0.0/N', 12) . ')';
my $plan = $node->safe_psql('postgres', "EXPLAIN (COSTS OFF) SELECT * FROM all_images WHERE $slow");
is(scalar(() = $plan =~ /Async Foreign Scan/g), $servers, 'UNION ALL is asynchronous')
  or diag($plan);
$endpoint->reset_counters;
is($node->safe_psql('postgres',
		"SELECT account, count(name) FROM all_images WHERE $slow GROUP BY 1 ORDER BY 1"),
	join("\n", map { "$_|12" } 1 .. $servers), 'rows of all servers');
is($endpoint->requests, 12 * $servers, 'each ARN is asked for once of each');
is($endpoint->counters->{max_in_flight}, 4 * $servers, 'of all at once');
$endpoint->reset_counters;
$node->safe_psql('postgres',
	"SET enable_async_append = off; SELECT count(*) FROM all_images WHERE $slow");
is($endpoint->counters->{max_in_flight}, 4, 'not with enable_async_append off');

# Partitions; the ones that are pruned are not asked.
$endpoint->put(arn("part/1.0.0/$_"), qq({"image": {"name": "part$_", "account": $_}}))
  for 1 .. $servers;
my $parts = 'arn = ANY (' . images('part/1.0.0/N', $servers) . ')';
$plan = $node->safe_psql('postgres', "EXPLAIN (COSTS OFF) SELECT * FROM everywhere WHERE $parts");
is(scalar(() = $plan =~ /Async Foreign Scan/g), $servers, 'partitions are asynchronous')
  or diag($plan);
$endpoint->reset_counters;
is($node->safe_psql('postgres',
		"SELECT count(*) FROM everywhere WHERE $parts AND account IN (2, 4)"),
	4, 'some partitions');
is($endpoint->requests, 2 * $servers, 'and no others');

# LIMIT stops the rest; what is not reached raises nothing, what is reached does.
$endpoint->reset_counters;
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT FROM all_images WHERE arn = ANY ('
	  . images('fault-slow/2.0.0/N', 500) . ') LIMIT 1) q'), 1, 'LIMIT');
cmp_ok($endpoint->requests, '<=', 4 * $servers, 'LIMIT stops the rest');
my ($good, $bad) = (arn('golden-linux/1.0.0/1'), arn('fault-forbidden/1.0.0/1'));
is($node->safe_psql('postgres', "SELECT name FROM (SELECT name FROM images1 WHERE arn = '$good'
	UNION ALL SELECT name FROM images2 WHERE arn IN ('$good', '$bad')) q LIMIT 1"),
	'golden-linux', 'an error beyond LIMIT');
like(attempt($node, "SELECT count(*) FROM (SELECT name FROM images1 WHERE arn = '$good'
	UNION ALL SELECT name FROM images2 WHERE arn = '$bad') q"),
	qr/^42501 /, 'an error that is reached');
like(attempt($node, 'SELECT count(*) FROM all_images'), qr/^HV002 /, 'no key');

# EXPLAIN counts rows and requests of each.
$plan = $node->safe_psql('postgres', "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
	SELECT * FROM all_images WHERE $slow AND name LIKE 'g%'");
is(scalar(() = $plan =~ /Async Foreign Scan on images\d \(actual rows=12(?:\.00)? loops=1\)/g),
	$servers, 'EXPLAIN: rows') or diag($plan);
is(scalar(() = $plan =~ /Image Builder Requests: 12\n/g), $servers, 'EXPLAIN: requests');

# Cancelled with twenty under way, again and again: the session works.
my $hang = 'arn = ANY (' . images('fault-hang/1.0.0/N', 12) . ')';
for my $round (1 .. 3)
{
	my ($rc, $stdout, $stderr) = $node->psql('postgres',
		"SET statement_timeout = '300ms'; SELECT count(*) FROM all_images WHERE $hang");
	like($stderr, qr/canceling statement due to statement timeout/, "cancelled: $round");
}

# What may be under way at once is the session's, whatever nests in it.
$node->safe_psql('postgres', q{
	CREATE FUNCTION public.ami_count(asked text) RETURNS bigint LANGUAGE plpgsql AS
		'BEGIN RETURN (SELECT count(*) FROM amis1 WHERE image_arn = asked); END'});
$endpoint->reset_counters;
is($node->safe_psql('postgres',
		"SELECT count(ami_count(replace(arn, '1.0.0', '3.0.0'))) FROM images1 WHERE $slow"),
	12, 'look-ups in a function');
is($endpoint->counters->{max_in_flight}, 4, 'max_concurrency bounds the session');

$endpoint->stop;
done_testing();
