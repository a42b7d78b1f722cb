# Each form of key condition: the right rows, with the right number of requests.
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

my ($a, $b, $c) = map { arn($_) } 'alpha/1.0.0/1', 'beta/1.0.0/1', 'gamma/1.0.0/1';
for my $image ('alpha', 'beta', 'gamma')
{
	my $amis = join ',', map { qq({"region": "us-east-$_", "image": "ami-$image-$_"}) } 1 .. 2;
	$endpoint->put(arn("$image/1.0.0/1"), qq({"image": {"name": "$image", "version": "1.0.0/1",
		"imageRecipe": {"name": "r-$image",
			"components": [{"componentArn": "c1"}, {"componentArn": "c2"}]},
		"outputResources": {"amis": [$amis]}, "tags": {"k": "v"}}}));
}
my $missing = arn('missing/1.0.0/1');
$node->safe_psql('postgres', qq{
	CREATE TABLE public.instances (id int, arn text, arn_v varchar(200),
		arn_c char(120), arns text[]);
	INSERT INTO instances VALUES (1, '$a', '$a', '$a', '{$a,$b}'), (2, '$b', '$b', '$b', '{}'),
		(3, NULL, NULL, NULL, NULL), (4, '$a', '$a', '$a', '{$a,NULL}'),
		(5, '$missing', '$missing', '$missing', '{$missing}');
	CREATE TABLE public.twins AS TABLE instances;
	CREATE TABLE public.many AS SELECT g AS id, 'x' AS v FROM generate_series(1, 100000) g;
	CREATE INDEX ON many (id);
	ANALYZE many;
	CREATE VIEW public.report AS
		SELECT image_arn, 'ami' AS what, ami_id AS id FROM amis UNION ALL
		SELECT image_arn, 'component', component_arn FROM components;
	CREATE VIEW public.counts AS SELECT image_arn, count(*) AS n FROM amis GROUP BY image_arn;
	CREATE FUNCTION public.names(wanted text[]) RETURNS SETOF text LANGUAGE plpgsql AS \$\$
	DECLARE w text; n text;
	BEGIN
		FOREACH w IN ARRAY wanted LOOP
			SELECT name INTO n FROM images WHERE arn = w;
			RETURN NEXT n;
		END LOOP;
	END \$\$;
	CREATE FUNCTION public.name_of(text) RETURNS text LANGUAGE sql STABLE
		AS 'SELECT name FROM images WHERE arn = \$1';
});

my $generic = 'SET plan_cache_mode = force_generic_plan';
my $prepare = 'PREPARE q(text) AS SELECT name FROM images WHERE arn = $1';
# Each row: what it is, the query, its rows, the requests it makes.
my @cases = (
	[ 'constant', "SELECT name FROM images WHERE arn = '$a'", 'alpha', 1 ],
	[ 'commuted', "SELECT name FROM images WHERE '$a' = arn", 'alpha', 1 ],
	[ 'the ARN echoed', "SELECT arn = '$a' FROM images WHERE arn = '$a'", 't', 1 ],
	[ 'missing image', "SELECT name FROM images WHERE arn = '$missing'", '', 1 ],
	[ 'IN, in the order of first appearance',
		"SELECT name FROM images WHERE arn IN ('$c', '$a', '$missing', '$b', '$a')",
		"gamma\nalpha\nbeta", 4 ],
	[ '= ANY of an array', "SELECT name FROM images WHERE arn = ANY (ARRAY['$a', NULL, '$b'])",
		"alpha\nbeta", 2 ],
	[ '= ANY of varchar',
		"SELECT name FROM images WHERE arn = ANY ('{$a}'::varchar[])", 'alpha', 1 ],
	[ 'OR', "SELECT name FROM images WHERE arn = '$a' OR arn = '$b' OR arn IN ('$c', '$a')",
		"alpha\nbeta\ngamma", 3 ],
	[ 'OR of ANDs', "SELECT name FROM images
		WHERE arn = '$a' AND name = 'x' OR arn = '$b' AND name = 'beta'", 'beta', 2 ],
	[ 'AND is the intersection', "SELECT name FROM images
		WHERE arn IN ('$a', '$b') AND arn IN ('$b', '$c')", 'beta', 1 ],
	[ 'contradiction', "SELECT name FROM images WHERE arn = '$a' AND arn = '$b'", '', 0 ],
	[ 'empty intersection', "SELECT name FROM images
		WHERE arn IN ('$a', '$b') AND arn IN ('$c')", '', 0 ],
	[ 'NULL', "SELECT name FROM images WHERE arn = NULL::text", '', 0 ],
	[ 'filter on another column', "SELECT name FROM images
		WHERE arn IN ('$a', '$b') AND name = 'beta'", 'beta', 2 ],
	[ 'sub-select', "SELECT name FROM images
		WHERE arn = (SELECT arn FROM instances WHERE id = 2)", 'beta', 1 ],
	[ 'sub-select array', "SELECT name FROM images
		WHERE arn = ANY (ARRAY(SELECT arn FROM instances ORDER BY id))", "alpha\nbeta", 3 ],
	[ 'IN a sub-select', "SELECT name FROM images
		WHERE arn IN (SELECT arn FROM instances) ORDER BY 1", "alpha\nbeta", 3 ],
	[ 'varchar', "SELECT name FROM images WHERE arn::varchar = '$a'::varchar", 'alpha', 1 ],
	[ 'char', "SELECT name FROM images WHERE arn = '$a'::char(150)", 'alpha', 1 ],
	[ 'IS NOT DISTINCT FROM', "SELECT name FROM images
		WHERE arn IS NOT DISTINCT FROM '$a'", 'alpha', 1 ],
	[ 'join', 'SELECT id, name FROM instances i JOIN images USING (arn) ORDER BY 1',
		"1|alpha\n2|beta\n4|alpha", 3 ],
	[ 'join on varchar', 'SELECT id, name FROM instances i
		JOIN images m ON m.arn = arn_v ORDER BY 1', "1|alpha\n2|beta\n4|alpha", 3 ],
	[ 'join on char', 'SELECT id, name FROM instances i JOIN images m ON m.arn = arn_c ORDER BY 1',
		"1|alpha\n2|beta\n4|alpha", 3 ],
	[ 'join on arrays', 'SELECT id, name FROM instances i
		JOIN images m ON m.arn = ANY (arns) ORDER BY 1, 2', "1|alpha\n1|beta\n4|alpha", 3 ],
	[ 'join on an OR', "SELECT id, name FROM instances i
		JOIN images m ON m.arn = i.arn OR m.arn = '$c' ORDER BY 1, 2",
		"1|alpha\n1|gamma\n2|beta\n2|gamma\n3|gamma\n4|alpha\n4|gamma\n5|gamma", 4 ],
	[ 'left join', 'SELECT id, name FROM instances i LEFT JOIN images USING (arn) ORDER BY 1',
		"1|alpha\n2|beta\n3|\n4|alpha\n5|", 3 ],
	[ 'left join with a condition', "SELECT id, name FROM instances i
		LEFT JOIN images m ON m.arn = i.arn AND name = 'beta' ORDER BY 1",
		"1|\n2|beta\n3|\n4|\n5|", 3 ],
	[ 'anti join', 'SELECT id FROM instances i
		WHERE NOT EXISTS (SELECT FROM images WHERE arn = i.arn) ORDER BY 1', "3\n5", 3 ],
	[ 'semi join', 'SELECT id FROM instances i
		WHERE EXISTS (SELECT FROM amis WHERE image_arn = i.arn) ORDER BY 1', "1\n2\n4", 3 ],
	[ 'lateral', 'SELECT id, x.name FROM instances i,
		LATERAL (SELECT name FROM images WHERE arn = i.arn LIMIT 1) x ORDER BY 1',
		"1|alpha\n2|beta\n4|alpha", 3 ],
	[ 'correlated', 'SELECT id, (SELECT name FROM images WHERE arn = i.arn)
		FROM instances i ORDER BY 1', "1|alpha\n2|beta\n3|\n4|alpha\n5|", 3 ],
	[ 'correlated in the key', 'SELECT m.name FROM images m
		WHERE m.arn = (SELECT t.arn FROM twins t WHERE t.id = 2)', 'beta', 1 ],
	[ 'equivalence class', "SELECT m.name, a.ami_id FROM images m JOIN amis a ON a.image_arn = m.arn
		JOIN instances i ON i.arn = a.image_arn WHERE i.id = 2 ORDER BY 2",
		"beta|ami-beta-1\nbeta|ami-beta-2", 1 ],
	[ 'four tables, one ARN', "SELECT count(*) FROM images i
		JOIN image_recipes r ON r.image_arn = i.arn JOIN amis a ON a.image_arn = i.arn
		JOIN components c ON c.image_arn = i.arn WHERE i.arn = '$a'", 4, 1 ],
	[ 'UNION ALL of tables', "SELECT 'i', name FROM images WHERE arn = '$a'
		UNION ALL SELECT 'a', ami_id FROM amis WHERE image_arn = '$a' ORDER BY 1 DESC, 2",
		"i|alpha\na|ami-alpha-1\na|ami-alpha-2", 1 ],
	[ 'view with UNION ALL', "SELECT what, id FROM report WHERE image_arn = '$b' ORDER BY 1, 2",
		"ami|ami-beta-1\nami|ami-beta-2\ncomponent|c1\ncomponent|c2", 1 ],
	[ 'view with GROUP BY', "SELECT * FROM counts WHERE image_arn = '$b'", "$b|2", 1 ],
	[ 'view joined', 'SELECT i.id, count(*) FROM instances i JOIN report r ON r.image_arn = i.arn
		GROUP BY 1 ORDER BY 1', "1|4\n2|4\n4|4", 3 ],
	[ 'CTE', "WITH m AS MATERIALIZED (SELECT * FROM images WHERE arn = '$a')
		SELECT m.name, n.name FROM m JOIN m n USING (arn)", 'alpha|alpha', 1 ],
	[ 'sub-select in HAVING', "SELECT image_arn = '$a' FROM amis
		WHERE image_arn IN ('$a', '$b') GROUP BY 1 HAVING min(ami_id) =
			(SELECT 'ami-' || name || '-1' FROM images WHERE arn = '$b')", 'f', 2 ],
	[ 'count(*)', "SELECT count(*) FROM amis WHERE image_arn IN ('$a', '$b')", 4, 2 ],
	[ 'whole row', "SELECT (a).ami_id FROM amis a WHERE image_arn = '$a'",
		"ami-alpha-1\nami-alpha-2", 1 ],
	[ 'whole row as JSON', "SELECT to_jsonb(t) - 'image_arn' FROM tags t WHERE image_arn = '$a'",
		'{"key": "k", "value": "v", "region": null,'
		  . ' "resource": "image", "distribution_ordinal": null}', 1 ],
	[ 'tableoid',
		"SELECT DISTINCT tableoid::regclass FROM amis WHERE image_arn = '$a'", 'amis', 1 ],
	[ 'tableoid joined', "SELECT DISTINCT c.relname FROM amis
		JOIN pg_class c ON c.oid = amis.tableoid WHERE image_arn = '$a'", 'amis', 1 ],
	[ 'tableoid in an EXISTS that could be hashed',
		'SELECT id, EXISTS (SELECT FROM images m WHERE m.arn = i.arn
		AND m.tableoid::bigint > 1) FROM instances i ORDER BY 1', "1|t\n2|t\n3|f\n4|t\n5|f", 3 ],
	[ 'row marks', "SELECT id, name FROM instances i JOIN images USING (arn)
		WHERE id = 1 FOR UPDATE", '1|alpha', 1 ],
	[ 'PL/pgSQL', "SELECT * FROM names('{$a,$b}')", "alpha\nbeta", 2 ],
	[ 'SQL function', "SELECT name_of('$a')", 'alpha', 1 ],
	[ 'LIMIT', "SELECT name FROM images WHERE arn IN ('$a', '$b', '$c') LIMIT 1", 'alpha', 3 ],
	[ 'the inner side again and again', "SELECT count(*) FROM generate_series(1, 50) g, amis
		WHERE image_arn = '$a' AND g % 2 = 0", 50, 1 ],
	[ 'below a nested loop that starts it anew', "SET enable_hashjoin = off;
		SET enable_mergejoin = off; SET enable_material = off; SET enable_memoize = off;
		SELECT count(*) FROM twins t LEFT JOIN (images i JOIN many ON many.v <> i.name)
			ON many.id = t.id AND i.arn = '$a'", 5, 1 ],
	[ 'enable_nestloop = off', "SET enable_nestloop = off;
		SELECT id, name FROM instances i JOIN images USING (arn) ORDER BY 1",
		"1|alpha\n2|beta\n4|alpha", 3 ],
	[ 'many rows expected', "SELECT count(*) FROM generate_series(1, 20000000 - 19999999) g
		JOIN images ON arn = '" . arn('alpha/1.0.0/') . "' || g", 1, 1 ],
	[ 'UPDATE FROM', "UPDATE instances i SET id = id FROM images m
		WHERE m.arn = i.arn AND m.name = 'beta' RETURNING i.id", 2, 3 ],
	[ 'INSERT SELECT', "INSERT INTO twins (arn) SELECT ami_id FROM amis
		WHERE image_arn = '$a' RETURNING arn", "ami-alpha-1\nami-alpha-2", 1 ],
	[ 'cursor', "BEGIN;
		DECLARE k SCROLL CURSOR FOR SELECT name FROM images WHERE arn IN ('$a', '$b');
		FETCH 1 FROM k; FETCH 1 FROM k; FETCH BACKWARD 1 FROM k; FETCH 1 FROM k; COMMIT",
		"alpha\nbeta\nalpha\nbeta", 2 ],
	[ 'held cursor', "BEGIN; DECLARE k CURSOR WITH HOLD FOR SELECT name FROM images
		WHERE arn IN ('$a', '$b'); COMMIT; FETCH ALL FROM k", "alpha\nbeta", 2 ],
	[ 'two cursors are two statements', "BEGIN;
		DECLARE k CURSOR FOR SELECT name FROM images WHERE arn = '$a';
		DECLARE l CURSOR FOR SELECT name FROM images WHERE arn = '$a';
		FETCH 1 FROM k; FETCH 1 FROM l; COMMIT", "alpha\nalpha", 2 ],
	[ 'two statements', join('; ', ("SELECT name FROM images WHERE arn = '$a'") x 2),
		"alpha\nalpha", 2 ],
	[ 'custom plan', "SET plan_cache_mode = force_custom_plan; $prepare; EXECUTE q('$a')",
		'alpha', 1 ],
	[ 'generic plan', "$generic; $prepare; EXECUTE q('$a'); EXECUTE q('$b')", "alpha\nbeta", 2 ],
	[ 'generic plan, array', "$generic; PREPARE q(text[]) AS
		SELECT name FROM images WHERE arn = ANY (\$1); EXECUTE q('{$a,$b}')", "alpha\nbeta", 2 ],
	[ 'generic plan, list', "$generic; PREPARE q(text, varchar) AS
		SELECT name FROM images WHERE arn IN (\$1, \$2); EXECUTE q('$a', '$a')", 'alpha', 1 ],
	[ 'generic plan, NULL', "$generic; $prepare; EXECUTE q(NULL)", '', 0 ],
	[ 'COPY', "COPY (SELECT name FROM images WHERE arn = '$a') TO STDOUT", 'alpha', 1 ],
	[ 'EXPLAIN', "EXPLAIN (COSTS OFF) SELECT name FROM images WHERE arn = '$a'",
		"Foreign Scan on images\n  Image Builder Operation: GetImage\n"
		  . "  Image Builder Key: (arn = '$a'::text)", 0 ],
);

for my $case (@cases)
{
	my ($name, $query, $rows, $requests) = @$case;
	$endpoint->reset_counters;
	my ($rc, $stdout, $stderr) = $node->psql('postgres', $query);
	is("$rc $stdout $stderr", "0 $rows ", "$name: rows");
	is($endpoint->requests, $requests, "$name: requests");
}

# A user-defined table may have several keys, or a key of another text type.
$node->safe_psql('postgres', q{
	CREATE DOMAIN public.arn AS text;
	CREATE FOREIGN TABLE public.keys (
		a varchar(200) OPTIONS (path '@arn'), b public.arn OPTIONS (path '@arn'),
		name text OPTIONS (path 'image.name'),
		c char(150) OPTIONS (path '@arn'), n name OPTIONS (path '@arn')
	) SERVER aws OPTIONS (rows '');
	CREATE FOREIGN TABLE public.own (image_arn text, id text OPTIONS (path 'image')) SERVER aws
		OPTIONS (rows 'image.outputResources.amis[]');
});
is($node->safe_psql('postgres', "SELECT name FROM keys WHERE a = '$a'"), 'alpha', 'varchar key');
is($node->safe_psql('postgres', "SELECT name FROM keys WHERE b = '$a'"), 'alpha', 'domain key');
for my $case ([ 'char(n)', "c = '$a'" ], [ 'char(n), a text', "c = '$a'::text" ],
	[ 'char(n), cast', "c::text = '$a'" ], [ 'char(n), a list', "c IN ('$a', '$b'::text)" ],
	[ 'char(n), a column', 'c = (SELECT min(arn) FROM instances)' ],
	[ 'name, a text', "n = '${a}'::text OR a = '$a'" ])
{
	like($node->safe_psql('postgres', "SELECT name FROM keys WHERE $case->[1]"),
		qr/^alpha$/m, "key of type $case->[0]");
}
is($node->safe_psql('postgres', 'SELECT id, name FROM instances i
	JOIN keys ON c = i.arn ORDER BY 1'), "1|alpha\n2|beta\n4|alpha", 'key of type char(n), joined');
is($node->safe_psql('postgres', "SELECT name FROM keys WHERE a IN ('$a', '$b') AND b = '$b'"),
	'beta', 'two keys');
is($node->safe_psql('postgres', "SELECT id FROM own WHERE image_arn = '$a'"),
	"ami-alpha-1\nami-alpha-2", 'image_arn is the key of a table with rows of its own');

$endpoint->stop;
done_testing();
