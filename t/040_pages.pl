# Lists by an ARN: pages are asked for when a scan comes to them, and one ahead; each
# page once a statement; ends, tokens and failures of pages.
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
set_up($node, $endpoint->url, options => "max_attempts '1', request_timeout '2s'");
my $of = 'arn:aws:imagebuilder:us-east-1:123456789012:image';
sub build { return "$of/$_[0]/1.0.0/1" }
sub list { return "image_packages WHERE image_arn = '" . build($_[0]) . "'" }
my $nothing = build('none');

# What statements return, the number of requests, and how often the most frequent was sent.
sub asked_by
{
	my ($query) = @_;
	$endpoint->reset_counters;
	my ($rc, $out, $err) = $node->psql('postgres', $query);
	my $by = $endpoint->counters->{by_request};
	# A page that another statement left may be read by the endpoint only now.
	my @sent = grep { my ($arn) = /(arn:\S+)/; index($query, $arn) >= 0 } keys %$by;
	my ($most) = (sort { $b <=> $a } @$by{@sent}, 0);
	return ($out . $err, scalar @sent, $most);
}

# Name, query, rows, least and most requests.
for my $case (
	[ 'all of a list', "SELECT count(*), count(DISTINCT package_name) FROM " . list('list-1000'),
		'1000|1000', 40, 40 ],
	[ 'in order', "SELECT string_agg(package_name, ' ') FROM (SELECT package_name FROM "
			. list('list-60') . " LIMIT 3 OFFSET 24) p",
		'packageName-24 packageName-25 packageName-26', 2, 3 ],
	[ 'a list of one page', 'SELECT count(*) FROM ' . list('list-25'), '25', 1, 1 ],
	[ 'LIMIT 1', 'SELECT package_name FROM ' . list('list-10000') . ' LIMIT 1',
		'packageName-0', 1, 2 ],
	[ 'a semi-join', "SELECT 1 WHERE EXISTS (SELECT FROM " . list('list-10000-b') . ')',
		'1', 1, 2 ],
	[ 'a cursor', "BEGIN; DECLARE c CURSOR FOR SELECT package_name FROM " . list('list-10000-c')
			. '; FETCH 1 FROM c; CLOSE c; COMMIT', 'packageName-0', 1, 2 ],
	[ 'a cursor, further', "BEGIN; DECLARE c CURSOR FOR SELECT package_name FROM "
			. list('list-10000-d') . '; MOVE 70 FROM c; FETCH 1 FROM c; COMMIT',
		'packageName-70', 3, 4 ],
	[ 'LIMIT over lists', "SELECT package_name FROM image_packages WHERE image_arn = ANY ('{"
			. join(',', map { build("list-$_") } 100 .. 140) . "}') LIMIT 1",
		'packageName-0', 1, 2 ],
	[ 'several lists', "SELECT image_arn = '" . build('list-30') . "', count(*) FROM image_packages
			WHERE image_arn IN ('" . build('list-30') . "', '" . build('list-60')
			. "', '$nothing') GROUP BY 1 ORDER BY 1", "f|60\nt|30", 6, 6 ],
	[ 'two scans', 'SELECT (SELECT count(*) FROM ' . list('list-100') . '), (SELECT count(*) FROM '
			. list('list-100') . " AND package_name LIKE '%9')", '100|10', 4, 4 ],
	[ 'a scan that is repeated', 'SET enable_material = off; SET enable_hashjoin = off;
			SET enable_mergejoin = off;
			SELECT count(*) FROM generate_series(1, 3) g LEFT JOIN (SELECT * FROM '
			. list('list-60') . ') p ON p.package_name <> g::text', '180', 3, 3 ],
	[ 'UNION ALL', 'SELECT count(*) FROM (SELECT * FROM ' . list('list-100')
			. ' UNION ALL SELECT * FROM ' . list('list-30') . ') p', '130', 6, 6 ],
	[ 'a join', "SELECT a.arn IS NULL, count(*) FROM (VALUES ('" . build('list-30') . "'), ('"
			. build('list-55') . "'), ('$nothing'), (NULL), ('x')) a (arn)
			JOIN image_packages p ON p.image_arn = a.arn GROUP BY 1", 'f|85', 6, 6 ],
	[ 'what changed between two builds',
		"SELECT coalesce(o.package_name, n.package_name), o.package_version, n.package_version
			FROM (SELECT * FROM image_packages WHERE image_arn = '$of/golden-linux/1.1.0/1') o
			FULL JOIN (SELECT * FROM image_packages WHERE image_arn = '$of/golden-linux/2.0.0/1') n
				USING (package_name)
			WHERE o.package_version IS DISTINCT FROM n.package_version ORDER BY 1 LIMIT 2",
		"amazon-cloudwatch-agent||1.300040\namazon-ssm-agent|3.2.2303|3.3.131", 4, 4 ])
{
	my ($name, $query, $rows, $least, $requests) = @$case;
	my ($got, $sent, $most) = asked_by($query);
	is($got, $rows, "$name: rows");
	cmp_ok($sent, '>=', $least, "$name: requests") if $least != $requests;
	cmp_ok($sent, '<=', $requests, "$name: requests");
	is($most, 1, "$name: each once");
}
like($node->safe_psql('postgres',
		'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM ' . list('list-60')),
	qr/Operation: ListImagePackages\n.*Requests: 3\n/s, 'EXPLAIN counts pages');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD cache_ttl '1min')");
is((asked_by(join ';', ('SELECT count(*) FROM ' . list('list-60')) x 2))[2], 2,
	'lists are not kept for later statements');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (DROP cache_ttl)");

# Pages as the service may send them: JSON of each page's items and its token.
sub pages
{
	my ($name, @pages) = @_;
	my $asked = '';
	for (@pages)
	{
		my ($items, $token) = @$_;
		my $list = join ', ', map { qq({"packageName": "$_"}) } @$items;
		$endpoint->control('PUT', "responses?operation=ListImagePackages&arn=" . build($name)
			. "&token=$asked", qq({"imagePackageList": [$list], "nextToken": $token}));
		$asked = $token =~ s/"//gr;
	}
	return "SELECT string_agg(package_name, '') FROM " . list($name);
}
my $packages = 'packages of image build version "ARN":';
my $in_circles = 'its nextToken has been there before |'
  . ' The service would return the same pages for ever. | ';
for my $case (
	[ 'null ends', [ [ [ 'a', 'b' ], '"t"' ], [ ['c'], 'null' ] ], 'found abc' ],
	[ 'an empty token ends', [ [ ['a'], '"t"' ], [ ['b'], '""' ] ], 'found ab' ],
	[ 'empty and short pages do not',
		[ [ [], '"t"' ], [ ['a'], '"u"' ], [ [], '"v"' ], [ ['b'], 'null' ] ], 'found ab' ],
	[ 'a list that is empty', [ [ [], 'null' ] ], 'nothing' ],
	[ 'a token that comes again', [ [ ['a'], '"t"' ], [ ['b'], '"t"' ] ],
		"HV00M | could not look up page 3 of $packages $in_circles" ],
	[ 'a circle of tokens', [ [ ['a'], '"t"' ], [ ['b'], '"u"' ], [ ['c'], '"t"' ] ],
		"HV00M | could not look up page 4 of $packages $in_circles" ],
	[ 'a token of another type', [ [ ['a'], '17' ] ],
		"HV00M | could not go on after $packages its nextToken is a JSON number |  | " ])
{
	my ($name, $pages, $outcome) = @$case;
	my $list = $name =~ s/\W/-/gr;
	is(attempt($node, pages($list, @$pages)), $outcome =~ s/ARN/build($list)/er, $name);
}
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD on_error 'warning')");
like((asked_by('SELECT string_agg(package_name, \'\') FROM ' . list('a-circle-of-tokens')))[0],
	qr/^abc.*WARNING:  could not look up page 4 of packages/,
	'on_error: a warning, and the pages before');
like((asked_by('SELECT count(*) FROM ' . list('page3-fault-e501-list-100')))[0],
	qr/^50.*WARNING:  could not look up page 3 of packages/, 'on_error: a page that fails');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (DROP on_error)");

# A cursor whose list is no longer there.
my $session = session_of($node);
$endpoint->reset_counters;
in_session($session, 'BEGIN; DECLARE c CURSOR FOR SELECT package_name FROM ' . list('list-1000')
	. '; MOVE 20 FROM c');
# Page 2 is under way, and page 3's token will be there once it is answered.
wait_until { ($endpoint->counters->{by_status}{200} // 0) == 2 } 'page 2 is answered ahead';
$endpoint->control('DELETE', 'tokens');
my $gone = in_session($session, "\\set VERBOSITY verbose\nMOVE 100 FROM c");
like($gone, qr/ERROR:  55000: could not look up page 3 of packages .* the page is no longer there/,
	'a token that is no longer valid');
like($gone, qr/HINT:  Run the statement again/, 'with what to do');
in_session($session, 'ROLLBACK');

# Faults of each page: the session goes on, and nothing is left.
for my $case (
	[ 'forbidden', qr/^42501 .*ListImagePackages for this image build/ ],
	[ 'notfound', qr/^55000 .*: the list is no longer/ ],
	[ 'notjson', qr/^HV00M .* is not a ListImagePackages response/ ],
	[ 'throttle', qr/^53400 / ], [ 'e500', qr/^08006 / ], [ 'hang', qr/^(08001|08006) / ],
	[ 'reset', qr/^08006 / ], [ 'close', qr/^08006 / ], [ 'truncate', qr/^08006 / ])
{
	my ($fault, $outcome) = @$case;
	for my $page (1 .. 4)
	{
		my $list = list("page$page-fault-$fault-list-100");
		my $error = in_session($session,
			"\\set VERBOSITY verbose\nSELECT count(*) FROM $list")
		  =~ s/.*ERROR:  (\w+): /$1 /sr =~ s/\n/ /gr;
		if ($page == 1 && $fault eq 'notfound')
		{
			is($error, '0', 'what does not exist has no rows');
			next;
		}
		like($error, $outcome, "$fault on page $page");
		my $subject = $page == 1 ? 'could not look up packages of' : " page $page of packages of ";
		like($error, qr/$subject/, "$fault on page $page: the error names it");
		my $before = ($page - 1) * 25;
		is(in_session($session, "SELECT count(*) FROM (SELECT FROM $list LIMIT $before) p"),
			$before, "$fault on page $page: the pages before are there, in the same session");
	}
}
# Wrong types on a later page, and a time-out between pages, in the same session, too.
pages('wrong-later', [ ['a'], '"t"' ], [ ['b'], 'null' ]);
$endpoint->control('PUT', "responses?operation=ListImagePackages&arn=" . build('wrong-later')
	. "&token=t", '{"imagePackageList": [{"packageName": 1}]}');
like(in_session($session, 'SELECT max(package_name) FROM ' . list('wrong-later')),
	qr/ERROR:  HV004: could not read column "package_name" of page 2 of packages of /,
	'a wrong type on page 2');
$endpoint->control('POST', 'latency?ms=200');
like(in_session($session, "SET statement_timeout = '1s'; SELECT count(*) FROM "
	  . list('list-1000')),
	qr/ERROR:  57014/, 'a time-out between pages');
$endpoint->control('POST', 'latency?ms=0');
in_session($session, 'RESET statement_timeout');
like(in_session($session, "SELECT package_version + 1 FROM " . list('list-60')),
	qr/ERROR/, 'a plain error');
is(in_session($session, 'SELECT count(*) FROM ' . list('list-60')), '60', 'and on');
$session->quit;
# Wrong types.
$endpoint->control('PUT', "responses?operation=ListImagePackages&arn=" . build('wrong') . "&token=",
	'{"imagePackageList": [{"packageName": "a"}, {"packageName": 1}]}');
like(attempt($node, 'SELECT max(package_name) FROM ' . list('wrong')),
	qr/^HV004 \| could not read column "package_name" of packages of image build version/,
	'a wrong type');
# A build that has no packages yet.
my $only_available = qr/Only a build with state_status = 'AVAILABLE' has packages/;
like(attempt($node, 'SELECT count(*) FROM ' . list('fault-building')),
	qr/AWS error InvalidRequestException.* \| $only_available/,
	'a build that is not available');
$node->stop;
$endpoint->stop;
done_testing();
