# Tables of another operation than GetImage: keys, errors, EXPLAIN, the cache and
# joins are those of the operation that the table asks.
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
set_up($node, $endpoint->url, options => "max_attempts '1'");
my $of_component = 'arn:aws:imagebuilder:us-east-1:123456789012:component';
my ($a, $b) = map { "$of_component/cis-hardening/$_/1" } '2.3.0', '2.4.0';
my $image = arn('golden-linux/2.0.0/1');
$node->safe_psql('postgres', "
	CREATE TABLE public.owned (id int, arn text);
	INSERT INTO owned VALUES (1, '$a'), (2, '$b'), (3, '$of_component/none/1.0.0/1'),
		(4, '$image'), (5, 'x'), (6, NULL)");

# A query of a component.
sub details_of
{
	my ($columns, $arn) = @_;
	return "SELECT $columns FROM component_details WHERE arn = '$arn'";
}

# What a statement returns, and which ARNs it asked for.
sub asked_by
{
	my ($query) = @_;
	$endpoint->reset_counters;
	my $rows = $node->safe_psql('postgres', $query);
	return ($rows, join ' ', sort keys %{ $endpoint->counters->{by_arn} });
}

# Name, query, rows, ARNs asked for.
for my $case (
	[ 'equality', details_of('name, state_status', $a), 'cis-hardening|DEPRECATED', $a ],
	[ 'a version, which answers with its newest build',
		details_of('build_version_arn', "$of_component/cis-hardening/2.x.x"),
		$b, "$of_component/cis-hardening/2.x.x" ],
	[ 'IN', "SELECT version FROM component_details WHERE arn IN ('$b', '$a', '$b')",
		"2.4.0\n2.3.0", "$a $b" ],
	[ 'OR and another condition',
		"SELECT version FROM component_details WHERE (arn = '$a' OR arn = '$b')
			AND state_status = 'ACTIVE'",
		'2.4.0', "$a $b" ],
	[ 'a sub-select', 'SELECT version FROM component_details
			WHERE arn = (SELECT arn FROM owned WHERE id = 1)', '2.3.0', $a ],
	[ 'a join: rows of other kinds find nothing',
		'SELECT id, version FROM owned LEFT JOIN component_details USING (arn) ORDER BY 1',
		"1|2.3.0\n2|2.4.0\n3|\n4|\n5|\n6|", join ' ', $a, $b, "$of_component/none/1.0.0/1" ],
	[ 'a member of the root, of an answer that has none',
		details_of('latest_version_arn IS NULL', $a), 't', $a ],
	[ 'a chain: which components of an image are deprecated',
		"SELECT c.name, d.state_reason FROM (SELECT component_arn,
			split_part(component_arn, '/', 2) AS name
			FROM components WHERE image_arn = '$image') c
		JOIN component_details d ON d.arn = c.component_arn WHERE d.state_status = 'DEPRECATED'",
		'cis-hardening|Replaced by 2.4.0.',
		join ' ', sort $image, $a, "$of_component/install-openssl/3.0.13/1",
		map { "arn:aws:imagebuilder:us-east-1:aws:component/$_/1" }
		  'update-linux/1.0.2', 'amazon-cloudwatch-agent-linux/1.0.1' ])
{
	my ($name, $query, $rows, $asked) = @$case;
	my ($got, $arns) = asked_by($query);
	is($got, $rows, "$name: rows");
	is($arns, $asked, "$name: ARNs asked for");
}

# Errors name what was asked for: name, key, the start of what it comes to.
my $form = 'arn:PARTITION:imagebuilder:REGION:ACCOUNT:component/NAME/VERSION';
for my $case (
	[ 'an image', $image, "22023 | \"$image\" is not the ARN of an Image Builder component |  | "
		. "A component's ARN has the form $form or $form/BUILD."
		. ' This one is for the table "images".' ],
	[ 'no ARN', 'x', '22023 | "x" is not the ARN of an Image Builder component | ' ],
	[ 'denied', "$of_component/fault-forbidden/1.0.0/1",
		"42501 | could not look up component \"$of_component/fault-forbidden/1.0.0/1\": "
		. 'the service denies access | ' ],
	[ 'throttled', "$of_component/fault-throttle/1.0.0/1",
		"53400 | could not look up component \"$of_component/fault-throttle/1.0.0/1\": "
		. 'the service is throttling' ],
	[ 'not JSON', "$of_component/fault-notjson/1.0.0/1",
		"HV00M | could not look up component \"$of_component/fault-notjson/1.0.0/1\": "
		. 'the answer is not a GetComponent response | ' ])
{
	my ($name, $key, $start) = @$case;
	my $outcome = attempt($node, details_of('name', $key));
	is(substr($outcome, 0, length $start), $start, $name);
}
like(attempt($node, details_of('name', "$of_component/fault-forbidden/1.0.0/1")),
	qr/The AWS identity needs the permission imagebuilder:GetComponent for this component\.$/,
	'the permission that is missing');
like(attempt($node, details_of('name', "$of_component/fault-throttle/1.0.0/1")),
	qr/Ask for fewer ARNs at a time/, 'and what throttling is about');
my $hint = qr{Add WHERE arn = 'arn:aws:imagebuilder:REGION:ACCOUNT:component/NAME/VERSION/BUILD'};
like(attempt($node, 'SELECT name FROM component_details'),
	qr/^HV002 \| foreign table "component_details" can be read by component ARN only \|  \| $hint/,
	'no key');
$endpoint->put("$of_component/image/1.0.0/1", '{"image": {"name": "x"}}');
like(attempt($node, details_of('name', "$of_component/image/1.0.0/1")),
	qr/^HV00M .* is not a GetComponent response .*not an object with a member "component"/,
	"another operation's answer");
$endpoint->put("$of_component/wrong/1.0.0/1", '{"component": {"name": "x", "encrypted": 1}}');
my $wrong = "$of_component/wrong/1.0.0/1";
like(attempt($node, details_of('encrypted', $wrong)),
	qr/^HV004 \| could not read column "encrypted" of component "\Q$wrong\E" \| Path "encrypted"/,
	'a value of the wrong type');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD on_error 'warning')");
my ($rc, $stdout, $stderr) = $node->psql('postgres',
	"SELECT version FROM component_details
		WHERE arn IN ('$image', '$of_component/fault-forbidden/1.0.0/1', '$a')");
is("$rc $stdout", '0 2.3.0', 'on_error: the others have their rows');
like($stderr,
	qr/WARNING:  "\Q$image\E" is not the ARN of .*WARNING:  could not look up component/s,
	'and these are warned of');
$node->safe_psql('postgres', 'ALTER SERVER aws OPTIONS (DROP on_error)');

# EXPLAIN, with and without execution.
my $explained = $node->safe_psql('postgres',
	'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' . details_of('name', $a));
like($explained,
	qr/Image Builder Operation: GetComponent\n.*Image Builder Key: .*\n.*Requests: 1\n/,
	'EXPLAIN ANALYZE');
$explained = $node->safe_psql('postgres',
	'EXPLAIN (COSTS OFF) SELECT i.name, d.name FROM owned o LEFT JOIN images i USING (arn)
		LEFT JOIN component_details d USING (arn)');
is(join(' ', sort $explained =~ /Operation: (\w+)/g), 'GetComponent GetImage',
	'EXPLAIN of a join of two');

# Two operations on one column: each is asked ahead, and neither has the other's answer.
my $both = 'SELECT o.id, i.name, d.version FROM owned o
	LEFT JOIN images i ON i.arn = o.arn LEFT JOIN component_details d ON d.arn = o.arn';
is((asked_by("$both ORDER BY 1"))[0],
	"1||2.3.0\n2||2.4.0\n3||\n4|golden-linux|\n5||\n6||", 'joined to both');
# One Read Ahead for each, or one that has both keys.
$node->safe_psql('postgres', "CREATE TABLE public.many AS
	SELECT CASE WHEN n % 2 = 0 THEN '$of_component/c' ELSE '" . arn('i') . "' END
		|| n || '/1.0.0/1' AS arn
	FROM generate_series(1, 40) n; ANALYZE many");
$endpoint->control('POST', 'latency?ms=100');
for my $read_ahead ('on', 'off')
{
	$endpoint->reset_counters;
	$node->safe_psql('postgres', "SET imagebuilder_fdw.enable_read_ahead = $read_ahead;
		SET enable_hashjoin = off; SET enable_mergejoin = off;
		SELECT count(*) FROM many o LEFT JOIN images i ON i.arn = o.arn
			LEFT JOIN component_details d ON d.arn = o.arn");
	my $most = $endpoint->counters->{max_in_flight};
	my %kinds = map { (split /[:\/]/)[5] => 1 } keys %{ $endpoint->counters->{by_arn} };
	is(join(' ', sort keys %kinds), 'component image', "read-ahead $read_ahead: both are asked");
	$read_ahead eq 'on' ? cmp_ok($most, '>=', 12, 'at once') : is($most, 1, 'one after another');
}
$endpoint->control('POST', 'latency?ms=0');

# The same ARN's answers of two operations do not meet in the cache, or in a statement.
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD cache_ttl '1min')");
my $query = details_of('version', $a);
$endpoint->reset_counters;
is($node->safe_psql('postgres', "$query; $query; SELECT cache_hits FROM imagebuilder_fdw_stats()"),
	"2.3.0\n2.3.0\n1", 'a component is kept');
is($endpoint->requests, 1, 'and asked for once');

# IMPORT brings it, and the functions know it.
is($node->safe_psql('postgres', "SELECT count(*) FROM information_schema.columns
	WHERE table_schema = 'imagebuilder' AND table_name = 'component_details'"),
	$node->safe_psql('postgres', "SELECT count(*) FROM imagebuilder_fdw_columns()
		WHERE table_name = 'component_details'"),
	'IMPORT FOREIGN SCHEMA');

$node->stop;
$endpoint->stop;
done_testing();
