# What plans send, and that no transformation of the planner's changes it: guards,
# computed keys, values that are no ARN, partitions, costs, cursors, EXPLAIN.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

my $endpoint = TestEndpoint->new('--any');
my $node = new_cluster('main');
set_up($node, $endpoint->url);

my $prefix = arn('g');
$prefix =~ s/g$//;
my $eu = $prefix =~ s/us-east-1/eu-west-1/r;

# Of 30 rows: 9 ARNs in "arn", k = 1 in eight of them; "parent" is an ARN in ten,
# an AMI's id in ten, NULL in ten.
$node->safe_psql('postgres', qq{
	CREATE TABLE public.inv AS SELECT i AS id, i % 4 AS k, '${prefix}g' || i % 9 || '/1.0.0/1' AS arn,
		CASE i % 3 WHEN 0 THEN 'ami-0123' WHEN 2 THEN '${prefix}p' || i || '/1.0.0/1' END AS parent,
		'123456789012' AS account,
		jsonb_build_object('arn', '${prefix}c' || i || '/1.0.0/1', 'none', NULL) AS doc,
		('${prefix}b' || i || '/1.0.0/1')::char(100) AS blanks,
		ARRAY['${prefix}a' || i || '/1.0.0/1', 'ami-1', ''] AS list
		FROM generate_series(1, 30) i;
	CREATE TABLE public.small AS
		SELECT i AS sid, '${prefix}g' || i || '/1.0.0/1' AS arn FROM generate_series(1, 3) i;
	CREATE VIEW public.summary AS
		SELECT sid, arn, (SELECT name FROM images i WHERE i.arn = s.arn) AS name,
			EXISTS (SELECT FROM images i WHERE i.arn = s.arn) AS found FROM small s;
	CREATE VIEW public.accounts AS
		SELECT '123456789012' AS account, 1 AS arm, arn, name FROM images
		UNION ALL SELECT '210987654321', 2, arn, name FROM images;
	CREATE TABLE public.targets AS
		SELECT id, CASE id % 2 WHEN 0 THEN 'us' ELSE 'eu' END AS region,
			CASE id % 2 WHEN 0 THEN '$prefix' ELSE '$eu' END || 't' || id || '/1.0.0/1' AS arn
		FROM generate_series(1, 10) id;
	CREATE TABLE public.by_arn (arn text, name text) PARTITION BY RANGE (arn);
	CREATE FOREIGN TABLE public.by_arn_eu PARTITION OF by_arn
		FOR VALUES FROM ('arn:aws:imagebuilder:eu') TO ('arn:aws:imagebuilder:ev')
		SERVER aws OPTIONS (table_name 'images');
	CREATE FOREIGN TABLE public.by_arn_us PARTITION OF by_arn
		FOR VALUES FROM ('arn:aws:imagebuilder:us') TO ('arn:aws:imagebuilder:ut')
		SERVER aws OPTIONS (table_name 'images');
	CREATE TABLE public.by_region (region text, arn text, name text) PARTITION BY LIST (region);
	CREATE FOREIGN TABLE public.by_region_eu PARTITION OF by_region FOR VALUES IN ('eu')
		SERVER aws OPTIONS (table_name 'images');
	CREATE FOREIGN TABLE public.by_region_us PARTITION OF by_region FOR VALUES IN ('us')
		SERVER aws OPTIONS (table_name 'images');
	ALTER FOREIGN TABLE public.by_region_eu ALTER COLUMN region OPTIONS (ADD path 'image.name');
	ALTER FOREIGN TABLE public.by_region_us ALTER COLUMN region OPTIONS (ADD path 'image.name');
	CREATE TABLE public.family (arn text, name text);
	CREATE FOREIGN TABLE public.child () INHERITS (family) SERVER aws OPTIONS (table_name 'images');
	CREATE TABLE public.teams (id int, arn text) PARTITION BY RANGE (arn);
	CREATE TABLE public.teams_eu PARTITION OF teams
		FOR VALUES FROM ('arn:aws:imagebuilder:eu') TO ('arn:aws:imagebuilder:ev');
	CREATE TABLE public.teams_us PARTITION OF teams
		FOR VALUES FROM ('arn:aws:imagebuilder:us') TO ('arn:aws:imagebuilder:ut');
	INSERT INTO teams SELECT id, arn FROM targets;
	CREATE TABLE public.hosts (id int, arn text, pad text) PARTITION BY RANGE (arn);
	CREATE TABLE public.hosts_eu PARTITION OF hosts
		FOR VALUES FROM ('arn:aws:imagebuilder:eu') TO ('arn:aws:imagebuilder:ev');
	CREATE TABLE public.hosts_us PARTITION OF hosts
		FOR VALUES FROM ('arn:aws:imagebuilder:us') TO ('arn:aws:imagebuilder:ut');
	INSERT INTO hosts SELECT g, r || 't' || g % 500 || '/1.0.0/1', repeat('x', 300)
		FROM generate_series(1, 5000) g, (VALUES ('$prefix'), ('$eu')) v (r);
	CREATE INDEX ON hosts (arn);
	CREATE TABLE public.owners AS SELECT i AS id, 'o' || i AS name FROM generate_series(1, 1000) i;
	CREATE TABLE public.instances AS
		SELECT i % 1000 + 1 AS owner, '${prefix}j' || i % 200 || '/1.0.0/1' AS arn
		FROM generate_series(1, 100000) i;
	ANALYZE});

my $long = $prefix . ('long' x 20) . '/1.0.0/1';
my $g1 = $prefix . 'g1/1.0.0/1';

# Each row: what it is, a query of one row, the row, how many requests it may send.
my @cases = (
	# Guards.
	[ 'LEFT JOIN with a condition on the outer row',
		'SELECT count(*), count(name) FROM inv l LEFT JOIN images i ON i.arn = l.arn AND l.k = 1',
		'30|8', 8 ],
	[ 'the same over a join of two', 'SELECT count(*), count(i.name) FROM inv l LEFT JOIN
		(images i JOIN images j USING (arn)) ON i.arn = l.arn AND l.k = 1', '30|8', 8 ],
	[ 'the same of a view', 'SELECT count(*), count(v.name) FROM inv l
		LEFT JOIN accounts v ON v.arn = l.arn AND v.arm = l.k', '30|16', 16 ],
	[ 'LEFT JOIN with a parameter', "SET plan_cache_mode = force_generic_plan; PREPARE p(int) AS SELECT
		count(name) FROM inv l LEFT JOIN images i ON i.arn = l.arn AND \$1 = 1; EXECUTE p(2)", '0', 0 ],
	[ 'LEFT JOIN of a constant', "SELECT count(*), count(name) FROM inv l
		LEFT JOIN images i ON i.arn = '$g1' AND l.k > 9", '30|0', 0 ],
	[ 'LEFT JOIN LATERAL', 'SELECT count(*), count(x.name) FROM inv l LEFT JOIN LATERAL
		(SELECT name FROM images i WHERE i.arn = l.arn AND l.k = 1 LIMIT 1) x ON true', '30|8', 8 ],
	[ 'LATERAL with OFFSET 0', 'SELECT count(*) FROM inv l, LATERAL
		(SELECT name FROM images i WHERE i.arn = l.arn AND l.k = 1 OFFSET 0) x', '8', 8 ],
	[ 'NOT EXISTS', 'SELECT count(*) FROM inv l WHERE NOT EXISTS
		(SELECT FROM images i WHERE i.arn = l.arn AND l.k = 1)', '22', 8 ],
	[ 'EXISTS', 'SELECT count(*) FROM inv l WHERE EXISTS
		(SELECT FROM images i WHERE i.arn = l.arn AND l.k = 1)', '8', 8 ],
	[ 'a sub-select of the select list', 'SELECT count(n) FROM (SELECT
		(SELECT name FROM images i WHERE i.arn = l.arn AND l.k = 1) AS n FROM inv l OFFSET 0) q',
		'8', 8 ],
	[ 'a guard that is a sub-select', 'SELECT count(name) FROM inv l LEFT JOIN images i
		ON i.arn = l.arn AND l.k = (SELECT min(sid) FROM small)', '8', 8 ],
	[ 'a guard that needs a sub-select for each row', 'SELECT count(name) FROM inv l LEFT JOIN images i
		ON i.arn = l.arn AND EXISTS (SELECT FROM small s WHERE s.sid + 9 = l.k)', '0', 0 ],
	[ 'constants in the arms of UNION ALL', 'SELECT count(v.name), max(v.arm) FROM inv l
		JOIN accounts v ON v.account = l.account AND v.arn = l.arn', '30|1', 9 ],
	[ 'one arm by a parameter', "SET plan_cache_mode = force_generic_plan; PREPARE p(text) AS
		SELECT count(v.name) FROM small l JOIN accounts v USING (arn) WHERE v.account = \$1;
		EXECUTE p('x')", '0', 0 ],
	[ 'no arm', "SELECT count(*) FROM inv l JOIN accounts v ON v.account = l.k::text
		AND v.arn = l.arn", '0', 0 ],
	# Partitions.
	[ 'a list over partitions by ARN', 'SELECT count(*), count(DISTINCT arn) FROM by_arn
		WHERE arn = ANY (ARRAY(SELECT arn FROM targets))', '10|10', 10 ],
	[ 'a join with partitions by ARN', 'SELECT count(*), count(p.name) FROM targets t
		LEFT JOIN by_arn p USING (arn)', '10|10', 10 ],
	[ 'a join with partitions by Region, pruned at run time', "SET enable_hashjoin = off;
		SELECT count(*) FROM targets t JOIN by_region p ON p.region = t.region AND p.arn = t.arn",
		'0', 10 ],
	[ 'a partition by a parameter', "SET plan_cache_mode = force_generic_plan; PREPARE p(text) AS
		SELECT count(p.name) FROM targets t LEFT JOIN by_region p
		ON p.region = \$1 AND p.arn = t.arn; EXECUTE p('eu')", '0', 10 ],
	[ 'partitionwise join', 'SET enable_partitionwise_join = on; SELECT count(*), count(m.name)
		FROM teams t LEFT JOIN (hosts h JOIN by_arn m ON m.arn = h.arn) ON h.arn = t.arn',
		'100|100', 10 ],
	[ 'partitionwise join with a guard', 'SET enable_partitionwise_join = on;
		SELECT count(*), count(m.name) FROM teams t LEFT JOIN by_arn m
		ON m.arn = t.arn AND t.id <= 4', '10|4', 4 ],
	[ 'partitionwise aggregation', 'SET enable_partitionwise_join = on;
		SET enable_partitionwise_aggregate = on; SELECT count(*) FROM (SELECT t.arn, count(m.name)
		FROM teams t JOIN by_arn m ON m.arn = t.arn GROUP BY 1) q', '10', 10 ],
	# Values of rows that are no image's ARN equal none.
	[ 'AMI ids and NULLs among the ARNs', 'SELECT count(*), count(name) FROM inv l
		LEFT JOIN images i ON i.arn = l.parent', '30|10', 10 ],
	[ 'the same, inner', 'SELECT count(*) FROM inv l JOIN images i ON i.arn = l.parent', '10', 10 ],
	[ 'the same, NOT EXISTS', 'SELECT count(*) FROM inv l WHERE NOT EXISTS
		(SELECT FROM images i WHERE i.arn = l.parent)', '20', 10 ],
	[ 'the same, IN', 'SELECT count(*) FROM images WHERE arn IN (SELECT parent FROM inv)', '10', 10 ],
	[ 'the same, NOT IN', "SELECT count(*) FROM inv l WHERE 'p2' NOT IN
		(SELECT name FROM images i WHERE i.arn = l.parent)", '29', 10 ],
	[ 'the same, a sub-select', 'SELECT count((SELECT name FROM images i WHERE i.arn = l.parent))
		FROM inv l', '10', 10 ],
	[ 'the same, arrays', 'SELECT count(*) FROM inv l JOIN images i ON i.arn = ANY (l.list)',
		'30', 30 ],
	[ 'the same, of VALUES', "SELECT count(*) FROM (VALUES ('ami-1'), ('$g1')) v(a)
		JOIN images i ON i.arn = v.a", '1', 1 ],
	[ 'the same, through an inner sub-select',
		'SELECT count(n) FROM (SELECT (SELECT i.name FROM images i
		WHERE i.arn = (SELECT l.parent)) AS n FROM inv l OFFSET 0) q', '10', 10 ],
	[ 'the same, of LATERAL', 'SELECT count(*) FROM inv l, LATERAL (SELECT i.name FROM images i
		WHERE i.arn = (SELECT max(m.parent) FROM inv m WHERE m.id = l.id) LIMIT 1) q', '10', 10 ],
	[ 'the same, of an outer join in a sub-select', "SELECT sum(n) FROM (SELECT (SELECT count(*)
		FROM generate_series(1, 4) LEFT JOIN images i ON i.arn = (SELECT l.parent || '')) AS n
		FROM inv l OFFSET 0) q", '120', 10 ],
	[ 'the same, by a condition on the row', "SELECT count(*), count(name) FROM inv l
		LEFT JOIN images i ON i.arn = l.parent WHERE l.parent = 'ami-0123'", '10|0', 0 ],
	[ 'the same, inner, by a condition on the row', "SELECT count(*) FROM inv l
		JOIN images i ON i.arn = l.parent WHERE l.parent = 'ami-0123'", '0', 0 ],
	[ 'the same, of a view, by a condition on the row', "SELECT count(*) FROM inv l
		JOIN accounts i ON i.arn = l.parent WHERE l.parent = 'ami-0123'", '0', 0 ],
	[ 'another resource of Image Builder', "SET client_min_messages = error;
		SELECT count(*) FROM (VALUES ('$g1'),
		('arn:aws:imagebuilder:us-east-1:123456789012:component/c/1.0.0/1')) v(a)
		JOIN images i ON i.arn = v.a", '1', 1 ],
	[ 'with a constant for one', "SELECT count(*) FROM inv l JOIN images i
		ON i.arn IN (l.parent, '$g1') WHERE l.id = 3", '1', 1 ],
	# A key by way of another column.
	[ 'an equivalence of three', "SELECT count(*) FROM small s JOIN images i ON i.arn = lower(s.arn)
		JOIN latest l ON l.arn = i.name AND l.name = i.name", '0', 3 ],
	[ 'two conditions', "SELECT count(*) FROM small s JOIN latest l
		ON l.name = s.arn AND l.arn = l.name",
		'0', 3 ],
	[ 'a key for many rows, beside a node that is disabled', "SET enable_seqscan = off;
		SELECT count(*) FROM generate_series(1, 200000 - 199997) g(n) LEFT JOIN family f
		ON f.arn IN ('${prefix}g' || g.n || '/1.0.0/1', lower('${prefix}g' || g.n || '/1.0.0/1'))",
		'3', 3 ],
	# A key column that cannot hold the ARN.
	[ 'a name', "SELECT count(*) FROM as_name WHERE arn = '$long'::text", '0', 1 ],
	[ 'a name, in a join', "SELECT count(*) FROM (VALUES ('$long'), ('$g1')) v(a)
		JOIN as_name ON arn = v.a", '1', 2 ],
	[ 'a name that is long enough', "SELECT count(*) FROM as_name WHERE arn = '$g1'::text", '1', 1 ],
	# The same rows where PlaceHolderVars hold sub-selects.
	[ 'sub-selects in a view, LEFT JOIN', 'SELECT count(*), count(v.name) FROM inv l
		LEFT JOIN summary v ON v.sid = l.k', '30|23', 3 ],
	[ 'in a view, FULL JOIN', 'SELECT count(*), count(v.found) FROM inv l
		FULL JOIN summary v ON v.sid = l.k', '30|23', 3 ],
	[ 'in a view twice removed', 'SELECT count(*), count(name) FROM inv l LEFT JOIN
		(SELECT v.*, w.name AS other FROM summary v LEFT JOIN summary w USING (sid)) q
		ON q.sid = l.k', '30|23', 3 ],
	[ 'in a sub-query, LATERAL', 'SELECT count(*), count(n) FROM inv l LEFT JOIN LATERAL
		(SELECT (SELECT name FROM images i WHERE i.arn = s.arn AND l.id > 0) AS n
		FROM small s WHERE s.sid = l.k) q ON true', '30|23', 3 ],
	[ 'in a sub-query of a select list', 'SELECT count(x) FROM (SELECT (SELECT v.name
		FROM summary v WHERE v.sid = l.k) AS x FROM inv l OFFSET 0) q', '23', 3 ],
	# Sub-selects that PostgreSQL evaluates above a sort.
	[ 'LIMIT over a sub-query in order', 'SELECT * FROM (SELECT id, (SELECT name FROM images i
		WHERE i.arn = l.arn) AS n FROM inv l ORDER BY id) q LIMIT 1', '1|g1', 1 ],
	[ 'a cursor in order', 'BEGIN; DECLARE c CURSOR FOR SELECT l.id, (SELECT name FROM images i
		WHERE i.arn = l.arn) FROM inv l JOIN small s ON s.sid = l.k ORDER BY l.id;
		FETCH 1 FROM c; COMMIT', '1|g1', 1 ],
	# Costs.
	[ 'the join order that asks for little', "SELECT count(m.name) FROM owners o
		JOIN instances i ON i.owner = o.id JOIN images m ON m.arn = i.arn WHERE o.name = 'o5'",
		'100', 1 ],
	[ 'the join order that asks for fewer, of two of ours', "SELECT count(*), count(i.name) FROM inv l
		LEFT JOIN images i ON i.arn = ANY (l.list || l.arn) JOIN images p ON p.arn = l.parent",
		'20|20', 29 ],
	[ 'the same without Memoize', "SET enable_memoize = off; SELECT count(m.name) FROM owners o
		JOIN instances i ON i.owner = o.id JOIN images m ON m.arn = i.arn WHERE o.name = 'o5'",
		'100', 1 ],
	[ 'the same, three of ours', "SELECT count(m.name) FROM owners o JOIN instances i ON i.owner = o.id
		JOIN images m ON m.arn = i.arn LEFT JOIN amis a ON a.image_arn = i.arn
		LEFT JOIN components c ON c.image_arn = i.arn WHERE o.name = 'o5'", '100', 1 ],
);
$node->safe_psql('postgres', q{CREATE FOREIGN TABLE public.latest (arn text,
	name text OPTIONS (path 'image.name')) SERVER aws OPTIONS (table_name 'images')});
$node->safe_psql('postgres', q{CREATE FOREIGN TABLE public.as_name (arn name,
	name text OPTIONS (path 'image.name')) SERVER aws OPTIONS (table_name 'images')});

# A plan without its read-aheads.
sub plan_of
{
	my ($query, $read_ahead) = @_;
	my $set = '';
	$set = $1 while $query =~ s/^((?:SET [^;]*;\s*)*)(?=SELECT)//s && $1 ne '';
	my $plan = $node->safe_psql('postgres',
		"SET imagebuilder_fdw.enable_read_ahead = $read_ahead; $set EXPLAIN (COSTS OFF) $query");
	return join "\n", map { s/^\s*(->\s+)?//r } grep { !/Image Builder Read Ahead/ } split /\n/, $plan;
}

for my $case (@cases)
{
	my ($name, $query, $row, $most) = @$case;
	is(plan_of($query, 'on'), plan_of($query, 'off'), "$name: read-ahead changes no plan")
	  unless $query =~ /PREPARE|BEGIN/;
	for my $read_ahead ('on', 'off')
	{
		my ($rc, $out, $err) = $node->psql('postgres', "SET imagebuilder_fdw.enable_read_ahead = "
			  . "$read_ahead; $query; SELECT requests FROM imagebuilder_fdw_stats()");
		my ($found, $requests) = split /\n/, $out;
		is("$rc $found $err", "0 $row ", "$name: row, read-ahead $read_ahead");
		cmp_ok($requests // 99999, '<=', $most, "$name: requests, read-ahead $read_ahead");
	}
}

# What the statement itself says must be an ARN.
for my $case ([ 'a constant', "arn = 'ami-1'" ], [ 'in a list', "arn IN ('$g1', 'ami-1')" ],
	[ 'in an OR', "arn = '$g1' OR arn = 'ami-1'" ], [ 'in a row', "(arn, name) IN (('ami-1', 'x'))" ],
	[ 'computed', "arn = 'ami' || '-1'" ],
	[ 'in a sub-query', "arn IN (SELECT arn FROM images WHERE arn = 'ami-1' OFFSET 0)" ])
{
	my ($name, $condition) = @$case;
	my $before = $endpoint->requests;
	like(attempt($node, "SELECT name FROM images WHERE $condition"),
		qr/^22023 .*"a(mi-0?1|rn:aws:imagebuilder:us-x")/,
		"$name: 22023");
	is($endpoint->requests, $before, "$name: nothing is sent");
}

# Computed keys: sixteen at once.
my $c = "'${prefix}c' || id || '/1.0.0/1'";
my @computed = (
	[ '->>', "doc ->> 'arn'" ],
	[ 'format()', "format('${prefix}c%s/1.0.0/1', id)" ],
	[ '||', $c ],
	[ 'coalesce()', "coalesce(doc ->> 'none', doc ->> 'arn')" ],
	[ 'CASE', "CASE WHEN k < 9 THEN doc ->> 'arn' END" ],
	[ 'trim()', "trim('  ' || (doc ->> 'arn') || ' ')" ],
	[ 'varchar(n)', "(doc ->> 'arn')::varchar(200)" ],
	[ 'char(n)', 'blanks' ],
	[ 'lower() and replace()', "lower(replace(doc ->> 'arn', 'x', 'y'))" ],
	[ 'an array', 'list[1]' ],
	[ 'substr()', "substr('--' || (doc ->> 'arn'), 3)" ],
	[ 'what may raise an error', "CASE WHEN 1 / id < 2 THEN doc ->> 'arn' END" ],
);
$node->safe_psql('postgres', 'CREATE TABLE public.one AS SELECT 1 AS x; ANALYZE one');
$endpoint->control('POST', 'together?n=12');
for my $case (@computed)
{
	my ($name, $expression) = @$case;
	my %queries = (
		'join' => "SELECT count(name) FROM inv l JOIN images i ON i.arn = $expression",
		'IN' => "SELECT count(name) FROM images WHERE arn IN (SELECT $expression FROM inv)",
		'select list' => "SELECT count(n) FROM (SELECT (SELECT name FROM images i "
		  . "WHERE i.arn = $expression) AS n FROM inv l OFFSET 0) q");
	for my $kind (sort keys %queries)
	{
		$endpoint->reset_counters;
		is($node->safe_psql('postgres', $queries{$kind}), '30', "$name, $kind: rows");
		cmp_ok($endpoint->counters->{max_in_flight}, '>=', 12, "$name, $kind: together");
	}
	$endpoint->reset_counters;
	is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT name FROM inv l JOIN images i "
			  . "ON i.arn = $expression LIMIT 20) q"), '20', "$name, LIMIT: rows");
	cmp_ok($endpoint->counters->{max_in_flight}, '>=', 12, "$name, LIMIT: together");
}
$endpoint->control('POST', 'together?n=5');
$endpoint->reset_counters;
is($node->safe_psql('postgres', "SET enable_partitionwise_join = on; SELECT count(n) FROM (SELECT
		(SELECT name FROM images i WHERE i.arn = t.arn) AS n FROM teams t JOIN hosts h USING (arn)
		OFFSET 0) q"), '100', 'select list of a partitionwise join: rows');
cmp_ok($endpoint->counters->{max_in_flight}, '>=', 5,
	'select list of a partitionwise join: together');
$endpoint->control('POST', 'together?n=0');
is($node->safe_psql('postgres', "SELECT name FROM inv l JOIN images i
		ON i.arn = '${prefix}c' || 1 / (5 - id) || '/1.0.0/1' ORDER BY l.id LIMIT 0"), '', 'LIMIT 0');
$node->safe_psql('postgres', qq{
	CREATE TABLE public.odd AS SELECT id, arn COLLATE "C" AS arn, '' COLLATE "POSIX" AS pad,
		CASE WHEN id < 4 THEN format('{"arn": "%s"}', arn) ELSE '{"arn": "\\ud800"}' END::json AS doc,
		ARRAY[arn] AS one, CASE WHEN id < 4 THEN ARRAY[''] ELSE ARRAY['', ''] END AS other,
		CASE WHEN id < 4 THEN arn ELSE replace(arn, '123456789012', 'aws') END AS owned
		FROM inv ORDER BY id;
	CREATE TABLE public.by_account (arn text, name text)
		PARTITION BY LIST ((split_part(arn, ':', 5)::bigint));
	CREATE FOREIGN TABLE public.by_account_1 PARTITION OF by_account FOR VALUES IN (123456789012)
		SERVER aws OPTIONS (table_name 'images')});
for my $case ([ 'a division', "images i ON i.arn = '${prefix}c' || 9 / (5 - id) || '/1.0.0/1'" ],
	[ 'escapes in json', "images i ON i.arn = l.doc ->> 'arn'" ],
	[ 'escapes in a member beside', "images i ON i.arn = (l.doc -> 'arn' ->> 0) OR i.arn = l.arn" ],
	[ 'arrays of other dimensions', 'images i ON i.arn = ANY (ARRAY[l.one, l.other])' ],
	[ 'no one collation',
		'images i ON i.arn = CASE WHEN l.id < 4 THEN l.arn ELSE lower(l.arn || l.pad) END' ],
	[ 'a constraint of a partition', 'by_account i ON i.arn = l.owned' ])
{
	my ($name, $join) = @$case;
	my ($rc, $out, $err) = $node->psql('postgres',
		"SELECT count(*) FROM (SELECT i.name FROM odd l JOIN $join LIMIT 3) q");
	is("$rc $out $err", '0 3 ', "an error of a row that is not reached is not raised: $name");
}
like(attempt($node, "SELECT count(name) FROM inv l JOIN images i
		ON i.arn = '${prefix}c' || 9 / (5 - id) || '/1.0.0/1'"), qr/^22012 /, 'one that is reached is');

# EXPLAIN: what it counts is what was sent, and it shows columns, not parameters.
# Each row: what it is, a query, whether PostgreSQL itself has a parameter there.
my @explained = (
	[ 'lists under a semi-join', "SELECT count(*) FROM inv l WHERE EXISTS (SELECT FROM images i
		WHERE i.arn = ANY (l.list || ARRAY['${prefix}x' || id || '/1.0.0/1', l.arn]))" ],
	[ 'the same, LIMIT', "SELECT id FROM inv l WHERE EXISTS (SELECT FROM images i
		WHERE i.arn = ANY (l.list || l.arn)) LIMIT 3" ],
	[ 'LIMIT over a list',
		"SELECT name FROM images WHERE arn = ANY (ARRAY(SELECT arn FROM inv)) LIMIT 1", 1 ],
	[ 'LATERAL with LIMIT', 'SELECT count(*) FROM inv l, LATERAL (SELECT name FROM images i
		WHERE i.arn = ANY (l.list || l.arn) LIMIT 1) x' ],
	[ 'two sub-selects', 'SELECT (SELECT name FROM images i WHERE i.arn = l.arn),
		(SELECT count(*) FROM amis a WHERE a.image_arn = l.parent) FROM inv l' ],
	[ 'a sub-select in a condition', 'SELECT l.id, i.name FROM inv l JOIN images i ON i.arn = l.arn
		WHERE (SELECT count(*) FROM amis a WHERE a.image_arn = l.parent) > 2' ],
	[ 'in a CTE', 'WITH w AS MATERIALIZED (SELECT id, (SELECT count(*) FROM amis a
		WHERE a.image_arn = l.arn) AS n FROM inv l) SELECT * FROM w' ],
	[ 'in a join condition', 'SELECT count(*) FROM inv l FULL JOIN small s ON s.sid = l.k
		AND s.sid = (SELECT count(*) FROM images i WHERE i.arn = l.arn)' ],
	[ 'in HAVING', 'SELECT l.arn FROM inv l GROUP BY l.arn
		HAVING (SELECT count(*) FROM amis a WHERE a.image_arn = l.arn) < 2' ],
	[ 'in ORDER BY', 'SELECT id FROM inv l ORDER BY
		(SELECT name FROM images i WHERE i.arn = l.arn), id' ],
	[ 'in LIMIT of LATERAL', 'SELECT count(*) FROM inv l, LATERAL (SELECT * FROM small
		LIMIT (SELECT count(*) FROM images i WHERE i.arn = l.arn)) x', 1 ],
	[ 'in VALUES', 'SELECT count(*) FROM inv l, LATERAL (VALUES (1), ((SELECT count(*) FROM images i
		WHERE i.arn = l.arn))) v(x)' ],
	[ 'in a function\'s argument', 'SELECT count(*) FROM inv l, LATERAL generate_series(1,
		(SELECT count(*) FROM images i WHERE i.arn = l.arn)) g' ],
	[ 'in a sub-select', 'SELECT (SELECT max(s.sid || (SELECT name FROM images i WHERE i.arn = l.arn))
		FROM small s) FROM inv l' ],
	[ 'in RETURNING', 'UPDATE small s SET sid = sid
		RETURNING (SELECT name FROM images i WHERE i.arn = s.arn)' ],
	[ 'in MERGE', 'MERGE INTO small s USING inv l ON s.sid = l.id WHEN MATCHED AND
		(SELECT count(*) FROM images i WHERE i.arn = l.arn) > 5 THEN DELETE' ],
	[ 'in ON CONFLICT', "INSERT INTO keyed AS k VALUES (1, '$g1') ON CONFLICT (id) DO UPDATE
		SET arn = k.arn WHERE (SELECT count(*) FROM images i WHERE i.arn = k.arn) > 0" ],
	[ 'an equivalence of three', 'SELECT count(*) FROM small s JOIN latest l
		ON l.name = s.arn AND l.arn = l.name' ],
	[ 'a guard', 'SELECT count(*) FROM inv l LEFT JOIN images i ON i.arn = l.arn AND l.k = 1' ],
);
$node->safe_psql('postgres', "CREATE TABLE public.keyed (id int PRIMARY KEY, arn text);
	INSERT INTO keyed VALUES (1, '$g1')");
for my $case (@explained)
{
	my ($name, $query, $parameter) = @$case;
	for my $concurrency (1, 3, 16)
	{
		$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS ("
			  . ($concurrency == 1 ? 'ADD' : 'SET') . " max_concurrency '$concurrency')")
		  if $concurrency != 1 || $name eq $explained[0][0];
		$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (SET max_concurrency '1')")
		  if $concurrency == 1 && $name ne $explained[0][0];
		my $out = $node->safe_psql('postgres', "BEGIN; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $query;
			ROLLBACK; SELECT 'sent: ' || requests FROM imagebuilder_fdw_stats()");
		my $sum = 0;
		$sum += $_ for $out =~ /Image Builder Requests: (\d+)/g;
		like($out, qr/^sent: $sum$/m, "$name, $concurrency at once: EXPLAIN adds up") or diag($out);
		unlike($out, qr/Key: .*\$\d/, "$name, $concurrency at once: columns are shown")
		  unless $parameter;
	}
}

# WHERE CURRENT OF, and cursors that go backward.
for my $query ('SELECT sid, (SELECT name FROM images i WHERE i.arn = s.arn) FROM small s',
	'SELECT sid, (SELECT name FROM images i WHERE i.arn = s.arn) FROM small s FOR UPDATE',
	'SELECT * FROM (SELECT sid, (SELECT name FROM images i WHERE i.arn = s.arn)
		FROM small s OFFSET 0) q')
{
	is($node->safe_psql('postgres', "BEGIN; DECLARE c CURSOR FOR $query; MOVE 2 IN c;
			UPDATE small SET sid = 99 WHERE CURRENT OF c; SELECT array_agg(sid ORDER BY sid) FROM small;
			ROLLBACK"), '{1,3,99}', "WHERE CURRENT OF: $query");
}
is($node->safe_psql('postgres', "BEGIN; DECLARE c CURSOR FOR SELECT id,
		(SELECT name FROM images i WHERE i.arn = t.arn) FROM teams t WHERE id <= 4;
		MOVE 3 IN c; UPDATE teams SET id = 99 WHERE CURRENT OF c;
		SELECT count(*) FROM teams WHERE id = 99;
		ROLLBACK"), '1', 'WHERE CURRENT OF: partitions');
is($node->safe_psql('postgres', "BEGIN; DECLARE c CURSOR FOR SELECT sid,
		(SELECT name FROM images i WHERE i.arn = s.arn) FROM small s; MOVE 3 IN c;
		FETCH BACKWARD 1 FROM c; ROLLBACK"), '2|g2', 'a cursor goes backward');

# A guard leaves the inner side's rows kept.
like($node->safe_psql('postgres', 'SET enable_hashjoin = off; SET enable_mergejoin = off;
		EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT count(*) FROM inv l LEFT JOIN
		(SELECT name FROM images, generate_series(1, 50) WHERE arn IN (SELECT arn FROM small)) x
		ON l.k < 9 AND x.name <> l.account'), qr/Guard.*Function Scan [^\n]* loops=1\)/s,
	'what does not depend on the outer row is run once');

# Under a collation for which more ARNs are equal than the one written, there is no key.
SKIP:
{
	skip 'PostgreSQL without ICU', 1
	  if $node->safe_psql('postgres',
		"SELECT count(*) FROM pg_collation WHERE collprovider = 'i'") == 0;
	$node->safe_psql('postgres', q{CREATE COLLATION public.folding (provider = icu,
			locale = 'und-u-ks-level2', deterministic = false);
		CREATE FOREIGN TABLE public.folded (arn text, name text OPTIONS (path '@arn') COLLATE folding)
			SERVER aws OPTIONS (table_name 'images')});
	like(attempt($node, 'SELECT count(*) FROM small s JOIN folded f ON f.name = upper(s.arn)
			AND f.arn = f.name COLLATE "C"'), qr/^HV002 /, 'two conditions, one of them folding case');
}

# HV002 says what the statement's shape is about, and nothing else.
my $lists = qr/The table "image_builds" lists the ARNs of builds\./;
my $add = qr/^HV002 .*\|  \| Add WHERE (?:image_)?arn = '[^']*', or join on that column\. $lists/;
my $subquery = qr/GROUP BY, DISTINCT, .* = ANY \(ARRAY\(SELECT .* LATERAL .* OFFSET 0\)\./;
for my $case (
	[ 'no condition', 'SELECT count(*) FROM images', qr/$add$/ ],
	[ 'a condition on another column', "SELECT count(*) FROM images WHERE name = 'x'", qr/$add$/ ],
	[ 'a condition on a system column', 'SELECT count(*) FROM images WHERE tableoid > 0', qr/$add$/ ],
	[ 'LIKE', "SELECT count(*) FROM images WHERE arn LIKE 'arn:%'",
		qr/$add Only =, IN and = ANY on arn .*$/ ],
	[ 'OR', "SELECT count(*) FROM images WHERE arn = '$g1' OR name = 'x'",
		qr/$add Each arm of OR .*$/ ],
	[ 'build_version_arn', "SELECT count(*) FROM images WHERE build_version_arn = '$g1'",
		qr/$add What build_version_arn holds .* compare arn\.$/ ],
	[ 'FULL JOIN', 'SELECT count(*) FROM images i FULL JOIN small s ON s.arn = i.arn',
		qr/$add FULL JOIN.*$/ ],
	[ 'LEFT JOIN', 'SELECT count(*) FROM images i LEFT JOIN small s ON s.arn = i.arn',
		qr/$add FULL JOIN.*$/ ],
	[ 'GROUP BY', 'SELECT count(*) FROM inv l, (SELECT image_arn, count(*) FROM amis GROUP BY 1) c
		WHERE c.image_arn = l.arn', qr/$add Where $subquery$/ ],
	[ 'DISTINCT', 'SELECT count(*) FROM inv l JOIN (SELECT
		DISTINCT arn FROM images) c ON c.arn = l.arn',
		qr/$add Where $subquery$/ ])
{
	my ($name, $query, $expected) = @$case;
	like(attempt($node, $query), $expected, "HV002: $name");
}
like($node->safe_psql('postgres', 'SET join_collapse_limit = 1;
		SELECT attempt($$SELECT count(*) FROM images i JOIN amis a ON a.image_arn = i.arn
			JOIN small s ON s.arn = i.arn$$)'),
	qr/$add Of more tables than join_collapse_limit, name first the one that has the ARNs\.$/,
	'HV002: many tables');
# The ways round work.
is($node->safe_psql('postgres', "SELECT count(*) FROM inv l, LATERAL (SELECT * FROM
		(SELECT arn, count(*) FROM images GROUP BY 1) c WHERE c.arn = l.arn OFFSET 0) x"), '30',
	'HV002: LATERAL is a way round');
is($node->safe_psql('postgres', "SELECT count(*) FROM images WHERE arn = '$g1' OR
		arn = ANY (ARRAY(SELECT arn FROM small))"), '3', 'HV002: so is ANY (ARRAY)');

# EXPLAIN looks for the nodes above each of many scans, and leaves nothing for each pair of
# scans that a run of the same plan does not.
my $arms = join ' UNION ALL ', ('SELECT name FROM images WHERE arn = ANY ($1)') x 1000;
my $peak = q{SELECT 'peak ' ||
	(regexp_match(pg_read_file('/proc/self/status'), 'VmHWM:\s*(\d+)'))[1]};
my @peaks = $node->safe_psql('postgres', "SET plan_cache_mode = force_generic_plan;
	PREPARE many(text[]) AS $arms; EXECUTE many('{}'); $peak;
	EXPLAIN EXECUTE many('{}'); $peak") =~ /^peak (\d+)$/mg;
cmp_ok($peaks[1] - $peaks[0], '<', 4000, 'EXPLAIN of 1000 scans takes no more memory than their run');

$endpoint->stop;
done_testing();
