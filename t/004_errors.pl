# Each line of the error table with its SQLSTATE, in one session that survives
# them all; retries; and no secret in any of it.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;
use Time::HiRes qw(time);

my $endpoint = TestEndpoint->new;
my $node = new_cluster('main',
	conf => "log_min_messages = debug5\nlog_error_verbosity = verbose\nlog_statement = none");
set_up($node, $endpoint->url, options => "max_attempts '3', request_timeout '700ms',"
	. " connect_timeout '700ms', max_response_size '1MB'");

# Other servers, that are wrong in one thing each, with keys and tables of
# their own; nothing listens at the first's port.
my $url = "endpoint_url '" . $endpoint->url . "'";
my %wrong = (
	closed => "endpoint_url 'http://127.0.0.1:1', max_attempts '2'",
	unknown => "endpoint_url 'http://no-such-host.invalid', max_attempts '1'",
	deadproxy => "$url, proxy 'http://127.0.0.1:1', max_attempts '1'",
	unknownproxy => "$url, proxy 'http://no-such-host.invalid:1', max_attempts '1'",
	nottls => "endpoint_url 'https://127.0.0.1:" . $endpoint->port . "', max_attempts '1'",
	tiny => "$url, max_response_size '100B'",
	once => "$url, max_attempts '1', request_timeout '300ms'",
);
my %keys = (
	wrongsecret => "access_key_id 'AKIDEXAMPLE', secret_access_key 'notTheSecretOfThisKey'",
	unknownkey => "access_key_id 'AKIDUNKNOWN', secret_access_key 'x'",
	expiredtoken => "access_key_id 'ASIAEXPIREDEXAMPLE', session_token 'EXPIRED/+=',
		secret_access_key 'expiredSecret/EXAMPLE+KEY000000000000000'",
	denied => "access_key_id 'AKIAFORBIDDENEXAMPLE',
		secret_access_key 'forbiddenSecret/EXAMPLE+KEY0000000000000'",
	halfset => "access_key_id 'AKIDEXAMPLE'",
	temporary => "access_key_id 'ASIATEMPORARYEXAMPLE',
		secret_access_key 'temporarySecret/EXAMPLE+KEY0000000000000',
		session_token 'FwoGZXIvYXdzEXAMPLETOKEN/+=" . ('Ab9/+=' x 40) . "'",
);
make_server($node, $_, $wrong{$_} // "$url, max_attempts '3'", $keys{$_})
  for sort keys %wrong, keys %keys;
$node->safe_psql('postgres', "
	CREATE SERVER unmapped FOREIGN DATA WRAPPER imagebuilder_fdw;
	CREATE FOREIGN TABLE public.unmapped (arn text, name text) SERVER unmapped
		OPTIONS (table_name 'images');");

sub named { my ($kind, $table) = @_; return name_query("fault-$kind/1.0.0/1", $table) }

my $looked_up = qr/could not look up image "arn:[^"]+"/;
my $request_id = qr/request ID [0-9a-f-]{36}/;
my $read = qr/could not read column "[a-z_]+" of image "arn:[^"]+"/;
my $check_port = qr/Check that something listens at that port, the server's option "endpoint_url"/;
my $check_host =
  qr/Check the ARN's Region, the server's option "endpoint_url", and that DNS knows the host\./;
my $no_tls = qr/Check that the port speaks TLS; for one that does not, write http:/;
# Each row: what it is, the query, what comes of it, the attempts it makes.
my @cases = (
	[ 'ARN of the wrong shape', "SELECT name FROM images WHERE arn = 'ami-1'",
		qr/^22023 \| "ami-1" is not the ARN/, 0 ],
	[ 'ARN of another resource', named('x') =~ s/:image\//:component\//r,
		qr/^22023 .*BUILD\. This one is for the table "component_details"\.$/, 0 ],
	[ 'ARN of another resource, without a table', named('x') =~ s/:image\//:thing\//r,
		qr/^22023 .*BUILD\.$/, 0 ],
	[ 'no source of ARNs',
		"SELECT i.name FROM images i JOIN amis a ON a.image_arn = i.arn WHERE i.name = 'x'",
		qr/^HV002 .*\. Of the tables joined, one must have the ARNs from elsewhere/, 0 ],
	[ 'a join in the wrong order', 'SELECT i.name FROM images i
		LEFT JOIN amis a ON a.image_arn = i.arn', qr/^HV002 .*turn the join around/, 0 ],
	[ 'no key', 'SELECT name FROM images', qr/^HV002 .*\| Add WHERE arn = '/, 0 ],
	[ 'no mapping', named('x', 'unmapped'), qr/^28000 \| $looked_up: there are no credentials/, 0 ],
	[ 'half the keys', named('x', 'halfset'), qr/^28000 .*no "secret_access_key"/, 0 ],
	[ 'wrong secret', named('x', 'wrongsecret'),
		qr/^28000 \| $looked_up.*InvalidSignatureException.*HTTP status 403, $request_id/, 1 ],
	[ 'unknown key', named('x', 'unknownkey'), qr/^28000 .*UnrecognizedClientException/, 1 ],
	[ 'expired token', named('x', 'expiredtoken'), qr/^28000 .*ExpiredTokenException/, 1 ],
	[ 'signature rejected', named('badsignature'), qr/^28000 .*SignatureDoesNotMatch/, 1 ],
	[ 'denied by policy', named('x', 'denied'),
		qr/^42501 .*AccessDeniedException.*imagebuilder:GetImage/, 1 ],
	[ 'forbidden', named('forbidden'), qr/^42501 .*ForbiddenException/, 1 ],
	[ 'throttled', named('throttling', 'once'),
		qr/^53400 .*ThrottlingException: Rate exceeded.*max_attempts/, 1 ],
	[ 'throttled to the end', named('throttle'),
		qr/^53400 .*CallRateLimitExceededException.*3 attempts/, 3 ],
	[ 'nothing listens', named('x', 'closed'),
		qr/^08001 .*could not connect to "127.0.0.1:1".*2 attempts.*\| $check_port/, 0 ],
	[ 'nothing listens at the proxy', named('x', 'deadproxy'),
		qr/^08001 .*\| The server's option "proxy" names the proxy\.$/, 0 ],
	[ 'proxy unknown', named('x', 'unknownproxy'),
		qr/^08001 .*\| The server's option "proxy" names the proxy\.$/, 0 ],
	[ 'host unknown', named('x', 'unknown'),
		qr/^08001 .*no-such-host\.invalid.*\| $check_host$/, 0 ],
	# The endpoint waits for the rest of a ClientHello that has no line feed.
	[ 'no TLS there', named('x', 'nottls'),
		qr/^08001 .*\| (?:$no_tls|Check .*, and that the port speaks TLS\.$)/, 0 ],
	[ 'reset', named('reset'), qr/^08006 \| $looked_up: the connection to "127.*3 attempts/, 3 ],
	[ 'closed', named('close'), qr/^08006 .*\| If the port speaks TLS, write https:/, 3 ],
	[ 'truncated', named('truncate'), qr/^08006 .*\| The server's options "request_timeout"/, 3 ],
	[ 'a chunk cut', named('badchunk'), qr/^08006 /, 3 ],
	[ 'no answer', named('hang', 'once'),
		qr/^08006 .*timed out after \d+ ms while waiting for the answer/, 1 ],
	[ 'half an answer', named('stall', 'once'),
		qr/^08006 .*timed out after \d+ ms while receiving the answer/, 1 ],
	[ 'status 500', named('e500'),
		qr/^08006 .*ServiceException.*HTTP status 500, $request_id, 3 attempts/, 3 ],
	[ 'status 502', named('e502'), qr/^08006 .*502 Bad Gateway/, 3 ],
	[ 'status 503', named('e503'), qr/^08006 .*ServiceUnavailableException/, 3 ],
	[ 'status 504', named('e504'), qr/^08006 /, 3 ],
	[ 'status 501', named('e501'), qr/^08006 /, 1 ],
	[ 'not JSON', named('notjson'),
		qr/^HV00M \| $looked_up: the answer is not a GetImage response.*byte 0/, 1 ],
	[ 'HTML', named('html'), qr{^HV00M .*text/html}, 1 ],
	[ 'half of JSON', named('halfjson'), qr/^HV00M /, 1 ],
	[ 'two answers', named('trailing'), qr/^HV00M /, 1 ],
	[ 'nothing', named('empty'), qr/^HV00M /, 1 ],
	[ 'status 204', named('nocontent'), qr/^HV00M .*204/, 1 ],
	[ 'an array', named('array'), qr/^HV00M /, 1 ],
	[ 'a scalar', named('scalar'), qr/^HV00M /, 1 ],
	[ 'null', named('null'), qr/^HV00M /, 1 ],
	[ 'another object', named('otherobject'), qr/^HV00M .*"image"/, 1 ],
	[ 'NaN', named('nan'), qr/^HV00M /, 1 ],
	[ 'a comment', named('comment'), qr/^HV00M /, 1 ],
	[ 'a redirect', named('redirect'),
		qr{^HV00M .*redirecting to "http://127.0.0.1:1/elsewhere"}, 1 ],
	[ 'not HTTP', named('nothttp'), qr/^HV00M /, 1 ],
	[ 'too large', named('huge'), qr/^54000 .*max_response_size/, 1 ],
	[ 'too large a response', named('x-0', 'tiny') =~ s/fault-x-0/golden-linux/r, qr/^54000 /, 1 ],
	[ 'wrong type', named('wrongtype'),
		qr/^HV004 \| $read \| Path "image\.name": a JSON object/, 1 ],
	[ 'number too large', named('bignumber') =~ s/name/image_tests_timeout_minutes/r,
		qr/^HV004 .*timeoutMinutes/, 1 ],
	[ 'invalid UTF-8', named('badutf8'), qr/^22021 \| $read \| Path "image\.name"/, 1 ],
	[ 'U+0000', named('nul'), qr/^22P05 \| $read \| Path "image\.name"/, 1 ],
	[ 'half a surrogate pair', named('surrogate'), qr/^HV004 .*surrogate/, 1 ],
	[ 'parameter not valid', named('invalidparam'),
		qr/^HV000 .*InvalidParameterValueException: The value supplied/, 1 ],
	[ 'error named in the body', named('errorinbody'),
		qr/^HV000 .*AWS error InvalidRequestException: from the body/, 1 ],
	[ 'a message with U+0000', named('nulmessage'), qr/^HV000 .*AWS error: before \(HTTP/, 1 ],
	[ 'any other error', named('otherstatus'), qr/^HV000 .*ServiceQuotaExceededException.*402/, 1 ],
	[ '404 with no code', named('bare404'), qr/^HV000 .*nothing here.*404/, 1 ],
	[ 'not found', named('notfound'), qr/^nothing$/, 1 ],
	[ 'not found, 400', named('notfound400'), qr/^nothing$/, 1 ],
	[ 'does not exist', name_query('none/1.0.0/1'), qr/^nothing$/, 1 ],
	[ 'statement_timeout', named('hang') =~ s/1\.0\.0/1.0.7/r, qr/^57014 /, undef ],
	[ 'a long message is cut', named('hugemessage'),
		qr/^HV000 (?=.{1100,1700}$).* \.\.\. \(HTTP/, 1 ],
	# What is retried, and then succeeds.
	[ 'throttled, then not', named('throttle-1'), qr/^found /, 2 ],
	[ '503, then not', named('e503-2'), qr/^found /, 3 ],
	[ 'reset, then not', named('reset-1'), qr/^found /, undef ],
	[ 'truncated, then not', named('truncate-1'), qr/^found /, 2 ],
	[ 'no answer, then one', named('hang-1'), qr/^found /, 2 ],
	[ 'RequestTimeout, then not', named('requesttimeout-1'), qr/^found /, 2 ],
	[ 'the clock', named('skew'), qr/^found /, 2 ],
	[ 'the clock, once known', named('skew') =~ s/1\.0\.0/1.0.1/r, qr/^found /, 1 ],
	# What does no harm.
	[ 'the clock, set back again', named('slow'), qr/^found /, 2 ],
	[ 'the clock, in the year 10000', named('date10000'), qr/^28000 .*SignatureDoesNotMatch/, 1 ],
	[ 'the clock, in the year 2000', named('date2000'), qr/^28000 .*SignatureDoesNotMatch/, 1 ],
	[ 'the clock, no date', named('datenone'), qr/^28000 .*SignatureDoesNotMatch/, 1 ],
	[ 'the clock, as it was', named('slow') =~ s/1\.0\.0/1.0.1/r, qr/^found /, 1 ],
	[ 'an interim answer', named('continue100'), qr/^found /, 1 ],
	[ 'Connection: close', named('nokeepalive'), qr/^found /, 1 ],
	[ 'many headers', named('headerflood'), qr/^found /, 1 ],
	[ 'deep nesting', named('deep'), qr/^found deep$/, 1 ],
	[ 'deep nesting that is asked for', named('deep') =~ s/name/response/r,
		qr/^54001 \| $read \| Path "\@response"/, 1 ],
	[ 'columns that were not asked for', named('wrongtype') =~ s/name/os_version/r,
		qr/^found fits$/, 1 ],
	[ 'no columns at all', named('badutf8') =~ s/name/count(*)/r, qr/^found 1$/, 1 ],
	[ 'another column beside invalid UTF-8', named('badutf8') =~ s/name/version/r,
		qr/^found 1\.0\.0$/, 1 ],
	[ 'a session token', named('x', 'temporary') =~ s/fault-x/none/r, qr/^nothing$/, 1 ],
);

# One session for all; what each of them asked for is told by the counters.
my $attempts = 'SELECT requests + retries FROM imagebuilder_fdw_stats()';
my $script = "SELECT pg_backend_pid();\n";
for my $i (0 .. $#cases)
{
	$script .= ($cases[$i]->[0] eq 'statement_timeout' ? "SET statement_timeout = '200ms';\n"
		  : "RESET statement_timeout;\n")
	  . "\\echo case $i\n$attempts;\nSELECT attempt(\$attempt\$$cases[$i]->[1]\$attempt\$);\n"
	  . "$attempts;\n";
}
my ($rc, $stdout, $stderr) = $node->psql('postgres',
	$script . "SELECT 'alive', pg_backend_pid();\n");
is("$rc $stderr", '0 ', 'the session survives');
my @parts = split /^case \d+\n/m, $stdout;
chomp(my $pid = shift @parts);
like($parts[-1], qr/^alive\|$pid$/m, 'and it is one backend');
$endpoint->reset_counters;
for my $i (0 .. $#cases)
{
	my ($name, undef, $expected, $attempts) = @{ $cases[$i] };
	my ($before, $result, $after) = $parts[$i] =~ /^(\d+)\n(.*)\n(\d+)\n(?:alive.*\n?)?\z/s;
	like($result, $expected, $name);
	# The wrapper's own count: a connection refused is an attempt as well.
	is($after - $before, $attempts, "$name: attempts") if $attempts;
}

# The endpoint counts the same.
for my $case (grep { $_->[3] && $_->[0] !~ /, then|clock|reset|closed/ } @cases)
{
	$endpoint->reset_counters;
	attempt($node, $case->[1]);
	is($endpoint->requests, $case->[3], "$case->[0]: requests at the endpoint");
}

# A clock that is wrong is corrected for all requests of a list, those signed before, too.
$endpoint->reset_counters;
is(attempt($node, "SELECT count(name) FROM images WHERE arn IN "
	  . in_list(map { arn("fault-skew/2.0.0/$_") } 1 .. 8)), 'found 8', 'the clock, of a list');
is($endpoint->requests, 16, 'the clock, of a list: each is signed once more');

# A wish of the service's to wait is granted.
my $start = time;
like(attempt($node, named('retryafter-1')), qr/^found/, 'x-amz-retry-after');
cmp_ok(time - $start, '>=', 0.7, 'x-amz-retry-after: not before the 700 ms');

# A Region that is not enabled: who is accepted elsewhere is not to blame.
my @regions = ('us-east-1', 'eu-west-1', 'ap-east-1');
my $in_region = 'SELECT arn FROM images WHERE arn = ANY (ARRAY[%s])';
my $regional = sub {
	my ($image, @in) = @_;
	my @arns = map { "'" . (arn("$image/1.0.0/1") =~ s/us-east-1/$_/r) . "'" } @in;
	return sprintf $in_region, join ', ', @arns;
};
my $rejected = qr/UnrecognizedClientException/;
my $other = qr/Another Region accepts these credentials: the Region may not be enabled/;
$endpoint->control('POST', 'disabled?regions=ap-east-1');
for my $order ([ 0, 1, 2 ], [ 2, 0, 1 ])
{
	my $query = $regional->('fault-slow', @regions[@$order]);
	for my $on_error ('warning', 'error')
	{
		$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD on_error '$on_error')");
		(undef, $stdout, $stderr) = $node->psql('postgres', $query);
		$node->safe_psql('postgres', 'ALTER SERVER aws OPTIONS (DROP on_error)');
		my $name = "not enabled, on_error '$on_error', in the order @$order";
		my $level = $on_error eq 'warning' ? 'WARNING' : 'ERROR';
		like($stderr, qr/$level: .*ap-east-1.*$rejected.*$other/s, $name);
		my @rows = split /\n/, $stdout;
		is(@rows, 2, "$name: the other rows") if $on_error eq 'warning';
	}
}
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD on_error 'warning')");
like(attempt($node, $regional->('golden-linux', 'ap-east-1')), qr/^28000 .*$rejected/,
	'not enabled: one Region only is an error');
(undef, undef, $stderr) = $node->psql('postgres',
	$regional->('golden-linux', 'us-east-1') . ';' . $regional->('golden-linux', 'ap-east-1'));
like($stderr, qr/WARNING: .*ap-east-1.*$other/s, 'not enabled: served by an earlier statement');
$endpoint->control('POST', 'disabled?regions=*');
like(attempt($node, $regional->('fault-slow', @regions)), qr/^28000 .*$rejected/,
	'rejected in all Regions: an error');
$endpoint->control('POST', 'disabled');
$node->safe_psql('postgres', 'ALTER SERVER aws OPTIONS (DROP on_error)');

# Secrets are in no message, nor in the log at any level.
my $log = slurp_file($node->logfile);
my $said = join "\n", @parts;
for my $secret ('wJalrXUtnFEMI/K7MDENG', 'notTheSecretOfThisKey', 'forbiddenSecret',
	'temporarySecret', 'FwoGZXIvYXdz', 'EXPIRED/+=', 'AWS4-HMAC-SHA256 Credential')
{
	unlike($said, qr/\Q$secret\E/, "\"$secret\" is in no message");
	# CREATE USER MAPPING is not logged here, as log_statement is none.
	unlike($log, qr/\Q$secret\E/, "\"$secret\" is not in the log");
}

my $agents = join ' ', @{ $endpoint->counters->{user_agents} };
like($agents, qr{^imagebuilder_fdw/\d+\.\d+ PostgreSQL/\d+},
	'the user agent names extension and PostgreSQL');

$endpoint->stop;
done_testing();
