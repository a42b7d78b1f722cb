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

needs('gcc', 'make');
my $dir = PostgreSQL::Test::Utils::tempdir();
my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
mkdir "$dir/build" or die $!;
system_or_bail('cp', '-R', (map { "$SOURCE/$_" } qw(Makefile imagebuilder_fdw.control src)),
	glob("$SOURCE/*.sql"), $dir);
system_or_bail('find', $dir, '-name', '*.o', '-delete');
my $log;
my @make = ('make', '-s', '-j2', '-C', $dir, "PG_CONFIG=$pg_config",
	"COPT=-DAPI_EXTRA='\"$SOURCE/t/build/extra.inc\"'", 'imagebuilder_fdw.so');
ok(IPC::Run::run(\@make, '>', \$log, '2>&1'), 'it builds') or diag($log);

# No backend must have both libraries: the extension itself is not there.
my $endpoint = TestEndpoint->new;
my $node = new_cluster('main', without_extension => 1);
my $script = slurp_file("$SOURCE/imagebuilder_fdw--1.0.sql");
$script =~ s/^\\.*//mg;
$script =~ s/MODULE_PATHNAME/$dir\/imagebuilder_fdw/g;
$node->safe_psql('postgres', $script);
set_up($node, $endpoint->url, options => "max_attempts '1'");

my $thing = 'arn:aws:imagebuilder:us-east-1:123456789012:thing/a/1.0.0/1';
$endpoint->control('PUT', 'operation?name=GetThing&path=/GetThing&parameter=thingArn&kind=thing:build&member=thing');
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
	qr/can be read by thing build version ARN only \|  \| Add WHERE thing_arn = '[^']*thing\/NAME/, 'no key');
like(attempt($node, "$parts WHERE thing_arn = '" . arn('golden-linux/1.0.0/1') . "'"),
	qr/^22023 .* is not the ARN of an Image Builder thing build version \|/, 'an ARN of another type');
like(attempt($node, "$parts WHERE thing_arn = '" . $thing =~ s/1$/2/r . "'"), qr/^nothing/,
	'what does not exist');
my $golden = arn('golden-linux/1.0.0/1');
is($node->safe_psql('postgres', "SELECT name FROM images WHERE arn = '$golden'"),
	'golden-linux', 'the others are as they were');

$node->stop;
$endpoint->stop;
done_testing();
