# Time-outs count the time for which PostgreSQL waits for the network, not that
# in which it does other things, while a cursor is open, say.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Symbol qw(gensym);
use Test::More;
use TestEndpoint;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $endpoint = TestEndpoint->new;
my $proxy = IPC::Run::start([ $TestEndpoint::PYTHON, "$SOURCE/t/endpoint/proxy.py", '--port-file', "$dir/port", '--log', "$dir/log", '--mode', 'slow' ],
	'<pipe', my $input = gensym, '>', "$dir/out", '2>&1');
END { local $?; $proxy->kill_kill if $proxy }
wait_until { -e "$dir/port" } 'the proxy starts';
chomp(my $proxy_port = slurp_file("$dir/port"));

# A listener whose queue is full: connections to it hang.
my $full = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', Proto => 'tcp') or die $!;
my @fillers = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $full->sockport, Proto => 'tcp', Blocking => 0) } 1 .. 8;

my $node = new_cluster('main');
set_up($node, $endpoint->url, options => "max_attempts '1', request_timeout '2s'");
my %options = (
	proxied => "endpoint_url '" . $endpoint->url . "', proxy 'http://127.0.0.1:$proxy_port'",
	unreached => "endpoint_url 'http://127.0.0.1:" . $full->sockport . "'");
$node->safe_psql('postgres', "
	CREATE SERVER $_ FOREIGN DATA WRAPPER imagebuilder_fdw OPTIONS ($options{$_}, max_attempts '1', connect_timeout '2s');
	CREATE USER MAPPING FOR CURRENT_USER SERVER $_ OPTIONS (access_key_id 'AKIDEXAMPLE', secret_access_key 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
	CREATE FOREIGN TABLE public.$_ (arn text, name text) SERVER $_ OPTIONS (table_name 'images')") for sort keys %options;
# One whose limits are not those of the test.
$node->safe_psql('postgres', "
	CREATE SERVER prompt FOREIGN DATA WRAPPER imagebuilder_fdw
		OPTIONS (endpoint_url '" . $endpoint->url . "');
	CREATE USER MAPPING FOR CURRENT_USER SERVER prompt OPTIONS (access_key_id 'AKIDEXAMPLE',
		secret_access_key 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
	CREATE FOREIGN TABLE public.prompt (arn text, name text) SERVER prompt
		OPTIONS (table_name 'images')");

# What is asked together with an image that is fetched at once, after a pause
# that is longer than the limit of all that is under way.
sub after_pause
{
	my ($table, @images) = @_;
	my $list = join "', '", map { arn($_) } @images;
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query("BEGIN; DECLARE c CURSOR FOR SELECT name FROM prompt WHERE arn = '" . arn('golden-linux/1.0.0/1') . "'
		UNION ALL SELECT name FROM $table WHERE arn IN ('$list')");
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
like($error, qr/the connection to .* failed\n.*timed out after \d+ ms while waiting for the answer/, 'no answer');
(undef, $error) = after_pause('images', 'fault-stall/1.0.0/1');
like($error, qr/the connection to .* failed\n.*timed out after \d+ ms while receiving the answer/, 'half an answer');
(undef, $error) = after_pause('unreached', 'golden-linux/1.0.0/1');
like($error, qr/could not connect to .*\n.*timed out after \d+ ms while connecting/, 'no connection');

$endpoint->stop;
done_testing();
