# An authority that is no longer trusted is not by a TLS session of its time
# either.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

needs('openssl');
my $dir = PostgreSQL::Test::Utils::tempdir();
my @tls = certificate("$dir/good");
certificate("$dir/other");
# Python's TLS gives tickets for sessions.
my $endpoint = TestEndpoint->new(@tls);
append_to_file("$dir/trusted.pem", slurp_file("$dir/good.pem"));
my $node = new_cluster('main');
set_up($node, $endpoint->url, options => "max_attempts '1', ca_bundle '$dir/trusted.pem'");
my $image = "SELECT name FROM images WHERE arn = '" . arn('golden-linux/1.0.0/1') . "'";
# Makes the endpoint close what it has answered: the next look-up connects anew.
my $last = "SELECT name FROM images WHERE arn = '" . arn('fault-nokeepalive/1.0.0/1') . "'";

my $session = session_of($node);
is($session->query($last), 'golden-linux', 'an authority that is trusted');
unlink "$dir/trusted.pem";
append_to_file("$dir/trusted.pem", slurp_file("$dir/other.pem"));
$session->query($image);
like($session->{stderr}, qr/could not connect.*\n.*certificate/, 'another one in the same file: a new connection is verified');
$session->quit;

$endpoint->stop;
done_testing();
