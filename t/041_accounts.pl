# Columns with the paths @region and @account: where, and as whom, the rows were asked
# for.  Only STS knows the account of keys, and is asked once an identity and session.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;
use TestIdentity;

my $identity = TestIdentity->new;
my $endpoint = TestEndpoint->new('--issued', $identity->{issued});
my $dir = PostgreSQL::Test::Utils::tempdir();
my $node;
new_cluster('main', start => sub {
	($node) = @_;
	$identity->start($node, $dir,
		AWS_CONTAINER_CREDENTIALS_FULL_URI => $identity->url('container') . '/credentials');
});
my $sts = $identity->url('sts');
set_up($node, $endpoint->url,
	options => "sts_endpoint_url '$sts', max_attempts '2', region 'us-east-1'");

sub of
{
	my ($account, $region) = @_;
	return 'arn:aws:imagebuilder:' . ($region // 'us-east-1') . ":$account:image/list-2/1.0.0/1";
}

# A query for the accounts and Regions of all rows of these ARNs.
sub query
{
	my $arns = join ',', map { "'$_'" } @_;
	return "SELECT string_agg(DISTINCT concat_ws(' ', account_id, region), ', ')
		FROM workflow_executions WHERE image_arn IN ($arns)";
}
my $plain = "SELECT string_agg(region, ' ') FROM workflow_executions WHERE image_arn = '"
	. of('123456789012') . "'";
my $query = query(of('222233334444'));
sub asked { return $identity->counters->{actions}{GetCallerIdentity} // 0 }

# ---- whose account

# Name, mapping, ARNs, accounts and Regions, requests to STS for them.
my $role = 'arn:aws:iam';
for my $case (
	[ 'keys', '', [ of('222233334444') ], '123456789012 us-east-1', 1 ],
	[ 'keys, two ARNs', '', [ of('222233334444'), of('333344445555', 'eu-west-1') ],
		'123456789012 eu-west-1, 123456789012 us-east-1', 1 ],
	[ 'a role', ", role_arn '$role\::777788889999:role/Reader'",
		[ of('222233334444'), of('aws') ], '777788889999 us-east-1', 0 ],
	[ 'a role in each account', ", role_arn '$role\::{account}:role/Reader'",
		[ of('222233334444'), of('333344445555') ],
		'222233334444 us-east-1, 333344445555 us-east-1', 0 ],
	[ 'a role of that name for each account', ", role_arn '$role\::777788889999:role/R-{account}'",
		[ of('222233334444') ], '777788889999 us-east-1', 0 ],
	[ 'an ARN without an account number', ", role_arn '$role\::{account}:role/Reader'",
		[ of('222233334444'), of('aws') ],
		'123456789012 us-east-1, 222233334444 us-east-1', 1 ])
{
	my ($name, $mapping, $arns, $result, $requests) = @$case;
	for my $format ('json', 'xml')
	{
		$identity->reset_to(format => $format);
		set_mapping($node, $KEYS . $mapping);
		is(attempt($node, query(@$arns)), "found $result", "$name, answered in $format");
		is(asked(), $requests, "$name: requests to STS");
	}
}
$identity->reset_to;
set_mapping($node, "credential_provider 'container'");
is(attempt($node, $query), 'found 123456789012 us-east-1', 'credentials of the host');
my $policy = 'arn:aws:imagebuilder:us-east-1:123456789012:lifecycle-policy/complete';
is($node->safe_psql('postgres', "SELECT DISTINCT region, account_id FROM lifecycle_executions
		WHERE resource_arn = '$policy'"),
	'us-east-1|123456789012', 'lifecycle_executions');

# ---- lists of a Region

$endpoint->control('PUT',
	'responses?operation=ListImageBuildVersions&region=us-east-1&account=777788889999',
	'{"imageSummaryList": [{"arn": "of the role"}]}');
for my $case (
	[ 'keys', '', '123456789012', 30, 1 ],
	[ 'a role', ", role_arn '$role\::777788889999:role/Reader'", '777788889999', 1, 0 ])
{
	my ($name, $mapping, $account, $builds, $requests) = @$case;
	$identity->reset_to;
	set_mapping($node, $KEYS . $mapping);
	is(attempt($node, "SELECT count(*) FROM image_builds WHERE region = 'us-east-1'"),
		"found $builds", "$name: a list");
	is(asked(), 0, "$name: does not ask for the account");
	is(attempt($node, 'SELECT count(*) FROM image_builds WHERE account_id IS NULL'), 'found 0',
		"$name: a condition on the account");
	is(attempt($node, 'SELECT DISTINCT account_id FROM image_builds'), "found $account",
		"$name: whose list it is");
	is(attempt($node, "SELECT count(*) FROM image_builds WHERE account_id = '$account'"),
		"found $builds", "$name: chosen by the account");
	# Each of three statements is of a session of its own.
	is(asked(), 3 * $requests, "$name: requests to STS");
}
my $asking_failed = 'sts:GetCallerIdentity, for the account, failed';
$identity->reset_to(sts => 'AccessDenied@GetCallerIdentity');
set_mapping($node, $KEYS);
like(attempt($node, "SELECT 1 FROM image_builds WHERE account_id = '1'"),
	qr/^42501 \| could not list image builds in Region "us-east-1": $asking_failed/,
	'STS refuses');

# ---- how often STS is asked

set_mapping($node, $KEYS);
$identity->reset_to;
my $session = session_of($node);
is(in_session($session, $plain), 'us-east-1 us-east-1', 'a query without the account');
is(asked(), 0, 'does not ask');
in_session($session, 'SELECT imagebuilder_fdw_stats_reset()');
like(in_session($session, "EXPLAIN (ANALYZE, COSTS OFF) $query"), qr/Requests: 1\b/,
	'EXPLAIN counts no request to STS');
is(in_session($session, 'SELECT requests FROM imagebuilder_fdw_stats()'), '1',
	'nor do statistics');
is(in_session($session, query(of("22223333444$_"))), '123456789012 us-east-1', 'again') for 1 .. 3;
is(asked(), 1, 'a session asks once');
in_session($session, 'ALTER SERVER aws OPTIONS (ADD cache_ttl \'1h\')');
in_session($session, "CREATE FOREIGN TABLE own (image_arn text, place text
	OPTIONS (path '\@region'),
	whose text OPTIONS (path '\@account')) SERVER aws OPTIONS (rows 'image')");
my $own = "SELECT place, whose FROM own WHERE image_arn = '" . arn('golden-linux/1.0.0/1') . "'";
is(in_session($session, $own), 'us-east-1|123456789012', 'a table of one\'s own');
is(in_session($session, $own), 'us-east-1|123456789012', 'and an answer of the cache');
is(asked(), 2, 'asked again after a change of the server, once');
is(in_session($session, "SELECT place FROM own WHERE whose <> '123456789012' AND image_arn = '"
		. arn('golden-linux/1.0.0/1') . "'"), '', 'a condition on it');
$session->quit;
$node->safe_psql('postgres', 'ALTER SERVER aws OPTIONS (DROP cache_ttl)');

# ---- what may fail

my $subject = 'could not look up workflow executions of image build version ".*"';
my $failed = "$subject: $asking_failed";
my $no_response = "$failed: the answer is not an STS response";
my $may_deny = qr/VPC endpoint for STS may deny it\./;
my $check = qr/Check the server's option "sts_endpoint_url"/;
my $who_needs_it = 'Only columns with the path "@account" need the account\.';
for my $case (
	[ 'AccessDenied', qr/^42501 \| $failed: .*AccessDenied.* $who_needs_it \| .* $may_deny$/ ],
	[ 'InvalidClientTokenId', qr/^28000 \| $failed: .* \| Check the credentials/ ],
	[ 'e500', qr/^08006 \| $failed: .*2 attempts.* $who_needs_it/ ],
	[ 'Throttling', qr/^53400 \| $failed: / ],
	[ 'html', qr/^HV00M \| $no_response \| .* $who_needs_it \| $check/ ],
	[ 'array', qr/^HV00M \| $no_response/ ],
	[ 'empty', qr/^HV00M \| $failed: / ],
	[ 'huge', qr/^54000 \| $failed: / ],
	[ 'close', qr/^08006 \| $failed: / ])
{
	my ($mode, $outcome) = @$case;
	$identity->reset_to(sts => "$mode\@GetCallerIdentity");
	like(attempt($node, $query), $outcome, "STS answers with $mode");
	is(attempt($node, $plain), 'found us-east-1 us-east-1', "$mode: others go on");
}
$identity->reset_to(sts => 'Throttling@GetCallerIdentity-1');
is(attempt($node, $query), 'found 123456789012 us-east-1', 'throttled once');
$identity->reset_to(sts => 'e500@GetCallerIdentity');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD on_error 'warning')");
like(attempt($node, $query), qr/^08006 \| $failed/, 'an error, with on_error, too');
$node->safe_psql('postgres', 'ALTER SERVER aws OPTIONS (DROP on_error)');

$node->safe_psql('postgres', "ALTER SERVER aws
	OPTIONS (SET sts_endpoint_url 'http://127.0.0.1:1')");
like(attempt($node, $query),
	qr/^08001 \| $failed: could not connect .* $who_needs_it \| .*sts_endpoint_url/, 'STS is down');
is(attempt($node, $plain), 'found us-east-1 us-east-1', 'STS is down: others go on');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (SET sts_endpoint_url '$sts')");

# Keys of the host that STS no longer takes are replaced.
set_mapping($node, "credential_provider 'container'");
$identity->reset_to(sts => 'ExpiredToken@GetCallerIdentity-1');
is(attempt($node, $query), 'found 123456789012 us-east-1', 'an expired token is renewed');
is($identity->counters->{actions}{container}, 2, 'from its source');
$identity->reset_to(sts => 'ExpiredToken@GetCallerIdentity');
like(attempt($node, $query), qr/^28000 \| $failed/, 'but not for ever');
set_mapping($node, $KEYS);

# A cancel while STS is waited for, and the session goes on.
$identity->reset_to(sts => 'hang@GetCallerIdentity');
$session = session_of($node);
in_session($session, 'BEGIN; DECLARE c CURSOR FOR SELECT type FROM workflow_executions
	WHERE image_arn = \'' . of('222233334444') . '\'; FETCH 1 FROM c; SAVEPOINT s');
in_session($session, "SET statement_timeout = '1s'");
like(in_session($session, $query), qr/canceling statement due to statement timeout/, 'a time-out');
$identity->reset_to;
in_session($session, 'ROLLBACK TO s; SET statement_timeout = 0');
is(in_session($session, $query), '123456789012 us-east-1', 'after the time-out');
like(in_session($session, 'FETCH 1 FROM c'), qr/^BUILD/, 'and an open cursor');
$session->quit;

$node->stop;
$identity->stop;
$endpoint->stop;
done_testing();
