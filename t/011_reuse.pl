# cache_ttl and cache_size: answers that serve later statements; and on_error,
# with which a report survives the images that fail.
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
my $image = arn('golden-linux/1.0.0/1');
my $other = arn('golden-linux/2.0.0/1');
my $query = "SELECT name FROM images WHERE arn = '$image'";

# Run a session's statements; returns its output and the requests it made.
sub requests_of
{
	my ($script) = @_;
	$endpoint->reset_counters;
	my $stdout = $node->safe_psql('postgres', $script);
	return ($stdout, $endpoint->requests);
}

is((requests_of("$query; $query; $query"))[1], 3, 'by default a statement asks anew');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD cache_ttl '1min')");
my ($rows, $requests) = requests_of("$query; SELECT count(*) FROM amis WHERE image_arn = '$image';
	$query; SELECT requests, cache_hits FROM imagebuilder_fdw_stats()");
is($requests, 1, 'with cache_ttl once a session');
is($rows, "golden-linux\n6\ngolden-linux\n1|2", 'and what is kept is whole');
is((requests_of($query))[1], 1, 'another session asks anew');
like((requests_of("$query; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $query"))[0],
	qr/Image Builder Requests: 0\n.*Image Builder Cache Hits: 1\n/, 'EXPLAIN counts a hit');
is((requests_of("$query; SELECT imagebuilder_fdw_clear_cache(); $query"))[1], 2,
	'imagebuilder_fdw_clear_cache()');
is((requests_of("$query; ALTER SERVER aws OPTIONS (ADD max_attempts '4'); $query;
	ALTER SERVER aws OPTIONS (DROP max_attempts)"))[1], 2, 'ALTER SERVER drops it');
is((requests_of("$query; ALTER USER MAPPING FOR CURRENT_USER SERVER aws
	OPTIONS (SET access_key_id 'AKIDEXAMPLE'); $query"))[1], 2, 'ALTER USER MAPPING drops it');

# In another session, too.
my $session = $node->background_psql('postgres');
$session->query($query);
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD max_attempts '4')");
$endpoint->reset_counters;
$session->query($query);
is($endpoint->requests, 1, 'ALTER SERVER in another session drops it');

# A configuration, which may hold secrets, is kept once, and no longer than it is used.
my $kept = "SELECT count(*) FROM pg_backend_memory_contexts
	WHERE name = 'imagebuilder_fdw configuration'";
is($session->query("SELECT count(*) FROM images a, images b
	WHERE a.arn = '$image' AND b.arn = '$other'; $kept") =~ s/\n/ /r, '1 1',
	'scans share a configuration, and earlier ones are freed');
$session->query("BEGIN; DECLARE c CURSOR FOR $query UNION ALL $query; FETCH c;
	ALTER SERVER aws OPTIONS (SET max_attempts '3')");
is($session->query("$query; $kept; FETCH c") =~ s/\n/ /gr, 'golden-linux 2 golden-linux',
	'a cursor keeps the earlier one');
is($session->query("ROLLBACK; $query; $kept") =~ s/\n/ /gr, 'golden-linux 1',
	'and its end frees that');
$session->quit;

# Options that are rolled back, in a transaction or a part of one, do not stay.
my $unreachable = "ALTER SERVER aws OPTIONS (SET endpoint_url 'http://127.0.0.1:1')";
for ([ 'BEGIN', 'ROLLBACK' ], [ 'BEGIN; SAVEPOINT s', 'ROLLBACK TO s; COMMIT' ])
{
	my ($begin, $end) = @$_;
	is((requests_of("$query; $begin; $unreachable; SELECT attempt(\$a\$$query\$a\$) LIKE '08001%';
		$end; $query"))[0], "golden-linux\nt\ngolden-linux", "ALTER SERVER, then $end");
}

# Neither failures nor missing images are kept, nor anything too old.
my $missing = "SELECT count(*) FROM images WHERE arn = '" . arn('none/1.0.0/1') . "'";
is((requests_of("$missing; $missing"))[1], 2, 'a missing image is not kept');
my $failing = 'SELECT attempt($a$' . name_query('fault-forbidden-1/1.0.0/1') . '$a$)';
($rows, $requests) = requests_of("$failing; $failing; $failing");
is("$requests $rows" =~ s/42501 [^\n]*/42501/r, "2 42501\nfound golden-linux\nfound golden-linux",
	'a failure is not kept');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (SET cache_ttl '300ms')");
$session = $node->background_psql('postgres');
$endpoint->reset_counters;
ok((wait_until { $session->query($query); $endpoint->requests >= 2 } 'the answer is too old'),
	'nothing too old is used');
$session->quit;

# Users do not share.
$node->safe_psql('postgres', "
	ALTER SERVER aws OPTIONS (SET cache_ttl '1min');
	CREATE ROLE analyst;
	GRANT USAGE ON SCHEMA imagebuilder TO analyst;
	GRANT SELECT ON ALL TABLES IN SCHEMA imagebuilder TO analyst;
	CREATE USER MAPPING FOR analyst SERVER aws OPTIONS (access_key_id 'AKIAFORBIDDENEXAMPLE',
		secret_access_key 'forbiddenSecret/EXAMPLE+KEY0000000000000')");
like((requests_of("$query; SET ROLE analyst; SELECT attempt(\$a\$$query\$a\$)"))[0],
	qr/\n42501 /, 'another user does not see it');

# cache_size bounds it; what was used longest ago goes first.
my $size = length slurp_file("$SOURCE/t/endpoint/fixtures/GetImage/golden-linux-2.0.0-1.json");
my $second = "SELECT name FROM images WHERE arn = '$other'";
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD cache_size '" . ($size + 6000) . "B')");
is((requests_of("$query; $query"))[1], 1, 'one is kept');
my $third = name_query('minimal/1.0.0/1');
is((requests_of("$query; $second; $query; $second"))[1], 4, 'two are too many');
is((requests_of("$third; $query; $third; $third"))[1], 2, 'two that are small enough are not');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (SET cache_size '1kB')");
is((requests_of("$query; $query"))[1], 2, 'one is too large');

# on_error
my @arns = (arn('fault-forbidden/1.0.0/1'), $image, 'no ARN', arn('none/1.0.0/1'),
	arn('fault-notjson/1.0.0/1'), $other);
my $report = "SELECT arn FROM images WHERE arn IN " . in_list(@arns);
like(attempt($node, $report), qr/^22023 /, 'an error without on_error');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD on_error 'warning')");
my ($rc, $stdout, $stderr) = $node->psql('postgres', "\\set VERBOSITY verbose\n$report");
is($stdout, "$image\n$other", 'on_error: the rows of those that do not fail');
my @warnings = $stderr =~ /WARNING:  (\w+): /g;
is("@warnings", '22023 42501 HV00M', 'on_error: a warning for each that does, with its SQLSTATE');
($rc, $stdout, $stderr) = $node->psql('postgres', "SELECT count(*) FROM images i
	JOIN amis a ON a.image_arn = i.arn JOIN generate_series(1, 3) g ON true
	WHERE i.arn = '$arns[0]'");
is(scalar(() = $stderr =~ /WARNING/g), 1, 'on_error: one warning a statement');
$stderr = ($node->psql('postgres',
	"SET statement_timeout = '300ms'; " . name_query('fault-hang/1.0.0/1')))[2];
like($stderr, qr/ERROR:  canceling statement due to statement timeout/,
	'on_error: a cancel is an error');

$endpoint->stop;
done_testing();
