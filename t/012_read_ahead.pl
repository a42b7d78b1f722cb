# Joins that look up ahead: the plans, and that they change nothing but time.
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

my $n = 24;
for my $i (1 .. $n)
{
	my $amis = join ',', map { qq({"region": "us-east-$_", "image": "ami-$i-$_"}) } 1 .. $i % 4;
	my $latest = arn('n/1.0.0/' . ($i % 5 + 1));
	$endpoint->put(arn("n/1.0.0/$i"),
		qq({"image": {"name": "n$i", "platform": "p@{[ $i % 3 ]}",
		"outputResources": {"amis": [$amis]},
		"imageRecipe": {"components": [{"componentArn": "c$i"}, {"componentArn": "c"}]}},
		"latestVersionReferences": {"latestVersionArn": "$latest"}}));
}
my $prefix = arn('n/1.0.0/');
$node->safe_psql('postgres', "
	CREATE TABLE public.instances AS SELECT i AS id,
		CASE WHEN i % 7 > 0 THEN '$prefix' || (i % ($n + 3) + 1) END AS arn, i % 3 AS kind,
		ARRAY['$prefix' || (i % 9 + 1), NULL, '$prefix' || (i % 4 + 1)] AS arns
		FROM generate_series(1, 60) i;
	CREATE VIEW public.named AS
		SELECT id, kind, i.arn, name FROM instances i JOIN images USING (arn);
	CREATE FUNCTION public.count_named(k int) RETURNS bigint LANGUAGE plpgsql
		AS 'BEGIN RETURN (SELECT count(*) FROM named WHERE kind = k); END';
	ANALYZE instances");

my $amis = 'amis a WHERE a.image_arn = i.arn';
my $count = "(SELECT count(*) FROM $amis)";
# Each row: what it is, a query, how many read-aheads its plan has.
my @plans = (
	[ 'inner join', 'SELECT id, name FROM instances JOIN images USING (arn)', 1 ],
	[ 'left join', 'SELECT id, name FROM instances LEFT JOIN images USING (arn)', 1 ],
	[ 'semi join',
		'SELECT id FROM instances i WHERE EXISTS (SELECT FROM amis WHERE image_arn = i.arn)', 1 ],
	[ 'anti join', 'SELECT id FROM instances i
		WHERE NOT EXISTS (SELECT FROM amis WHERE image_arn = i.arn)', 1 ],
	[ 'join on an array',
		'SELECT id, name FROM instances i JOIN images m ON m.arn = ANY (i.arns)', 1 ],
	[ 'lateral', 'SELECT id, x.name FROM instances i,
		LATERAL (SELECT name FROM images m WHERE m.arn = i.arn) x', 1 ],
	[ 'three tables of ours on one ARN', 'SELECT id, ami_id, component_arn
		FROM instances i JOIN images m USING (arn) JOIN amis a ON a.image_arn = i.arn
		JOIN components c ON c.image_arn = i.arn', 1 ],
	[ 'from image to image', 'SELECT id, m.name, l.name FROM instances i JOIN images m USING (arn)
		JOIN images l ON l.arn = m.latest_version_arn', 2 ],
	[ 'view', 'SELECT * FROM named WHERE kind = 1', 1 ],
	[ 'LIMIT', 'SELECT id, name FROM instances JOIN images USING (arn) LIMIT 3', 1 ],
	[ 'lateral with LIMIT', "SELECT id, x.ami_id FROM instances i,
		LATERAL (SELECT ami_id FROM $amis ORDER BY ordinal LIMIT 1) x", 1 ],
	[ 'lateral aggregate', "SELECT id, x.* FROM instances i
		LEFT JOIN LATERAL (SELECT count(*), max(ami_id) FROM $amis) x ON true", 1 ],
	[ 'lateral join of two of ours', 'SELECT id, x.* FROM instances i,
		LATERAL (SELECT m.name, ami_id FROM images m JOIN amis a ON a.image_arn = m.arn
			WHERE m.arn = i.arn LIMIT 2) x', 1 ],
	[ 'sub-select in the select list', "SELECT id, $count FROM instances i", 1 ],
	[ 'sub-select in a sub-select', "SELECT id, (SELECT string_agg(ami_id, ',')
		FROM (SELECT ami_id FROM $amis ORDER BY 1) q) FROM instances i ORDER BY id", 1 ],
	[ 'EXISTS in the select list', "SELECT id, EXISTS (SELECT FROM $amis) FROM instances i", 1 ],
	[ 'sub-select over a join',
		"SELECT i.id, $count FROM instances i JOIN instances j USING (id)", 1 ],
	[ 'sub-select of what is joined',
		"SELECT id, name, $count FROM instances i JOIN images m USING (arn)", 1 ],
	[ 'sub-select in CASE', "SELECT CASE WHEN id > 3 THEN $count END FROM instances i", 0 ],
	[ 'sub-select for some groups',
		"SELECT arn, $count FROM instances i GROUP BY arn HAVING count(*) > 2", 0 ],
	[ 'sub-select for the first few',
		"SELECT arn, $count FROM instances i ORDER BY id LIMIT 2", 0 ],
	[ 'no join', "SELECT name FROM images WHERE arn = '${prefix}1'", 0 ],
);
for my $case (@plans)
{
	my ($name, $query, $expected) = @$case;
	for my $setting ('on', 'off')
	{
		my $plan = $node->safe_psql('postgres',
			"SET imagebuilder_fdw.enable_read_ahead = $setting; EXPLAIN (COSTS OFF) $query");
		my $found = () = $plan =~ /Custom Scan \(Image Builder Read Ahead\)/g;
		is($found, $setting eq 'on' ? $expected : 0, "$name, $setting: read-aheads") or diag($plan);
	}
}
my $generic = $node->safe_psql('postgres', "SET plan_cache_mode = force_generic_plan;
	PREPARE q(int) AS SELECT name FROM instances JOIN images USING (arn) WHERE kind = \$1;
	EXPLAIN (COSTS OFF) EXECUTE q(1)");
my $scan = qr/->  Seq Scan on instances\n +Filter: \(kind = \$1\)/;
like($generic, qr/Custom Scan \(Image Builder Read Ahead\)\n +$scan/,
	'generic plan, above the filter');

# Within a function, by what auto_explain logs of it.
my ($inside, $logged, $explained) = $node->psql('postgres',
	"LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0;
	SET auto_explain.log_nested_statements = on; SET client_min_messages = log;
	SELECT count_named(1)");
like($explained, qr/Custom Scan \(Image Builder Read Ahead\)/, 'in a function');

# Many at once, each ARN once, and no more than may be beyond what is reached.
my $slow = arn('fault-slow/1.0.0/');
$node->safe_psql('postgres', "CREATE TABLE public.slow AS SELECT i, '$slow' || i AS arn
	FROM generate_series(1, 100) i; ANALYZE slow");
$endpoint->reset_counters;
is($node->safe_psql('postgres', 'SELECT count(*), count(name) FROM slow JOIN images USING (arn)'),
	'100|100', 'a hundred rows joined');
is($endpoint->requests, 100, 'each is asked for once');
is($endpoint->counters->{max_in_flight}, 16, 'sixteen at once');
$endpoint->reset_counters;
is($node->safe_psql('postgres',
		'SELECT count(*) FROM (SELECT FROM slow JOIN images USING (arn) LIMIT 2) q'), 2, 'LIMIT');
cmp_ok($endpoint->requests, '<=', 2 + 16, 'LIMIT stops the rest');
$endpoint->reset_counters;
is($node->safe_psql('postgres', 'SELECT count(*) FROM slow JOIN images USING (arn) WHERE i <= 3'),
	3, 'rows that a filter removes');
is($endpoint->requests, 3, 'are not looked up');
my $explain = 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)
	SELECT name FROM slow JOIN images USING (arn)';
like($node->safe_psql('postgres', $explain),
	qr/Image Builder Requests: 100\n/, 'EXPLAIN counts them at the scan that asked');

# What was started for rows beyond LIMIT shows too, where it was started.
my $beyond = $node->safe_psql('postgres',
	"$explain LIMIT 2; SELECT 'sent: ' || requests FROM imagebuilder_fdw_stats()");
my $explained_requests = 0;
$explained_requests += $_ for $beyond =~ /Image Builder Requests: (\d+)\n/g;
like($beyond, qr/^sent: $explained_requests$/m, 'EXPLAIN counts all that were sent')
  or diag($beyond);

# The same for sub-selects, on the inner side and in the select list.
$node->safe_psql('postgres', "CREATE TABLE public.two AS SELECT i, arn,
	replace(arn, '1.0.0', '2.0.0') AS other FROM slow; ANALYZE two");
my $both = '(SELECT count(*) FROM images m WHERE m.arn = t.arn),
	(SELECT max(x.name) FROM (SELECT name FROM images m WHERE m.arn = t.other LIMIT 1) x)';
$endpoint->reset_counters;
is($node->safe_psql('postgres',
		"SELECT count(*), sum(a), count(b) FROM (SELECT $both FROM two t OFFSET 0) q(a, b)"),
	'100|100|100', 'sub-selects in the select list');
is($endpoint->requests, 200, 'each is asked for once');
is($endpoint->counters->{max_in_flight}, 16, 'sixteen at once');
$endpoint->reset_counters;
is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT $both FROM two t LIMIT 2) q"),
	2, 'LIMIT');
cmp_ok($endpoint->requests, '<=', 4 + 16, 'LIMIT stops the rest');
$endpoint->reset_counters;
is($node->safe_psql('postgres', 'SELECT count(*) FROM two t,
	LATERAL (SELECT a.name, b.name FROM images a, images b
		WHERE a.arn = t.arn AND b.arn = t.other LIMIT 1) x'),
	100, 'two keys on the inner side');
is(join(' ', $endpoint->requests, $endpoint->counters->{max_in_flight}), '200 16',
	'each once, sixteen at once');

# An ARN whose row is never reached raises nothing, whatever is wrong with it.
$node->safe_psql('postgres', "CREATE TABLE public.bad AS SELECT * FROM (VALUES (1, '${prefix}1'),
	(2, 'no ARN'), (3, '" . arn('fault-forbidden/1.0.0/1') . "')) v(i, arn)");
is($node->safe_psql('postgres', 'SELECT name FROM bad JOIN images USING (arn) LIMIT 1'), 'n1',
	'what is not reached raises nothing');
like(attempt($node, 'SELECT count(*) FROM bad JOIN images USING (arn)'),
	qr/^42501 /, 'what is reached does');

# A volatile function is evaluated once a row.
is($node->safe_psql('postgres', "CREATE SEQUENCE public.s;
	SELECT count(*) FROM (SELECT nextval('s') AS v, arn FROM slow OFFSET 0) q
		JOIN images USING (arn);
	SELECT last_value FROM s"), "100\n100", 'volatile functions are evaluated once');

# Cancelled with sixteen under way; the session works, and again.
my $hang = arn('fault-hang/1.0.0/');
$node->safe_psql('postgres', "CREATE TABLE public.hang AS SELECT '$hang' || i AS arn
	FROM generate_series(1, 40) i; ANALYZE hang");
for my $round (1, 2)
{
	my ($rc, $stdout, $stderr) = $node->psql('postgres',
		"SET statement_timeout = '500ms'; SELECT count(name) FROM hang JOIN images USING (arn)");
	like($stderr, qr/canceling statement due to statement timeout/,
		"sixteen under way, cancelled: $round");
}

$endpoint->stop;
done_testing();
