# Time-outs count the time for which PostgreSQL waits for the network, not that
# in which it does other things, while a cursor is open, say.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $endpoint = TestEndpoint->new;
my $proxy = TestStandIn->start_program('proxy.py', '--log', "$dir/log", '--mode', 'slow');

my $node = new_cluster('main');
set_up($node, $endpoint->url, options => "max_attempts '1', request_timeout '2s'");
my %options = (
	proxied => "endpoint_url '" . $endpoint->url . "', proxy '" . $proxy->url . "'",
	unreached => "endpoint_url 'http://127.0.0.1:" . hanging_port() . "'");
make_server($node, $_, "$options{$_}, max_attempts '1', connect_timeout '2s'")
  for sort keys %options;
# One whose limits are not those of the test.
make_server($node, 'prompt', "endpoint_url '" . $endpoint->url . "'");

# What is asked together with an image that is fetched at once, after a pause
# that is longer than the limit of all that is under way.
sub after_pause
{
	my ($table, @images) = @_;
	my $list = join "', '", map { arn($_) } @images;
	my $session = session_of($node);
	$session->query('BEGIN; DECLARE c CURSOR FOR ' . name_query('golden-linux/1.0.0/1', 'prompt')
		  . " UNION ALL SELECT name FROM $table WHERE arn IN ('$list')");
	is($session->query('FETCH c'), 'golden-linux', "$table, @images: the first is there");
	my $rest = $session->query('SELECT pg_sleep(2.5); FETCH ALL c');
	my $error = $session->{stderr};
	$session->query('ROLLBACK');
	$session->quit;
	return ($rest, $error);
}
my ($rest, $error) = after_pause('images', map { "fault-slow/1.0.0/$_" } 1 .. 2);
like($rest, qr/golden-linux\ngolden-linux/, 'answers that came meanwhile') or diag($error);
($rest, $error) = after_pause('proxied', 'fault-e500-0/1.0.0/1');
like($rest, qr/golden-linux/, 'a connection that was made meanwhile') or diag($error);

# What gets no answer still times out.
(undef, $error) = after_pause('images', 'fault-hang/1.0.0/1');
like($error, qr/the connection to .* failed\n.*timed out after \d+ ms while waiting for the answer/,
	'no answer');
(undef, $error) = after_pause('images', 'fault-stall/1.0.0/1');
like($error, qr/the connection to .* failed\n.*timed out after \d+ ms while receiving the answer/,
	'half an answer');
(undef, $error) = after_pause('unreached', 'golden-linux/1.0.0/1');
like($error, qr/could not connect to .*\n.*timed out after \d+ ms while connecting/,
	'no connection');

$endpoint->stop;
done_testing();
