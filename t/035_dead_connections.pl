# Kept connections that are dead without a word: none is used after one of them is
# found so, and retries take new ones.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;
use TestIdentity;

needs('openssl');
my $dir = PostgreSQL::Test::Utils::tempdir();
my @tls = certificate("$dir/tls");
my $identity = TestIdentity->new;
my $other = TestEndpoint->new('--any');
my %endpoints = (
	plain => TestEndpoint->new('--any', '--issued', $identity->{issued}),
	TLS => TestEndpoint->new('--any', @tls));
my $node = new_cluster('main');
set_up($node, $endpoints{plain}->url, options => "max_attempts '1'");

# A server of its own, and the table "images" there.
sub server
{
	my ($name, $url, $options, $mapping) = @_;
	make_server($node, $name, "endpoint_url '$url', ca_bundle '$dir/tls.pem',"
		. " max_concurrency '64', $options", $mapping);
	return;
}

# What a look-up in a session comes to.
sub lookup
{
	my ($session, $table, $image) = @_;
	my $arn = arn("$image/1.0.0/1");
	return $session->query(
		qq{SELECT attempt(\$a\$SELECT name FROM "$table" WHERE arn = '$arn'\$a\$)});
}

# A session with many idle connections.
sub busy_session
{
	my ($endpoint, $table) = @_;
	my $session = session_of($node);
	my $arns = join ', ', map { "'" . arn("many-$_/1.0.0/1") . "'" } 1 .. 64;
	$endpoint->control('POST', 'latency?ms=500');
	is($session->query(qq{SELECT count(*) FROM "$table" WHERE arn IN ($arns)}), 64,
		"$table: a list of 64");
	$endpoint->control('POST', 'latency?ms=0');
	return $session;
}

server('other', $other->url, "max_attempts '1'");
for my $kind (sort keys %endpoints)
{
	my $endpoint = $endpoints{$kind};
	for my $how ('silent', 'cut')
	{
		my $options = $how eq 'silent' ? "request_timeout '3s'" : "request_timeout '180s'";
		my $failure = $how eq 'silent' ? qr/^08006 .*timed out/ : qr/^08006 /;
		for my $attempts (1, 3)
		{
			my $name = "$kind-$how-$attempts";
			server($name, $endpoint->url, "max_attempts '$attempts', $options");
			my $session = busy_session($endpoint, $name);
			is(lookup($session, 'other', 'one'), 'found one', "$name: another host");
			my $others = $other->counters->{connections};
			cmp_ok($endpoint->control('POST', "abandon?how=$how")->{connections}, '>', 3,
				"$name: connections die");
			# One attempt finds that out; then, or by a retry, there are new connections.
			like(lookup($session, $name, 'two'), $failure, "$name: one is tried")
			  if $attempts == 1;
			is(lookup($session, $name, 'two'), 'found two', "$name: the others are not");
			is($session->query('SELECT retries FROM imagebuilder_fdw_stats()'),
				$attempts == 1 ? 0 : 1, "$name: attempts");
			is(lookup($session, 'other', 'three'), 'found three', "$name: another host again");
			is($other->counters->{connections}, $others + 1, "$name: whose connection is kept");
			$session->quit;
		}
	}
}

# A retry after an error of the service's takes a new connection, and nothing else
# does; after throttling it does not either.
my $endpoint = $endpoints{plain};
server('retries', $endpoint->url, "max_attempts '3'");
my $session = session_of($node);
for my $case ([ 'e500', 2 ], [ 'e503', 2 ], [ 'close', 2 ], [ 'throttle', 1 ], [ 'slow', 1 ])
{
	my ($fault, $connections) = @$case;
	$endpoint->control('POST', 'close-idle');
	$endpoint->reset_counters;
	is(lookup($session, 'retries', "fault-$fault-1"), 'found golden-linux', "$fault: an answer");
	is(lookup($session, 'retries', 'after'), 'found after', "$fault: the next one");
	# The counters' own is one.
	is($endpoint->counters->{connections} - 1, $connections, "$fault: connections");
}
$session->quit;

# STS and a metadata service likewise.
server('sts', $endpoint->url, "max_attempts '3', sts_endpoint_url '" . $identity->url('sts') . "'",
	"$KEYS, role_arn 'arn:aws:iam::123456789012:role/Demo'");
for my $case ([ 'e500-1', 2 ], [ 'Throttling-1', 1 ])
{
	my ($mode, $connections) = @$case;
	$identity->reset_to(sts => $mode);
	$session = session_of($node);
	is(lookup($session, 'sts', 'one'), 'found one', "STS, $mode: an answer");
	# Those that set the mode and get the counters are two.
	is($identity->counters->{connections}{sts} - 2, $connections, "STS, $mode: connections");
	$session->quit;
}
$identity->start($node, $dir);
server('imds', $endpoint->url, "max_attempts '3'", "credential_provider 'instance'");
$identity->reset_to(imds => 'e500@credentials-1');
is(attempt($node, name_query('one/1.0.0/1', 'imds')), 'found one',
	'IMDS: an answer');
is($identity->counters->{connections}{imds}, 2, 'IMDS: connections');

$_->stop for $identity, $other, values %endpoints;
done_testing();
