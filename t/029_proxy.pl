# Proxies: one over TLS, ones that fail, and an environment that excepts hosts.
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

# Start a proxy; returns its URL.
my %proxies;
sub proxy
{
	my ($name, @options) = @_;
	$proxies{$name} = TestStandIn->start_program('proxy.py', '--log', "$dir/$name.log", @options);
	return $proxies{$name}->url;
}

my $endpoint = TestEndpoint->new;
my $secure = TestEndpoint->new(@tls);
my $node = new_cluster('main');
set_up($node, $endpoint->url);
my $n = 0;
# What a look-up through a proxy comes to.
sub through
{
	my ($proxy, $url, $ca) = @_;
	my $server = 'proxied' . ++$n;
	my $bundle = $ca ? ", ca_bundle '$dir/$ca.pem'" : '';
	make_server($node, $server, "endpoint_url '$url', proxy '$proxy', max_attempts '1'$bundle");
	return attempt($node, name_query('golden-linux/1.0.0/1', $server));
}

# ca_bundle's authorities are the proxy's too.
my $tls = proxy('tls', @tls);
is(through($tls, $endpoint->url, 'good'), 'found golden-linux', 'a proxy over TLS');
is(through($tls, $secure->url, 'good'), 'found golden-linux', 'a proxy over TLS, the endpoint too');
is(scalar(() = slurp_file("$dir/tls.log") =~ /^CONNECT /gm), 2, 'which were asked');
like(through($tls, $endpoint->url, 'other'),
	qr/^08001 .*certificate/, 'a proxy of another authority');
like(through($tls, $endpoint->url), qr/^08001 .*certificate/,
	'a proxy that the system does not know');

# Without a connection through it there is none to the endpoint.
for my $mode ('close', 'garbage')
{
	my $proxy = proxy($mode, '--mode', $mode);
	like(through($proxy, $_->url, 'good'), qr/^08001 [|] .*: could not connect to /,
		"a proxy's $mode, " . $_->url) for $endpoint, $secure;
}

# What libcurl could not decode it would ignore, and the proxy with it.
my $invalid = 'its user name and password must hold no control characters';
for my $user (map { ("us%${_}er", "user:ge%${_}heim") } qw(00 0a 1F))
{
	my $url = "http://$user\@127.0.0.1:1";
	my (undef, undef, $error) = $node->psql('postgres',
		"CREATE SERVER refused FOREIGN DATA WRAPPER imagebuilder_fdw OPTIONS (proxy '$url')");
	like($error, qr/invalid value for option "proxy": $invalid/, "refused: $url");
}

# The environment excepts hosts from a proxy; not from ours.
for my $name (qw(no_proxy NO_PROXY))
{
	$node->stop;
	{
		local $ENV{$name} = '*';
		$node->start;
	}
	like(through('http://127.0.0.1:1', $endpoint->url), qr/^08001 /, "$name is not consulted");
}

$_->stop for $endpoint, $secure;
done_testing();
