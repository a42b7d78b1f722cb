# Sockets that libcurl closes in silence are neither counted nor waited for any
# longer; and no program that the session runs inherits any.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

my $endpoint = TestEndpoint->new;
# A third of these may be sockets: so that a leak shows soon.
my $node = new_cluster('main', conf => 'max_files_per_process = 200');
set_up($node, $endpoint->url, options => "max_attempts '1'");
my $image = name_query('golden-linux/1.0.0/1');

make_server($node, 'full_queue', "endpoint_url 'http://127.0.0.1:" . hanging_port()
	. "', connect_timeout '5ms', max_attempts '1'");

my $session;
# How often each outcome of a command has come about, errors by their message.
my $outcomes = sub {
	my ($command, $times) = @_;
	return $session->query("SELECT string_agg(DISTINCT
		regexp_replace(attempt(\$a\$$command\$a\$), ' [|].*', ''), ', ')
		FROM generate_series(1, $times)");
};
$session = session_of($node);
like($outcomes->(name_query('a/1.0.0/1', 'full_queue'), 100),
	qr/^08001$/, 'a hundred connections that time out');
is($session->query($image), 'golden-linux', 'leave the session as it was');
$session->quit;

# Connections that are dropped as they are made, their numbers used again at once.
$session = session_of($node);
my @arns = map { (arn("fault-e500-0/1.0.0/$_"), arn("fault-hugemessage/1.0.0/$_")) } 1 .. 4;
unlike($outcomes->("SELECT name FROM images WHERE arn IN " . in_list(@arns) . " LIMIT 3", 200),
	qr/XX/, 'connections dropped and made anew');
is($session->query($image), 'golden-linux', 'leave it as it was too');
$session->quit;

# What a program of COPY's has open: what it inherits, and the directory that it lists.
$session = session_of($node);
$session->query('CREATE TEMP TABLE fds (line text)');
my $inherited = sub {
	$session->query("TRUNCATE fds; COPY fds FROM PROGRAM 'readlink /proc/self/fd/*; true'");
	return $session->query("SELECT string_agg(regexp_replace(line, '\\[.*', ''), ' ' ORDER BY 1)
		FROM fds WHERE line ~ '^(socket|anon_inode)'");
};
my $before = $inherited->();
is($session->query($image), 'golden-linux', 'a look-up, whose connection is kept');
is($inherited->(), $before, 'leaves no socket that programs inherit');
$session->quit;

$endpoint->stop;
done_testing();
