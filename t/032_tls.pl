# An authority that is no longer trusted is not by a TLS session of its time
# either; and the system's authorities, which are read once for all connections.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;
use TestWire;

needs('gcc', 'openssl');
my $dir = PostgreSQL::Test::Utils::tempdir();
my @tls = certificate("$dir/good");
certificate("$dir/other");
# Python's TLS gives tickets for sessions.
my $endpoint = TestEndpoint->new(@tls);
append_to_file("$dir/trusted.pem", slurp_file("$dir/good.pem"));
my $node = new_cluster('main');
set_up($node, $endpoint->url, options => "max_attempts '1', ca_bundle '$dir/trusted.pem'");
my $image = name_query('golden-linux/1.0.0/1');
# Makes the endpoint close what it has answered: the next look-up connects anew.
my $last = name_query('fault-nokeepalive/1.0.0/1');

my $session = session_of($node);
is($session->query($last), 'golden-linux', 'an authority that is trusted');
unlink "$dir/trusted.pem";
append_to_file("$dir/trusted.pem", slurp_file("$dir/other.pem"));
$session->query($image);
like($session->{stderr}, qr/could not connect.*\n.*certificate/,
	'another one in the same file: a new connection is verified');
$session->quit;

# ---- the system's authorities -----------------------------------------------------

# libcurl before 7.70 does not tell which file that is, and reads it itself.
my ($version) = run_command([qw(curl-config --vernum)]);
if (hex($version) < 0x074600)
{
	$endpoint->stop;
	done_testing();
	exit;
}

# The session takes this file for the one that libcurl has by default.
my $system = "$dir/system.pem";
my $default = compile("$dir/default", '
#include <curl/curl.h>
#include <dlfcn.h>
curl_version_info_data *curl_version_info(CURLversion age)
{
	curl_version_info_data *(*real) (CURLversion) = dlsym(RTLD_NEXT, "curl_version_info");
	static curl_version_info_data info;
	info = *real(age);
	info.cainfo = "' . $system . '";
	return &info;
}
', '-ldl');
sub trust
{
	unlink $system;
	append_to_file($system, join '', @_) if @_;
	return;
}
my ($good, $other) = map { slurp_file("$dir/$_.pem") } qw(good other);
my $silent = TestWire->new;
$node->stop;
{
	local $ENV{LD_PRELOAD} = $default;
	$node->start;
}
make_server($node, 'system', "max_attempts '1', endpoint_url '" . $endpoint->url . "'");
make_server($node, 'silent', "endpoint_url 'https://127.0.0.1:$silent->{port}'");
$last =~ s/images/"system"/;
my $refused = qr/could not connect.*\n.*certificate/;
$session = session_of($node);
trust($other);
like(in_session($session, $last), $refused, "one that is none of the system's authorities");
trust($other, $good);
is(in_session($session, $last), 'golden-linux', '... is trusted once it is in the file');
is(in_session($session, $last), 'golden-linux', '... by the next connection, too');
trust();
like(in_session($session, $last), $refused, 'without the file');
trust($good, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
like(in_session($session, $last), $refused,
	'a file that cannot be read to its end is left to libcurl');

# Tens of thousands of authorities take seconds to read.
trust(($other) x 20000);
$last =~ s/"system"/silent/;
like(in_session($session, "SET statement_timeout = '200ms'; $last"),
	qr/canceling statement due to statement timeout/, 'statement_timeout while they are read');
is($silent->connections, 0, '... acts before the connection is made');
$session->quit;

$_->stop for $endpoint, $silent;
done_testing();
