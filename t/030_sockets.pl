# Sockets that libcurl closes in silence are neither counted nor waited for any
# longer; and no program that the session runs inherits any.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

my $endpoint = TestEndpoint->new;
my $node = new_cluster('main');
# A third of these may be sockets: so that a leak shows soon.
$node->append_conf('postgresql.conf', 'max_files_per_process = 200');
$node->restart;
set_up($node, $endpoint->url, options => "max_attempts '1'");
my $image = "SELECT name FROM images WHERE arn = '" . arn('golden-linux/1.0.0/1') . "'";

# A listener whose queue is full: connections to it hang.
my $full = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', Proto => 'tcp') or die $!;
my @fillers = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $full->sockport, Proto => 'tcp', Blocking => 0) } 1 .. 8;
$node->safe_psql('postgres', "
	CREATE SERVER full_queue FOREIGN DATA WRAPPER imagebuilder_fdw
		OPTIONS (endpoint_url 'http://127.0.0.1:" . $full->sockport . "', connect_timeout '5ms', max_attempts '1');
	CREATE USER MAPPING FOR CURRENT_USER SERVER full_queue OPTIONS (access_key_id 'AKIDEXAMPLE', secret_access_key 'x');
	CREATE FOREIGN TABLE public.full_queue (arn text, name text) SERVER full_queue OPTIONS (table_name 'images')");

my $session;
# How often each outcome of a command has come about, errors by their message.
my $outcomes = sub {
	my ($command, $times) = @_;
	return $session->query("SELECT string_agg(DISTINCT regexp_replace(attempt(\$a\$$command\$a\$), ' [|].*', ''), ', ') FROM generate_series(1, $times)");
};
$session = $node->background_psql('postgres', on_error_stop => 0);
like($outcomes->("SELECT name FROM full_queue WHERE arn = '" . arn('a/1.0.0/1') . "'", 100),
	qr/^08001$/, 'a hundred connections that time out');
is($session->query($image), 'golden-linux', 'leave the session as it was');
$session->quit;

# Connections that are dropped as they are made, their numbers used again at once.
$session = $node->background_psql('postgres', on_error_stop => 0);
my @arns = map { (arn("fault-e500-0/1.0.0/$_"), arn("fault-hugemessage/1.0.0/$_")) } 1 .. 4;
unlike($outcomes->("SELECT name FROM images WHERE arn IN ('" . join("', '", @arns) . "') LIMIT 3", 200),
	qr/XX/, 'connections dropped and made anew');
is($session->query($image), 'golden-linux', 'leave it as it was too');
$session->quit;

# What a program of COPY's has open: what it inherits, and the directory that it lists.
$session = $node->background_psql('postgres', on_error_stop => 0);
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
