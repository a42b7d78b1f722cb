# An operation is an entry and its table: a library that is built with one more of
# each, and nothing else touched, has it everywhere.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;
use TestStandIn;

needs('gcc', 'make');
my $dir = PostgreSQL::Test::Utils::tempdir();
my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
mkdir "$dir/build" or die $!;
system_or_bail('cp', '-R', (map { "$SOURCE/$_" } qw(Makefile imagebuilder_fdw.control src)),
	glob("$SOURCE/*.sql"), $dir);
system_or_bail('find', $dir, '-name', '*.o', '-delete');
my $output;
my @make = ('make', '-s', '-j2', '-C', $dir, "PG_CONFIG=$pg_config",
	"COPT=-DAPI_EXTRA='\"$SOURCE/t/build/extra.inc\"'", 'imagebuilder_fdw.so');
ok(IPC::Run::run(\@make, '>', \$output, '2>&1'), 'it builds') or diag($output);

# No backend must have both libraries: the extension itself is not there.
my $endpoint = TestEndpoint->new;
my $node = new_cluster('main', without_extension => 1);
my $script = slurp_file("$SOURCE/imagebuilder_fdw--1.0.sql");
$script =~ s/^\\.*//mg;
$script =~ s/MODULE_PATHNAME/$dir\/imagebuilder_fdw/g;
$node->safe_psql('postgres', $script);
set_up($node, $endpoint->url, options => "max_attempts '1'");

my $thing = 'arn:aws:imagebuilder:us-east-1:123456789012:thing/a/1.0.0/1';
$endpoint->control('PUT',
	'operation?name=GetThing&path=/GetThing&parameter=thingArn&kind=thing:build&member=thing');
$endpoint->put($thing, '{"thing": {"owner": "me", "parts": [{"name": "x"}, {}, {"name": "z"}]}}');
my $parts = "SELECT thing_arn, ordinal, name, owner FROM thing_parts";
is($node->safe_psql('postgres', "$parts WHERE thing_arn = '$thing'"),
	"$thing|1|x|me\n$thing|2||me\n$thing|3|z|me", 'rows');
is($node->safe_psql('postgres', "SELECT name FROM (VALUES ('$thing'), ('x'), (NULL)) AS v (arn)
	JOIN thing_parts ON thing_arn = v.arn WHERE ordinal = 3"), 'z', 'joined');
like($node->safe_psql('postgres', "EXPLAIN $parts WHERE thing_arn = '$thing'"),
	qr/Image Builder Operation: GetThing/, 'EXPLAIN');
is($node->safe_psql('postgres', "SELECT string_agg(column_name, ' ')
	FROM imagebuilder_fdw_columns() WHERE table_name = 'thing_parts'"),
	'thing_arn ordinal name owner', 'imagebuilder_fdw_columns()');
like(attempt($node, $parts),
	qr/can be read by thing build version ARN only \|  \| Add WHERE thing_arn = '[^']*thing\/NAME/,
	'no key');
like(attempt($node, "$parts WHERE thing_arn = '" . arn('golden-linux/1.0.0/1') . "'"),
	qr/^22023 .* is not the ARN of an Image Builder thing build version \|/,
	'an ARN of another type');
like(attempt($node, "$parts WHERE thing_arn = '" . $thing =~ s/1$/2/r . "'"), qr/^nothing/,
	'what does not exist');
my $golden = arn('golden-linux/1.0.0/1');
is($node->safe_psql('postgres', "SELECT name FROM images WHERE arn = '$golden'"),
	'golden-linux', 'the others are as they were');

# An operation with two parameters: a request for each pair of values that conditions
# and joins leave.
my $log = PostgreSQL::Test::Utils::tempdir() . '/log';
my $stand_in = TestStandIn->start_program('parts.py', '--log', $log);
make_server($node, 'parts', "endpoint_url '@{[$stand_in->url]}', max_attempts '1'");
$node->safe_psql('postgres', q{CREATE FOREIGN TABLE parts_of (thing_arn text, color text, name text)
	SERVER parts OPTIONS (table_name 'colored_parts');
	CREATE TABLE wishes (thing text, wish text);
	CREATE FUNCTION loud(text) RETURNS boolean LANGUAGE plpgsql AS
		$$BEGIN RAISE WARNING 'loud %', $1; RETURN true; END$$;
	CREATE VIEW guarded WITH (security_barrier) AS SELECT * FROM parts_of WHERE name LIKE '%-2';});
sub asks
{
	my ($sql, $rows, $requests, $name) = @_;
	my $before = () = slurp_file($log) =~ /\n/g;
	is($node->safe_psql('postgres', "SET enable_hashjoin = off; SET enable_mergejoin = off; $sql"),
		$rows, $name);
	my $after = () = slurp_file($log) =~ /\n/g;
	is($after - $before, $requests, "$name: requests");
	return;
}
my ($a, $b) = map { $thing =~ s/1$/$_/r } 1, 2;
my $all = "SELECT thing_arn = '$a', color, name FROM parts_of";
my $order = 'ORDER BY 1, 2, 3';
asks("$all WHERE thing_arn = '$a' AND color = 'red' $order", "t|red|red-1\nt|red|red-2", 2,
	'one of each');
asks("$all WHERE thing_arn IN ('$a', '$b') AND color IN ('red', 'none') AND name LIKE '%1' $order",
	"f|red|red-1\nt|red|red-1", 6, 'each with each');
asks("$all WHERE (thing_arn = '$a' AND color = 'red') OR (thing_arn = '$b'
	AND color = 'blue') $order",
	"f|blue|blue-1\nf|blue|blue-2\nt|red|red-1\nt|red|red-2", 4, 'pairs in OR');
asks("$all WHERE thing_arn = '$a' AND color = ANY ('{red,blue}') AND color <> 'blue' $order",
	"t|red|red-1\nt|red|red-2", 2, 'a condition on what is asked');
asks("$all WHERE thing_arn = '$a' AND color IN ('red', 'blue')
	AND thing_arn <> color || 'x' LIMIT 1",
	't|red|red-1', 2, 'LIMIT: one list, one page ahead');
asks("$all WHERE thing_arn IS NULL AND color = 'red'", '', 0, 'never null');
asks("SELECT color, name FROM wishes JOIN parts_of ON thing_arn = thing AND color = wish",
	'', 0, 'no rows to join');
$node->safe_psql('postgres', "INSERT INTO wishes
	VALUES ('$a', 'red'), ('$b', 'none'), ('$a', 'red'), (NULL, 'red')");
asks("SELECT wish, name FROM wishes JOIN parts_of ON thing_arn = thing AND color = wish
	ORDER BY 1, 2",
	"red|red-1\nred|red-1\nred|red-2\nred|red-2", 3, 'both of one table');
asks("SELECT wish, name FROM wishes JOIN parts_of ON thing_arn = thing WHERE color = 'blue'
	ORDER BY 1, 2",
	"none|blue-1\nnone|blue-2\nred|blue-1\nred|blue-1\nred|blue-2\nred|blue-2", 4,
		'one of a table, one of the statement');
asks("SELECT w.wish, name FROM (VALUES ('$a'), ('$b')) AS v (arn)
	CROSS JOIN (SELECT DISTINCT wish FROM wishes OFFSET 0) w
	JOIN parts_of ON thing_arn = v.arn AND color = w.wish ORDER BY 1, 2",
	"red|red-1\nred|red-1\nred|red-2\nred|red-2", 6, 'of two tables');
$node->safe_psql('postgres', q{CREATE FOREIGN TABLE own (thing text OPTIONS (path '@thing_arn'),
	hue varchar(4) OPTIONS (path '@color'), part text OPTIONS (path 'name'))
	SERVER parts OPTIONS (operation 'ListParts', rows 'parts[]')});
asks("SELECT hue, part FROM own WHERE thing = '$a' AND hue IN ('red', 'blue') ORDER BY 1, 2",
	"blue|blue-1\nblue|blue-2\nred|red-1\nred|red-2", 4, 'a table of one\'s own');
like(attempt($node, "$all WHERE thing_arn = '$a'"),
	qr/^HV002 .*can be read by color only \|  \| Add WHERE color = '\.\.\.'/,
		'the second one is missing');
like(attempt($node, "$all WHERE color = 'red'"), qr/^HV002 .* by thing build version ARN only/,
	'the first one is missing');
like(attempt($node, "$all WHERE thing_arn = 'x' AND color = 'red'"), qr/^22023 /, 'no ARN');
like($node->safe_psql('postgres', "EXPLAIN $all WHERE thing_arn = '$a' AND color = 'red'"),
	qr/Image Builder Key: \(\(thing_arn = '[^']*'::text\) AND \(color = 'red'::text\)\)/,
	'EXPLAIN');
my (undef, undef, $warnings) = $node->psql('postgres',
	"SELECT name FROM guarded WHERE thing_arn = '$a' AND color = 'red' AND loud(color)");
is(() = $warnings =~ /loud red/g, 1, 'a security barrier: conditions see no more than its rows');
$stand_in->stop;

$node->stop;
$endpoint->stop;
done_testing();
