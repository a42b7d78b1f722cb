# pg_dump and a restore keep server, mapping, tables and paths of the user's own.
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
set_up($node, $endpoint->url, options => "region 'us-east-1', max_attempts '3', request_timeout '30s', max_response_size '16MB'");
my $image = arn('golden-linux/1.0.0/1');
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE public.targets (
		image_arn text, region text OPTIONS (path 'region'), "Größe" jsonb OPTIONS (path '^#'), item jsonb OPTIONS (path '.')
	) SERVER aws OPTIONS (rows 'image.outputResources.amis[]');
	CREATE VIEW public.newest AS SELECT name, version FROM images WHERE arn = '} . arn('golden-linux/x.x.x') . q{';
});
my $query = "SELECT (SELECT to_jsonb(i) FROM images i WHERE arn = '$image'), (SELECT jsonb_agg(t) FROM targets t WHERE image_arn = '$image'),
	(SELECT n FROM newest n), (SELECT array_agg(o ORDER BY o) FROM pg_foreign_server, unnest(srvoptions) o), (SELECT umoptions FROM pg_user_mappings)";
my $before = $node->safe_psql('postgres', $query);
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'restore');
$node->safe_psql('restored', 'ALTER DATABASE restored SET search_path = imagebuilder, public');
is($node->safe_psql('restored', $query), $before, 'the same rows and options');

my $again = PostgreSQL::Test::Utils::tempdir() . '/again.sql';
$node->command_ok([ 'pg_dump', '-f', $again, $node->connstr('restored') ], 'pg_dump of what was restored');
my ($first, $second) = map { slurp_file($_) =~ s/^\\(un)?restrict .*\n//gmr } $dump, $again;
is($second, $first, 'and the same dump');

$endpoint->stop;
done_testing();
