# pg_dump and a restore keep server, mapping, tables and paths of the user's own,
# and what doc/operations.md says of them, and of materialized views.
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
set_up($node, $endpoint->url, options => "region 'us-east-1', max_attempts '3',
	request_timeout '30s', max_response_size '16MB'");
my $image = arn('golden-linux/1.0.0/1');
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE public.targets (
		image_arn text, region text OPTIONS (path 'region'), "Größe" jsonb OPTIONS (path '^#'),
		item jsonb OPTIONS (path '.')
	) SERVER aws OPTIONS (rows 'image.outputResources.amis[]');
	CREATE VIEW public.newest AS SELECT name, version FROM images WHERE arn = '}
	  . arn('golden-linux/x.x.x') . q{';
});
my $query = "SELECT (SELECT to_jsonb(i) FROM images i WHERE arn = '$image'),
	(SELECT jsonb_agg(t) FROM targets t WHERE image_arn = '$image'), (SELECT n FROM newest n),
	(SELECT array_agg(o ORDER BY o) FROM pg_foreign_server, unnest(srvoptions) o),
	(SELECT umoptions FROM pg_user_mappings)";
my $before = $node->safe_psql('postgres', $query);
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-f', $dump,
	$node->connstr('restored') ], 'restore');
$node->safe_psql('restored', 'ALTER DATABASE restored SET search_path = imagebuilder, public');
is($node->safe_psql('restored', $query), $before, 'the same rows and options');

my $again = PostgreSQL::Test::Utils::tempdir() . '/again.sql';
$node->command_ok([ 'pg_dump', '-f', $again, $node->connstr('restored') ],
	'pg_dump of what was restored');
my ($first, $second) = map { slurp_file($_) =~ s/^\\(un)?restrict .*\n//gmr } $dump, $again;
is($second, $first, 'and the same dump');

# What a dump holds, and cannot hold.
like(slurp_file($dump), qr/secret_access_key 'wJalrXUtnFEMI/, 'a dump has the keys in clear');
my ($stdout, $stderr) = ('', '');
IPC::Run::run([ 'pg_dump', '--include-foreign-data=aws', $node->connstr('postgres') ],
	'>', \$stdout, '2>', \$stderr);
like($stderr, qr/can be read by (image|component) ARN only/, 'pg_dump cannot have the rows');

# A restore refreshes materialized views, and so asks.
$node->safe_psql('postgres', "
	CREATE TABLE public.wanted AS SELECT '$image' AS arn;
	CREATE MATERIALIZED VIEW public.kept AS SELECT i.name FROM wanted JOIN images i USING (arn)");
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ],
	'pg_dump of a materialized view');
$node->safe_psql('postgres', 'CREATE DATABASE refreshed');
$endpoint->reset_counters;
$node->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-f', $dump,
	$node->connstr('refreshed') ], 'restore of a materialized view');
is($endpoint->requests, 1, 'a restore sends requests');
is($node->safe_psql('refreshed', 'SELECT name FROM public.kept'), 'golden-linux',
	'and has the rows');

# A refresh has no rows of what fails, unless that is an error.
my $failing = arn('fault-forbidden/1.0.0/1');
$node->safe_psql('postgres', "UPDATE public.wanted SET arn = '$failing'");
isnt(($node->psql('postgres', 'REFRESH MATERIALIZED VIEW public.kept'))[0], 0, 'a refresh fails');
is($node->safe_psql('postgres', 'SELECT name FROM public.kept'), 'golden-linux',
	'and the rows stay');
$node->psql('postgres', "ALTER SERVER aws OPTIONS (ADD on_error 'warning')");
$node->psql('postgres', 'REFRESH MATERIALIZED VIEW public.kept');
is($node->safe_psql('postgres', 'SELECT name FROM public.kept'), '',
	'but go under on_error = warning');

$endpoint->stop;
done_testing();
