# Lists without an ARN: what the server's Region has, as the account of the user mapping.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;
use TestStandIn;

my $endpoint = TestEndpoint->new;
my $node = new_cluster('main');
my $url = $endpoint->url;
set_up($node, $url, options => "region 'us-east-1', sts_endpoint_url '$url', max_attempts '1'");
sub alter_server { $node->safe_psql('postgres', "ALTER SERVER aws OPTIONS ($_[0])"); return }

# Requests of what kind were sent since the last reset, without those to STS.
sub sent
{
	my $by = $endpoint->counters->{by_request};
	return join ', ', map { "$_ x $by->{$_}" } sort map { s/(\S+ \S+) \S+$/$1 page/r } keys %$by
	  if $_[0];
	my $sum = 0;
	$sum += $_ for values %$by;
	return $sum;
}

# A statement, its result, and how many requests it sends.
sub asks
{
	my ($name, $sql, $result, $requests) = @_;
	$endpoint->reset_counters;
	is(attempt($node, $sql), $result, $name);
	is(sent(), $requests, "$name: requests");
	return;
}

# ---- what is listed

asks('versions', 'SELECT count(*) FROM image_versions', 'found 29', 2);
asks('builds', 'SELECT count(*) FROM image_builds', 'found 30', 2);
asks('AMIs of builds', 'SELECT count(*), min(ordinal) FROM image_build_amis', 'found 43', 2);
asks('shared images', "SELECT count(*) FROM shared_image_versions WHERE ownership = 'Amazon'",
	'found 30', 2);
asks('of several owners', "SELECT string_agg(o || ' ' || n, ', ' ORDER BY o) FROM
	(SELECT ownership, count(*) FROM shared_image_versions WHERE ownership IN
	 ('Amazon', 'Shared', 'AWSMarketplace') GROUP BY 1) AS x (o, n)",
	 'found Amazon 30, Shared 2', 4);
asks('owners of a table', "SELECT count(*) FROM (VALUES ('Shared'), ('ThirdParty'), (NULL)) AS v (o)
	JOIN shared_image_versions ON ownership = o", 'found 3', 2);
asks('tables of builds share their pages', 'SELECT count(*) FROM image_builds b
	JOIN image_build_amis a ON a.image_arn = b.arn
	LEFT JOIN image_build_containers c ON c.image_arn = b.arn', 'found 45', 2);
asks('as do one\'s own images', "SELECT (SELECT count(*) FROM image_versions)
	+ (SELECT count(*) FROM shared_image_versions WHERE ownership = 'Self')", 'found 58', 2);
asks('LIMIT 1', 'SELECT 1 FROM image_builds LIMIT 1', 'found 1', 2);
asks('a list is taken once, to be joined', 'SELECT count(*) FROM image_builds b
	JOIN image_builds o ON o.name = b.name AND o.arn <> b.arn', 'found 400', 2);
alter_server("ADD cache_ttl '1h'");
asks('lists are not kept', 'SELECT count(*) FROM image_builds', 'found 30', 2) for 1, 2;
alter_server('DROP cache_ttl');
is($node->safe_psql('postgres', 'EXPLAIN (COSTS OFF) SELECT arn FROM image_versions'),
	"Foreign Scan on image_versions\n  Image Builder Operation: ListImages", 'EXPLAIN');
like($node->safe_psql('postgres', "EXPLAIN SELECT arn FROM shared_image_versions
	WHERE ownership = 'Shared'"),
	qr/Operation: ListImages:shared\n +Image Builder Key: \(ownership = 'Shared'::text\)/,
	'EXPLAIN shows the entry and its key');
like($node->safe_psql('postgres', "EXPLAIN SELECT c.component_arn FROM image_build_amis b
	JOIN components c ON c.image_arn = b.image_arn WHERE b.ami_id = 'ami-1'"),
	qr/Read Ahead.*ListImageBuildVersions.*GetImage/s, 'a list once, then look-ups ahead');

$node->safe_psql('postgres', q{CREATE FOREIGN TABLE tags_of_builds (region text
	OPTIONS (path '@region'),
	build text OPTIONS (path '^arn'), key text OPTIONS (path '@key'), value text OPTIONS (path '.'))
	SERVER aws OPTIONS (operation 'ListImageBuildVersions', rows 'imageSummaryList[].tags{}')});
asks('a table of one\'s own', "SELECT count(DISTINCT build) > 5, min(region) FROM tags_of_builds
	WHERE key = 'Name'", 'found true', 2);
asks('and its Region', "SELECT count(*) FROM tags_of_builds WHERE region = 'x'", 'found 0', 0);
like(attempt($node, "CREATE FOREIGN TABLE x (a text) SERVER aws
	OPTIONS (operation 'GetImage', table_name 'amis')"),
	qr/^22023 \| options "table_name" and "operation" cannot be set together/,
		'a table is the schema\'s or one\'s own');

# ---- conditions on Region and account choose before anything is sent

$node->safe_psql('postgres', q{CREATE TABLE places (r text); INSERT INTO places
	VALUES ('eu-west-1');
	CREATE FUNCTION seen(text) RETURNS boolean LANGUAGE plpgsql AS
		$$BEGIN RAISE WARNING 'seen %', $1; RETURN true; END$$;
	CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM image_versions WHERE name = 'none';
	CREATE VIEW mine AS SELECT arn, region FROM image_versions});
for my $case (
	[ "region = 'us-east-1'", 29 ], [ "'us-east-1' = region", 29 ], [ "region LIKE 'us-%'", 29 ],
	[ "region IN ('us-east-1', 'x')", 29 ], [ "region = ANY (ARRAY(SELECT 'us-east-1'))", 29 ],
	[ "account_id = '123456789012'", 29 ], [ "account_id || region = '123456789012us-east-1'", 29 ],
	[ "region IS NOT NULL", 29 ], [ "(region = 'eu-west-1' OR account_id LIKE '12%')", 29 ],
	map { [ $_, 0 ] } "region = 'eu-west-1'", "region <> 'us-east-1'", "region IS NULL",
	"NOT region LIKE 'us-%'", "account_id = '210987654321'", "account_id > '2'",
	"region = (SELECT r FROM places)", "region = ANY (ARRAY(SELECT r FROM places))",
	"(region, account_id) = ('us-east-1', '1')", "(region = 'eu-west-1' OR account_id IS NULL)",
	"region = NULL", "length(region) > 20", "false")
{
	my ($condition, $rows) = @$case;
	asks($condition, "SELECT count(*) FROM image_versions WHERE $condition", "found $rows",
		$rows ? 2 : 0);
}
asks('from an outer row', 'SELECT count(v.arn) FROM places p
	LEFT JOIN LATERAL (SELECT arn FROM image_versions WHERE region = p.r OFFSET 0) v ON true',
	'found 0', 0);
asks('in a CTE', "WITH v AS MATERIALIZED (SELECT * FROM image_versions) SELECT count(*) FROM v
	WHERE region = 'eu-west-1'", 'found 0', 2);
asks('a volatile one is of rows', "SELECT count(*) FROM image_versions
	WHERE region = 'eu-west-1' OR random() > 2", 'found 0', 2);
asks('of a view', "SELECT count(*) FROM mine WHERE region = 'eu-west-1'", 'found 0', 0);
my (undef, undef, $warnings) = $node->psql('postgres', 'SELECT * FROM barrier WHERE seen(region)');
unlike($warnings, qr/seen/, 'nothing is shown that a security barrier hides');

# ---- the scope

alter_server("SET region 'ap-south-1'");
asks('a Region with nothing', 'SELECT count(*) FROM image_builds', 'found 0', 1);
alter_server("SET region 'eu-west-1'");
asks('another Region', "SELECT string_agg(DISTINCT concat_ws(' ', region, account_id), ',')
	FROM image_builds", 'found eu-west-1 123456789012', 1);
alter_server('DROP region');
asks('no Region', 'SELECT 1 FROM image_builds',
	'HV002 | server "aws" has no Region to list |  | Set the server\'s option "region".', 0);
asks('no Region, but no rows either', 'SELECT 1 FROM image_builds WHERE false', 'nothing', 0);
asks('no Region, but nothing to ask for',
	'SELECT 1 FROM shared_image_versions WHERE ownership IS NULL', 'nothing', 0);
alter_server("ADD region 'us-east-1'");
asks('no owner', 'SELECT 1 FROM shared_image_versions',
	'HV002 | foreign table "shared_image_versions" can be read by ownership only |  | '
	. "Add WHERE ownership = '...', or join on that column. "
	. 'The values are Self, Shared, Amazon, ThirdParty and AWSMarketplace.', 0);
set_mapping($node, "$KEYS, role_arn 'arn:aws:iam::{account}:role/Reader'");
like(attempt($node, 'SELECT 1 FROM image_builds'),
	qr/^HV002 \| the user mapping's role is of no account to list \|  \| .*"\{account\}"/,
		'{account}');
set_mapping($node, $KEYS);

# ---- failures

$endpoint->control('POST', 'disabled?regions=us-east-1');
like(attempt($node, 'SELECT 1 FROM image_versions'),
	qr/^28000 \| could not list images in Region "us-east-1": .* the Region may not be enabled/,
	'a Region that is not enabled');
$endpoint->control('POST', 'disabled?regions=');
for my $case (
	[ 'fault-e501', 'image_builds',
		qr/^08006 \| could not list image builds in Region "us-east-1": / ],
	[ 'fault-forbidden', 'image_versions',
		qr/^42501 .* needs the permission imagebuilder:ListImages\.$/ ],
	[ 'page2-fault-e501-list-60', 'image_versions',
		qr/^08006 \| could not list page 2 of images in Region "us-east-1": / ],
	[ 'fault-throttle', 'image_versions', qr/^53400 \| could not list images / ],
	[ 'fault-close', 'image_versions', qr/^08006 \| could not list images / ],
	[ 'fault-html', 'image_versions',
		qr/^HV00M \| could not list images .*not a ListImages response/ ])
{
	my ($name, $table, $outcome) = @$case;
	$endpoint->control('POST', "name?region=us-east-1&name=$name");
	like(attempt($node, "SELECT count(arn) FROM $table"), $outcome, $name);
}
for my $name ('fault-hang', 'page2-fault-hang-list-60')
{
	$endpoint->control('POST', "name?region=us-east-1&name=$name");
	my (undef, undef, $error) = $node->psql('postgres',
		"SET statement_timeout = '1s'; SELECT count(arn) FROM image_versions");
	like($error, qr/canceling statement due to statement timeout/, "$name: a time-out ends it");
}
alter_server("ADD on_error 'warning'");
$endpoint->control('POST', 'name?region=us-east-1&name=page2-fault-e501-list-60');
my ($rc, $out, $err) = $node->psql('postgres', 'SELECT count(*) FROM image_versions');
is($out, 25, 'on_error: the rows before the page that failed');
like($err, qr/WARNING:  could not list page 2 of images in Region "us-east-1"/, 'and a WARNING');
alter_server('DROP on_error');
$endpoint->control('POST', 'name?region=us-east-1&name=list-1000');
asks('many pages', 'SELECT count(*), count(DISTINCT arn) FROM image_versions', 'found 1000', 40);
$endpoint->control('POST', 'name?region=us-east-1&name=');
$node->safe_psql('postgres', "CREATE SERVER down FOREIGN DATA WRAPPER imagebuilder_fdw
	OPTIONS (endpoint_url 'http://127.0.0.1:1', region 'us-east-1', max_attempts '1');
	CREATE USER MAPPING FOR CURRENT_USER SERVER down OPTIONS ($KEYS);
	CREATE FOREIGN TABLE down (arn text) SERVER down OPTIONS (table_name 'image_versions')");
like(attempt($node, 'SELECT arn FROM down'),
	qr/^08001 \| could not list images .*endpoint_url/, 'nobody listens');

# What is always sent is sent.
my $log = PostgreSQL::Test::Utils::tempdir() . '/log';
my $stand_in = TestStandIn->start_program('parts.py', '--log', $log);
$node->safe_psql('postgres', "ALTER SERVER down OPTIONS (SET endpoint_url '@{[$stand_in->url]}')");
like(attempt($node, 'SELECT arn FROM down'), qr/^HV00M /, 'an answer of another operation');
is(slurp_file($log), qq({"owner": "Self", "maxResults": 25}\n), 'the body of ListImages');
$stand_in->stop;

# ---- imagebuilder_fdw.max_requests

sub limited
{
	my ($limit, $sql) = @_;
	return attempt($node, "SET LOCAL imagebuilder_fdw.max_requests = $limit; $sql");
}
my $may = qr/the statement may send no more than (1 request|\d+ requests)/;
my $too_many = qr/^54000 \| could not .*: $may \|  \| .*max_requests/;
is(limited(2, 'SELECT count(*) FROM image_builds'), 'found 30', 'as many requests as may be');
like(limited(1, 'SELECT count(*) FROM image_builds'), $too_many, 'a page more');
like(limited(4, 'SELECT count(*) FROM image_builds b JOIN images i ON i.arn = b.arn'), $too_many,
	'a join');
my $many = join "','", map { arn("x$_/1.0.0/1") } 1 .. 20;
$endpoint->reset_counters;
like(limited(5, "SELECT name FROM images WHERE arn IN ('$many')"), $too_many, 'a list of ARNs');
is(sent(), 5, 'no more are sent');
(undef, $out) = $node->psql('postgres', "SET imagebuilder_fdw.max_requests = 5;
	SELECT name FROM images WHERE arn IN ('$many');
	SELECT requests, errors FROM imagebuilder_fdw_stats()", on_error_stop => 0);
is($out, '5|0', 'what is not sent is no error of the statistics');
$node->safe_psql('postgres', "CREATE TABLE steps (id int, arn text);
	CREATE TABLE last_step (id int);
	INSERT INTO steps SELECT i, '@{[arn('golden-linux/1.0.0/1')]}' || repeat('0', 11 - i)
		FROM generate_series(1, 11) i;
	INSERT INTO last_step VALUES (11); ANALYZE steps, last_step");
is(limited(1, 'SELECT string_agg(i.name, \',\') FROM steps s CROSS JOIN LATERAL (SELECT i.name
	FROM last_step l
	CROSS JOIN LATERAL (SELECT name FROM images WHERE arn = s.arn OFFSET 0) i
		WHERE l.id = s.id OFFSET 0) i'),
	'found golden-linux', 'look-ups ahead that are withdrawn count for nothing');
alter_server("ADD on_error 'warning'");
like(limited(1, 'SELECT count(*) FROM image_builds'), $too_many, 'with on_error, too');
alter_server("DROP on_error");
(undef, undef, $err) = $node->psql('postgres', "LOAD 'imagebuilder_fdw';
	SET imagebuilder_fdw.max_requests = -1");
like($err, qr/outside the valid range/, 'not below 0');

# ---- the questions

$node->safe_psql('postgres', q{
	CREATE FUNCTION public.imagebuilder_version(version text) RETURNS int[] LANGUAGE sql IMMUTABLE
		AS $$SELECT string_to_array(replace(version, '/', '.'), '.')::int[]$$;
	CREATE SCHEMA copy;
	CREATE TABLE copy.image_builds AS SELECT * FROM image_builds;
	CREATE TABLE copy.image_build_amis AS SELECT * FROM image_build_amis;
	CREATE TABLE copy.components AS SELECT * FROM components
		WHERE image_arn IN (SELECT arn FROM copy.image_builds);
	CREATE TABLE copy.distributions AS SELECT * FROM distributions
		WHERE image_arn IN (SELECT arn FROM copy.image_builds);
	CREATE TABLE copy.workflow_executions AS SELECT * FROM workflow_executions
		WHERE image_arn IN (SELECT arn FROM copy.image_builds);
	CREATE TABLE copy.image_packages AS SELECT p.* FROM copy.image_builds b
		JOIN image_packages p ON p.image_arn = b.arn WHERE b.state_status = 'AVAILABLE'});
my $building = "'PENDING', 'CREATING', 'BUILDING', 'TESTING', 'DISTRIBUTING', 'INTEGRATING'";
my $available = "(SELECT count(*) FROM copy.image_builds WHERE state_status = 'AVAILABLE')";
my $ami = '(SELECT min(a.ami_id) FROM copy.image_build_amis a
	JOIN copy.components USING (image_arn))';
# Number, the question, the least requests beside the pages of builds.
for my $case (
	[ 1, "SELECT DISTINCT ON (region, account_id, name)
	region, account_id, name, version, arn, date_created
FROM image_builds WHERE state_status = 'AVAILABLE'
ORDER BY region, account_id, name, imagebuilder_version(version) DESC", '0' ],
	[ 3, "SELECT b.image_arn, c.component_arn
FROM image_build_amis b JOIN components c ON c.image_arn = b.image_arn
WHERE b.ami_id = $ami",
		"(SELECT count(DISTINCT image_arn) FROM copy.image_build_amis WHERE ami_id = $ami)" ],
	[ 5, "SELECT b.name, b.version, b.state_status,
	w.type, w.status, w.total_steps_succeeded, w.total_step_count
FROM image_builds b LEFT JOIN workflow_executions w ON w.image_arn = b.arn
WHERE b.state_status IN ($building)",
		"(SELECT count(*) FROM copy.image_builds WHERE state_status IN ($building))" ],
	[ 8, "SELECT b.name, b.version, p.package_version
FROM image_builds b JOIN image_packages p ON p.image_arn = b.arn
WHERE b.state_status = 'AVAILABLE' AND p.package_name = 'openssl'",
		"$available + (SELECT sum((n - 1) / 25) FROM (SELECT count(*) FROM copy.image_packages
			GROUP BY image_arn) AS p (n))" ],
	[ 13, "SELECT b.arn, d.region, d.launch_permission_user_groups, d.launch_permission_user_ids
FROM image_builds b JOIN distributions d ON d.image_arn = b.arn
WHERE b.state_status = 'AVAILABLE'
  AND ('all' = ANY (d.launch_permission_user_groups)
	OR cardinality(d.launch_permission_user_ids) > 0)",
		$available ],
	[ 16, "SELECT arn FROM image_builds WHERE (tags ? 'CostCenter') IS NOT TRUE", '0' ])
{
	my ($number, $question, $more) = @$case;
	my $sorted = "SELECT * FROM ($question) q ORDER BY q::text";
	my $least = $node->safe_psql('postgres', "SELECT 2 + $more");
	my $expected = $node->safe_psql('postgres', "SET search_path = copy, public; $sorted");
	isnt($expected, '', "question $number has rows");
	$endpoint->reset_counters;
	is($node->safe_psql('postgres', $sorted), $expected, "question $number");
	is(sent(), $least, "question $number: requests") or diag(sent(1));
}

$node->stop;
$endpoint->stop;
done_testing();
