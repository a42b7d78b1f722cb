# TLS through nginx, with every bad kind of certificate; connections kept
# between statements, and replaced when the server has closed them.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

needs('nginx', 'openssl', 'tinyproxy');
my $endpoint = TestEndpoint->new;
my $dir = PostgreSQL::Test::Utils::tempdir();

# Two authorities, and certificates of the first: good, of another host,
# expired; and one that signed itself.
sub openssl { PostgreSQL::Test::Utils::system_or_bail('openssl', @_); return }
for my $ca ('ca', 'other')
{
	openssl(qw(req -x509 -newkey rsa:2048 -nodes -days 30), '-subj', "/CN=$ca",
		'-keyout', "$dir/$ca.key", '-out', "$dir/$ca.pem");
}
sub certify
{
	my ($name, $san, @dates) = @_;
	openssl(qw(req -newkey rsa:2048 -nodes), '-subj', "/CN=$name",
		'-keyout', "$dir/$name.key", '-out', "$dir/$name.csr");
	append_to_file("$dir/$name.ext", "subjectAltName=$san\n");
	append_to_file("$dir/index.$name", '');
	append_to_file("$dir/$name.cnf", "[ca]\ndefault_ca=d\n[d]\ndatabase=$dir/index.$name\n"
		  . "new_certs_dir=$dir\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nemail_in_dn=no\n"
		  . "[p]\ncommonName=supplied\n");
	openssl('ca', '-batch', '-config', "$dir/$name.cnf", '-cert', "$dir/ca.pem",
		'-keyfile', "$dir/ca.key", '-in', "$dir/$name.csr",
		'-out', "$dir/$name.pem", '-extfile', "$dir/$name.ext",
		@dates ? ('-startdate', $dates[0], '-enddate', $dates[1]) : ('-days', '10'));
	return;
}
certify('good', 'IP:127.0.0.1,IP:::1');
certify('otherhost', 'DNS:example.org');
certify('expired', 'IP:127.0.0.1', '20200101000000Z', '20210101000000Z');
certificate("$dir/self");

# nginx in front: one port for each certificate, one that speaks only TLS 1.1,
# one that closes idle connections after a second.
my @names = qw(good otherhost expired self old brief six proxy);
my %port;
# No other test takes these meanwhile, nor does the kernel give them to a connection.
$port{$_} = PostgreSQL::Test::Cluster::get_free_port() for @names;
my $servers = '';
for my $name (grep { $_ ne 'proxy' } @names)
{
	my $certificate = -e "$dir/$name.pem" ? $name : 'good';
	my $more = $name eq 'old' ? "ssl_protocols TLSv1.1; ssl_ciphers 'ALL:\@SECLEVEL=0';"
	  : $name eq 'brief' ? 'keepalive_timeout 1s;' : '';
	my $address = $name eq 'six' ? '[::1]' : '127.0.0.1';
	$servers .= "server { listen $address:$port{$name} ssl;
		ssl_certificate $dir/$certificate.pem; ssl_certificate_key $dir/$certificate.key; $more
		location / { proxy_pass " . $endpoint->url . "; proxy_http_version 1.1;
			proxy_set_header Connection ''; proxy_set_header Host \$http_host; } }\n";
}
append_to_file("$dir/nginx.conf",
	"pid $dir/nginx.pid; error_log $dir/error.log; daemon off; worker_processes 1;
	events {} http { log_format connections '\$connection \$request';
	access_log $dir/access.log connections; client_body_temp_path $dir/t1;
	proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
	uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5; $servers }\n");
my $nginx = IPC::Run::start([ '/usr/sbin/nginx', '-c', "$dir/nginx.conf", '-p', $dir ],
	'>', "$dir/nginx.out", '2>&1');
sub listens { return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port{ $_[0] }) }
wait_until { listens('good') } 'nginx listens';

# A proxy that wants a password, and connects to any port.
append_to_file("$dir/tinyproxy.conf", "Listen 127.0.0.1\nPort $port{proxy}\n"
	  . "BasicAuth user geheim\nLogFile \"$dir/tinyproxy.log\"\nLogLevel Connect\n"
	  . "MaxClients 50\nTimeout 60\n");
my $tinyproxy = IPC::Run::start([ '/usr/bin/tinyproxy', '-d', '-c', "$dir/tinyproxy.conf" ],
	'>', "$dir/tinyproxy.out", '2>&1');
wait_until { listens('proxy') } 'tinyproxy listens';
END { $_->kill_kill for grep { defined } $nginx, $tinyproxy }

my $golden = 'golden-linux/1.0.0/1';
my $node = new_cluster('main');
set_up($node, $endpoint->url);
my $n = 0;
# What a look-up through one of those ports, with that CA file, comes to.
sub through
{
	my ($name, $ca) = @_;
	my $server = 'tls' . ++$n;
	my $bundle = $ca ? ", ca_bundle '$ca'" : '';
	make_server($node, $server,
		"endpoint_url 'https://127.0.0.1:$port{$name}', max_attempts '1'$bundle");
	return attempt($node, name_query($golden, $server));
}
is(through('good', "$dir/ca.pem"), 'found golden-linux', 'TLS with a CA of our own');
like(through('good'),
	qr/^08001 .*could not connect to "127\.0\.0\.1:$port{good}".*certificate.*ca_bundle/,
	'the system does not know that CA');
like(through('good', "$dir/other.pem"), qr/^08001 .*certificate/, 'another CA');
like(through('otherhost', "$dir/ca.pem"),
	qr/^08001 .*does not match|^08001 .*no alternative certificate subject name matches/,
	'a certificate of another host');
like(through('expired', "$dir/ca.pem"), qr/^08001 .*expired/, 'a certificate that has expired');
like(through('self', "$dir/ca.pem"), qr/^08001 .*self.signed/, 'a certificate that signed itself');
like(through('old', "$dir/ca.pem"), qr/^08001 /, 'TLS 1.1');
like(through('good', "$dir/none.pem"), qr/^08001 .*none\.pem/, 'no such CA file');

# The first of these servers, again.
my $over_tls = name_query($golden, 'tls1');

# One connection serves a session's statements, over TLS and without.
sub connections_of
{
	my ($table, $statements) = @_;
	$endpoint->reset_counters;
	$node->safe_psql('postgres', join ';', (name_query($golden, $table)) x $statements);
	return $endpoint->counters->{connections} - 1;		# the counters' own is one
}
is(connections_of('images', 20), 1, 'twenty statements, one connection');
$node->safe_psql('postgres', join ';', ($over_tls) x 20);
my %kept;
# nginx writes its log after it has answered.
my $logged = sub {
	%kept = ();
	$kept{$_}++ for slurp_file("$dir/access.log") =~ /^(\d+) GET/gm;
	return grep { $_ == 20 } values %kept;
};
wait_until { $logged->() } 'nginx has logged twenty requests';
is(scalar(grep { $_ == 20 } values %kept), 1,
	'twenty statements, one TLS connection, by nginx\'s log')
  or diag(slurp_file("$dir/access.log"));

# A connection that was closed while idle is replaced without a retry.
my $image = name_query($golden);
my $asked = 0;
my $session = $node->background_psql('postgres');
is($session->query($image), 'golden-linux', 'before the server closes');
$endpoint->control('POST', 'close-idle');
is($session->query($image), 'golden-linux', 'after the server has closed');
is($session->query('SELECT requests, retries FROM imagebuilder_fdw_stats()'), '2|0',
	'it cost no retry');
$session->quit;

# Connections are the server's and the mapping's: none outlives a change of them.
$session = $node->background_psql('postgres');
$endpoint->reset_counters;
my $connections = sub { return $endpoint->counters->{connections} - ++$asked };
$session->query($image) for 1 .. 3;
is($connections->(), 1, 'three statements, one connection');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD max_attempts '4')");
$session->query($image) for 1 .. 3;
is($connections->(), 2, 'another after ALTER SERVER');
$node->safe_psql('postgres', "ALTER USER MAPPING FOR CURRENT_USER SERVER aws
	OPTIONS (SET access_key_id 'AKIDEXAMPLE')");
$session->query($image) for 1 .. 3;
is($connections->(), 3, 'another after ALTER USER MAPPING');
# While a cursor keeps look-ups under way they go on, and what comes next is new.
$session->query("BEGIN; DECLARE c CURSOR FOR SELECT name FROM images WHERE arn IN "
	  . in_list(map { arn("fault-slow/1.0.0/$_") } 1 .. 4) . "; FETCH c");
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (SET max_attempts '3')");
is($session->query($image), 'golden-linux', 'look-ups during a change');
is($session->query('FETCH ALL c; COMMIT'), join("\n", ('golden-linux') x 3),
	'those under way end as they began');
$session->quit;

# nginx closes idle connections after a second.  The session's end of one is in the
# state CLOSE_WAIT (8) as soon as the kernel knows that.
sub closed
{
	my ($session) = @_;
	my $port = sprintf '%04X', $port{brief};
	my $pid = $session->query('SELECT pg_backend_pid()');
	my %inodes = map { $_ => 1 } map { (readlink($_) // '') =~ /^socket:\[(\d+)\]/ }
	  glob "/proc/$pid/fd/*";
	my @states = map { [ (split)[ 2, 3, 9 ] ] } split /\n/, slurp_file('/proc/net/tcp');
	return grep { $_->[0] =~ /:$port$/ && $_->[1] eq '08' && $inodes{ $_->[2] } } @states;
}
like(through('brief', "$dir/ca.pem"), qr/^found/, 'before nginx closes');
$session = $node->background_psql('postgres');
my $brief = name_query($golden, "tls$n");
$session->query($brief);
ok((wait_until { closed($session) } 'nginx closes the connection'), 'nginx closes');
is($session->query($brief), 'golden-linux', 'after nginx has closed');
is($session->query('SELECT requests, retries FROM imagebuilder_fdw_stats()'), '2|0',
	'it cost no retry either');
$session->quit;

# A certificate authority that is no longer trusted: by another file, and by
# another content of the same file.
$session = session_of($node);
is($session->query($over_tls), 'golden-linux', 'a connection is made and kept');
$node->safe_psql('postgres', "ALTER SERVER tls1 OPTIONS (SET ca_bundle '$dir/other.pem')");
$session->query($over_tls);
like($session->{stderr}, qr/could not connect.*\n.*certificate/,
	'it is not used with another ca_bundle');
$session->{stderr} = '';
append_to_file("$dir/trusted.pem", slurp_file("$dir/ca.pem"));
$node->safe_psql('postgres', "ALTER SERVER tls1 OPTIONS (SET ca_bundle '$dir/trusted.pem',
	SET endpoint_url 'https://127.0.0.1:$port{brief}')");
is($session->query($over_tls), 'golden-linux', 'a file of trusted authorities');
unlink "$dir/trusted.pem";
append_to_file("$dir/trusted.pem", slurp_file("$dir/other.pem"));
ok((wait_until { closed($session) } 'nginx closes the connection'), 'nginx closes that one');
$session->query($over_tls);
like($session->{stderr}, qr/could not connect.*\n.*certificate/,
	'its new content counts for new connections');
$session->quit;

# IPv6; and a name that has addresses of both kinds, of which one is listened at.
make_server($node, 'six',
	"endpoint_url 'https://[::1]:$port{six}', max_attempts '1', ca_bundle '$dir/ca.pem'");
make_server($node, 'double',
	"endpoint_url 'http://localhost:" . $endpoint->port . "', max_attempts '1'");
is(attempt($node, $image =~ s/images/six/r), 'found golden-linux', 'IPv6');
is(attempt($node, $image =~ s/images/double/r), 'found golden-linux',
	'a name with several addresses');

# A proxy, over TLS and without: asked to connect, and told nothing else.
for my $case ([ 'plain', $endpoint->url ], [ 'secure', "https://127.0.0.1:$port{good}" ])
{
	my ($name, $url) = @$case;
	make_server($node, $name, "endpoint_url '$url', max_attempts '1', ca_bundle '$dir/ca.pem',"
		. " proxy 'http://user:geheim\@127.0.0.1:$port{proxy}'");
	is(attempt($node, $image =~ s/images/$name/r), 'found golden-linux', "proxy, $name");
	my ($host) = $url =~ m{//(.*)};
	ok((wait_until { slurp_file("$dir/tinyproxy.log") =~ /CONNECT \Q$host\E/ } 'it is logged'),
		"proxy, $name: asked to connect");
	my $proxy = 'http://user:falsch@127.0.0.1';
	$node->safe_psql('postgres', "ALTER SERVER $name OPTIONS (SET proxy '$proxy:$port{proxy}')");
	my $outcome = attempt($node, $image =~ s/images/$name/r);
	like($outcome, qr/^08001 .*proxy answered with HTTP status 40[17]/,
		"proxy, $name: wrong password");
	unlike($outcome, qr/falsch/, "proxy, $name: which is not shown");
	$node->safe_psql('postgres', "ALTER SERVER $name OPTIONS (SET proxy '$proxy:1')");
	$outcome = attempt($node, $image =~ s/images/$name/r);
	like($outcome, qr/^08001 /, "proxy, $name: nobody there");
	unlike($outcome, qr/falsch/, "proxy, $name: nothing shown");
}
unlike(slurp_file("$dir/tinyproxy.log"), qr/Authorization|AWS4|GetImage/,
	'the proxy does not see requests');

# An endpoint below a path, signed as it is sent.
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (SET endpoint_url '" . $endpoint->url
	  . "/a%20b/c')");
is(attempt($node, $image), 'found golden-linux', 'a base path');

# The environment names a proxy; nobody asks it.
$node->stop;
{
	local %ENV = (%ENV, map { $_ => 'http://127.0.0.1:1' }
		  map { ($_, uc) } qw(http_proxy https_proxy all_proxy));
	$node->start;
}
is(attempt($node, $image), 'found golden-linux', 'the environment\'s proxy is not consulted');

$endpoint->stop;
done_testing();
