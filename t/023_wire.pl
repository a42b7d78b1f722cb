# What an endpoint or a proxy may send, byte for byte: answers that are cut or
# malformed, and ones without an end, which neither keep a session from what
# interrupts it nor are received beyond a bound.
use strict;
use warnings FATAL => 'all';

use FindBin;
use List::Util qw(sum);
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;
use TestWire;
use Time::HiRes qw(time);

needs('openssl', 'python3-cryptography');
# Far more than the 100 ms that are promised, since machines are busy with other
# things, and far less than what a session that cannot be interrupted takes.
my $AT_ONCE = 30;

my $dir = PostgreSQL::Test::Utils::tempdir();
my @tls = certificate("$dir/tls");
my $wire = TestWire->new;
my $tickets = TestWire->new(@tls, '--tickets', 1000000000);
# Record after record that a client's TLS skips: small ones, and large ones.
my %hello = (small => TestWire->new('--hello-requests', 1),
	large => TestWire->new('--hello-requests', 4096));
# Messages of handshakes without end once the handshake is complete and a request has come.
my %after = map {
	$_ => TestWire->new(@tls, '--tls', $_) } qw(1.2 1.3);
my @wires = ($wire, $tickets, values %hello, values %after);
my $node = new_cluster('main');
set_up($node, "http://127.0.0.1:$wire->{port}",
	options => "max_attempts '1', max_response_size '64kB'");

# A server of its own, and the table "images" there.
sub server
{
	my ($name, $options) = @_;
	$options .= ", max_attempts '1'" unless $options =~ /max_attempts/;
	make_server($node, $name, $options);
	return;
}

# Have the servers' credentials be those of a role, for which STS is asked.
sub assume_role
{
	$node->safe_psql('postgres', qq{ALTER USER MAPPING FOR CURRENT_USER SERVER "$_"
		OPTIONS (ADD role_arn 'arn:aws:iam::123456789012:role/r')}) for @_;
	return;
}

sub lookup
{
	my ($name, $table) = @_;
	$table //= 'images';
	return qq{SELECT name FROM "$table" WHERE arn = '} . arn("$name/1.0.0/1") . q{'};
}

# ---- answers that are cut -------------------------------------------------------

my $body = '{"requestId":"r","image":{"name":"n"}}';
my $length = length $body;
my $ok = "HTTP/1.1 200 OK\r\n";
my %whole = (
	length => [ $ok . "Content-Type: application/json\r\nContent-Length: $length\r\n\r\n$body",
		'found n' ],
	chunks => [ $ok . "Transfer-Encoding: chunked\r\nTrailer: T\r\n\r\n"
		  . sprintf("%x;e=1\r\n%s\r\n0\r\nT: 1\r\n\r\n", $length, $body),
		'found n' ],
	missing => [ "HTTP/1.1 404 Not Found\r\nx-amzn-ErrorType: ResourceNotFoundException\r\n"
		  . "Content-Length: 2\r\n\r\n{}", 'nothing' ],
	interim => [ "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
		  . "${ok}Content-Length: $length\r\n\r\n$body", 'found n' ],
	map({ ("chunks-none$_->[0]" => [ $ok . "Transfer-Encoding: chunked\r\n$_->[1]\r\n0\r\n\r\n",
				qr/^HV00M .*The body of 0 bytes stops being JSON/ ]) }
		[ '', '' ], [ '-close', "Connection: close\r\n" ]));
my $arn = arn('NAME/1.0.0/1');
for my $kind (sort keys %whole)
{
	my ($answer, $result) = @{ $whole{$kind} };
	my $last = length $answer;
	$wire->add("$kind-$_", send => substr $answer, 0, $_) for 0 .. $last;
	# libcurl 7.88 does not miss the last line feed after the last chunk, newer ones do.
	my $most = $last - ($kind =~ /^chunks/);
	my $outcomes = $node->safe_psql('postgres', "
		SELECT string_agg(DISTINCT left(attempt(format('SELECT name FROM images WHERE arn = %L',
			replace('$arn', 'NAME', '$kind-' || n))), 8), E'\\n')
		FROM generate_series(0, $most - 1) n");
	is($outcomes, '08006 | ', "$kind: cut at any of $most bytes, a connection that is lost");
	$result = qr/^$result$/ unless ref $result;
	like(attempt($node, lookup("$kind-$last")), $result, "$kind: whole");
}

# A lost connection is tried again.
$wire->add('retried', send => substr $whole{missing}[0], 0, 30);
server('three', "endpoint_url 'http://127.0.0.1:$wire->{port}', max_attempts '3'");
like(attempt($node, lookup('retried', 'three')),
	qr/^08006 .*ended within the answer's headers \(3 attempts\)/, 'cut, and tried again');

# ---- answers that are not HTTP, or too much -------------------------------------

my $flood = "X-Filler: " . 'f' x 1000 . "\r\n";
my $chunked = $ok . "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n";
my $malformed = qr/^HV00M \| .*: the answer is not a GetImage response \| Host /;
my $large = qr/^HV00M .*the headers are larger than 262144 bytes/;
my @answers = (
	[ 'chunk-size-0x', $malformed,
		send => $ok . "Transfer-Encoding: chunked\r\n\r\n0x5\r\nxxxxx\r\n0\r\n\r\n" ],
	[ 'chunk-size-none', $malformed, send => $ok . "Transfer-Encoding: chunked\r\n\r\nxyz\r\n" ],
	[ 'chunk-size-long', $malformed,
		send => $ok . "Transfer-Encoding: chunked\r\n\r\n" . 'f' x 40 . "\r\n" ],
	[ 'chunk-too-long', $malformed,
		send => $ok . "Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n0\r\n\r\n" ],
	# Newer libcurl takes what is folded for the end of the status line.
	[ 'folded-first', qr/$malformed|^found n$/,
		send => $ok . " folded: x\r\nContent-Length: $length\r\n\r\n$body" ],
	[ 'no-header', $malformed, send => $ok . "nothing\r\nContent-Length: $length\r\n\r\n$body" ],
	[ 'no-trailer', $malformed, send => $chunked . "0\r\nnothing\r\n\r\n" ],
	[ 'status-of-4-digits', qr/^HV00M /, send => "HTTP/1.1 2000 OK\r\n\r\n" ],
	[ 'version', $malformed, send => "HTTP/7.3 200 OK\r\n\r\n" ],
	[ 'length-negative', $malformed, send => $ok . "Content-Length: -1\r\n\r\n$body" ],
	[ 'encoding', $malformed, send => $ok . "Transfer-Encoding: squeezed\r\n\r\n$body" ],
	# More than a connection takes in at once is neither sent nor received.
	[ 'length-too-large', qr/^54000 .*larger than 65536 bytes.*max_response_size/,
		send => $ok . "Content-Length: 65537\r\n\r\n", hold => 1 ],
	[ 'length-huge', qr/^54000 /,
		send => $ok . "Content-Length: 9000000000000000000\r\n\r\n", hold => 1 ],
	[ 'error-with-a-length', qr/^42501 /,
		send => "HTTP/1.1 403 x\r\nContent-Length: 100000\r\n\r\n", repeat => 'x' ],
	[ 'body-too-large', qr/^54000 /, send => $ok . "\r\n", repeat => 'x' ],
	[ 'headers-too-large', $large, send => $ok, repeat => $flood ],
	[ 'headers-small', $large, send => $ok, repeat => "a:b\r\n" ],
	[ 'header-too-long', $malformed, send => $ok . 'X-Long: ', repeat => 'x' ],
	[ 'status-too-long', $malformed, send => 'HTTP/1.1 200 ', repeat => 'x' ],
	[ 'folds', $malformed, send => $ok . "X-Fold: x\r\n", repeat => " x\r\n" ],
	[ 'interim-100', $large, repeat => "HTTP/1.1 100 Continue\r\n\r\n" ],
	[ 'interim-103', $large, repeat => "HTTP/1.1 103 Early Hints\r\n$flood\r\n" ],
	[ 'trailers', $large, send => $chunked . "0\r\n", repeat => "a:b\r\n" ],
	[ 'trailers-large', $large, send => $chunked . "0\r\n", repeat => $flood ],
	[ 'trailer-too-long', $malformed, send => $chunked . "0\r\nT: ", repeat => 'x' ],
	# A NUL, at which a copy of what libcurl passes on would end.
	[ 'nul-in-status', $malformed, send => "HTTP/1.1 200 O\0K\r\n\r\n$body" ],
	[ 'nul-in-name', $malformed, send => $ok . "A\0: b\r\n\r\n$body" ],
	[ 'nul-in-value', $malformed, send => $ok . "A: b\0c\r\n\r\n$body" ],
	[ 'nul-for-value', $malformed, send => $ok . "A:\0\r\n\r\n$body" ],
	[ 'nul-after-value', $malformed, send => $ok . "A: b\0\r\n\r\n$body" ],
	[ 'nul-in-interim', $malformed,
		send => "HTTP/1.1 103 x\r\nA: \0\r\n\r\n${ok}\r\n$body" ],
	[ 'nul-in-error', $malformed,
		send => "HTTP/1.1 403 x\r\nx-amzn-RequestId: a\0b\r\nContent-Length: 0\r\n\r\n" ],
	[ 'nul-in-trailer', $malformed, send => $ok . "Transfer-Encoding: chunked\r\n\r\n"
		  . sprintf("%x\r\n%s\r\n0\r\nT: a\0b\r\n\r\n", $length, $body) ]);
# The bound of libcurl itself may come before ours; and counts, not bytes.
$_->[1] eq $large and $_->[1] = qr/$malformed|$large/ for @answers;
for (@answers)
{
	my ($name, $expected, %case) = @$_;
	$wire->add($name, %case);
	my $start = time;
	like(attempt($node, lookup($name)), $expected, $name);
	cmp_ok(time - $start, '<', 30, "$name: ended before request_timeout");
}
$wire->add('trailers-few', send => $ok . "Transfer-Encoding: chunked\r\n\r\n"
	  . sprintf("%x\r\n%s\r\n0\r\nHTTP/1.1 404: x\r\n\r\n", $length, $body));
is(attempt($node, lookup('trailers-few')), 'found n', 'a trailer is not looked at');

# The copies of STS's headers are wiped, as long as they were allocated.
for my $size (1, 100, 10000)
{
	$wire->add("sts-$size", send => "HTTP/1.1 403 x\r\nx-amzn-RequestId: a\0" . 'b' x $size
		  . "\r\nContent-Length: 2\r\n\r\n{}");
	server("sts-$size", "sts_endpoint_url 'http://127.0.0.1:$wire->{port}/sts-$size'");
	assume_role("sts-$size");
	like(attempt($node, lookup('whole', "sts-$size")), qr/^HV00M .*could not be assumed/,
		"a NUL and $size bytes in a header of STS");
}

# ---- proxies --------------------------------------------------------------------

my $proxy = "proxy 'http://127.0.0.1:$wire->{port}'";
my @proxies = (
	[ 'p-407-length', qr/^08001 .*407, which asks for a user name/,
		send => "HTTP/1.1 407 x\r\nContent-Length: 10000000000\r\n\r\n", repeat => 'x' ],
	[ 'p-407-chunks', qr/^08001 .*407/,
		send => "HTTP/1.1 407 x\r\nTransfer-Encoding: chunked\r\n\r\n",
		repeat => "5\r\nxxxxx\r\n" ],
	[ 'p-407-auth', qr/^08001 .*407/,
		send => "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm=x\r\n"
		  . "Content-Length: 10000000000\r\n\r\n",
		repeat => 'x' ],
	[ 'p-502', qr/^08001 .*502/,
		send => "HTTP/1.1 502 x\r\nContent-Length: 10000000000\r\n\r\n", repeat => 'x' ],
	[ 'p-headers', qr/^08001 /, send => "HTTP/1.1 200 x\r\n", repeat => "a:b\r\n" ],
	[ 'p-headers-407', qr/^08001 /, send => "HTTP/1.1 407 x\r\n", repeat => $flood ],
	[ 'p-header', qr/^08001 /, send => "HTTP/1.1 200 x\r\nX-Long: ", repeat => 'x' ],
	[ 'p-interim', qr/^08001 /, repeat => "HTTP/1.1 100 Continue\r\n\r\n" ],
	[ 'p-nul', qr/^08001 /, send => "HTTP/1.1 407 x\r\nX-Nul: a\0b\r\n\r\n" ],
	[ 'p-cut', qr/^08001 /, send => "HTTP/1.1 200 x\r\nX-Cut" ],
	[ 'p-folds', qr/^08001 /, send => "HTTP/1.1 200 x\r\nX-Fold:\r\n", repeat => ' ' ]);
for (@proxies)
{
	my ($name, $expected, %case) = @$_;
	$wire->add($name, %case);
	server($name, "$proxy, endpoint_url 'https://$name', connect_timeout '3s'");
	my $start = time;
	like(attempt($node, lookup('whole', $name)), $expected, $name);
	cmp_ok(time - $start, '<', 3 + $AT_ONCE, "$name: ended by connect_timeout");
}

# The connection that is kept ends, and the next one is refused.
{
	server('p-again', "$proxy, endpoint_url 'http://p-again'");
	$wire->add('p-again', tunnel => 1);
	my $session = session_of($node);
	is($session->query(lookup('whole', 'p-again')), 'whole', 'p-again: an answer');
	$wire->add('p-again', %{ { @{ $proxies[0] }[ 2 .. 5 ] } });
	like($session->query('SELECT attempt($a$' . lookup('whole', 'p-again') . '$a$)'),
		qr/^08001 .*407/, 'p-again: refused, the next time');
	$session->quit;
}

# ---- what nothing but time ends -------------------------------------------------

$wire->add('e-chunk-extension',
	send => $ok . "Transfer-Encoding: chunked\r\n\r\n2;", repeat => 'x');
$wire->add('e-slow-status', repeat => 'HTTP/1.1 200 ', pause => 0.01);
$wire->add('e-slow-header', send => $ok, repeat => 'x', pause => 0.01);
$wire->add('e-slow-interim', repeat => "HTTP/1.1 100 Continue\r\n\r\n", pause => 0.01);
$wire->add('e-slow-body', send => $ok . "\r\n", repeat => ' ', pause => 0.01);
$wire->add('e-slow-trailer', send => $chunked . "0\r\n", repeat => "a: b\r\n", pause => 0.01);
$wire->add('p-slow-header', send => "HTTP/1.1 200 x\r\n", repeat => "a: b\r\n", pause => 0.01);
$wire->add('p-silent', hold => 1);
server('p-slow-header', "$proxy, endpoint_url 'https://p-slow-header', connect_timeout '1s'");
server('p-silent', "$proxy, endpoint_url 'https://p-silent', connect_timeout '1s'");
my $ticket_server = "endpoint_url 'https://127.0.0.1:$tickets->{port}', ca_bundle '$dir/tls.pem'";
server('e-tickets', "$ticket_server, request_timeout '1s'");
server('e-wire', "endpoint_url 'http://127.0.0.1:$wire->{port}', request_timeout '1s'");
$tickets->add('whole', hold => 1);
my %hellos;
for my $size (sort keys %hello)
{
	my $url = "https://127.0.0.1:$hello{$size}{port}";
	my %options = (
		"e-hello-$size" => "endpoint_url '$url'",
		"p-hello-$size" => "proxy '$url', endpoint_url 'https://127.0.0.1:1'",
		"p-hello-$size-http" => "proxy '$url', endpoint_url 'http://127.0.0.1:1'",
		"sts-hello-$size" => "sts_endpoint_url '$url'");
	for my $name (keys %options)
	{
		server($name, "$options{$name}, connect_timeout '1s'");
		server("$name-long", "$options{$name}, connect_timeout '10min'");
		$hellos{$name} = lookup('whole', $name);
		assume_role($name, "$name-long") if $name =~ /^sts/;
	}
}
# Name, version of TLS, kind of message, how many are in a record.
my %afters;
for ([ 'hello-small', '1.2', 'hello_requests', 1 ],
	[ 'hello-large', '1.2', 'hello_requests', 4096 ],
	[ 'key-updates', '1.3', 'key_updates', 1 ],
	[ 'tickets-small', '1.3', 'tickets', 1 ], [ 'tickets-large', '1.3', 'tickets', 300 ])
{
	my ($kind, $version, $flood, $count) = @$_;
	my $url = "https://127.0.0.1:$after{$version}{port}";
	my %flood = (flood => $flood, count => $count);
	$after{$version}->add($kind, %flood);
	$after{$version}->add("tunnel-$kind", send => "HTTP/1.1 200 x\r\n\r\n", %flood);
	my %options = (
		e => [ "endpoint_url '$url'", 'request_timeout' ],
		sts => [ "sts_endpoint_url '$url/$kind'", 'request_timeout' ],
		p => [ "proxy '$url', endpoint_url 'https://$kind'", 'connect_timeout' ],
		'p-tunnel' => [ "proxy '$url', endpoint_url 'https://tunnel-$kind'", 'connect_timeout' ]);
	delete $options{'p-tunnel'} unless $kind =~ /^hello-large|^key/;
	for my $peer (keys %options)
	{
		my $name = "$peer-after-$kind";
		my ($options, $limit) = @{ $options{$peer} };
		server($name, "$options, ca_bundle '$dir/tls.pem', $limit '1s'");
		server("$name-long", "$options, ca_bundle '$dir/tls.pem', $limit '10min'");
		$afters{$name} = lookup($kind, $name);
		assume_role($name, "$name-long") if $peer eq 'sts';
	}
}
my %endless = (
	%hellos,
	%afters,
	(map { ("e-$_" => lookup("e-$_", 'e-wire')) }
		  qw(chunk-extension slow-status slow-header slow-interim slow-body slow-trailer)),
	(map { $_ => lookup('whole', $_) } qw(p-slow-header p-silent e-tickets)));
# Each again, with time-outs that are none.
server("$_-long", "$proxy, endpoint_url 'https://$_', connect_timeout '10min'")
  for qw(p-slow-header p-silent);
server('e-tickets-long', "$ticket_server, request_timeout '10min'");
server('e-wire-long', "endpoint_url 'http://127.0.0.1:$wire->{port}', request_timeout '10min'");

# A look-up that tells that the session works.
$wire->add('works', send => $whole{length}[0]);
my $works = lookup('works');

# How often the peers have begun what has no end.
sub begun
{
	my ($name) = @_;
	return sum map { $name =~ /-after-/ ? $_->floods : $_->connections } @wires;
}

for my $name (sort keys %endless)
{
	my $start = time;
	my $timed_out = $name =~ /^p|hello-(small|large)(-http)?$/ && $name !~ /^(e|sts)-after-/
	  ? qr/^08001 / : qr/^0800[16] .*timed out/;
	like(attempt($node, $endless{$name}), $timed_out, "$name: times out");
	cmp_ok(time - $start, '<', 1 + $AT_ONCE, "$name: in time");

	my $session = session_of($node);
	my $pid = $session->query('SELECT pg_backend_pid()');
	my $long = $endless{$name} =~ s/FROM "(.*?)"/FROM "$1-long"/r;
	my $attempt = "FROM attempt(\$a\$$long\$a\$)";
	# Evaluated when the functions of FROM have returned, and when the statement came, in ms.
	my $now = '1000 * extract(epoch FROM clock_timestamp())';
	my $sent = '1000 * extract(epoch FROM statement_timestamp())';
	$session->query("SET statement_timeout = '200ms'");
	$start = time;
	my $result = $session->query("SELECT $now - $sent, attempt $attempt");
	like($result, qr/^[\d.]+\|57014 \| canceling statement due to statement timeout/,
		"$name: statement_timeout acts, and as such");
	cmp_ok(time - $start, '<', 0.2 + $AT_ONCE, "$name: statement_timeout acts in time");
	note(sprintf '%s: statement_timeout acts %.1f ms late', $name, $result =~ s/\|.*//sr - 200);
	$session->query('RESET statement_timeout');
	is($session->query($works), 'n', "$name: the session works after statement_timeout");

	my $before = begun($name);
	$session->query_until(qr/started/, "\\echo started\nSELECT $now, attempt $attempt;\n");
	wait_until { $before < begun($name) } "$name: it is asked";
	$start = time;
	my $cancelled = $node->safe_psql('postgres', "SELECT $sent FROM pg_cancel_backend($pid)");
	$result = $session->query($works);
	like($result, qr/^[\d.]+\|57014 \| canceling statement due to user request[ |]*\nn$/,
		"$name: cancel acts, and the session works after it");
	cmp_ok(time - $start, '<', $AT_ONCE, "$name: cancel acts in time");
	note(sprintf '%s: cancel acts after %.1f ms', $name, $result =~ s/\|.*//sr - $cancelled);

	$before = begun($name);
	$session->query_until(qr/started/, "\\echo started\n$long;\n");
	wait_until { $before < begun($name) } "$name: it is asked";
	$start = time;
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 60000)");
	cmp_ok(time - $start, '<', $AT_ONCE, "$name: terminate acts");
	$session->{run}->kill_kill;
}

$_->stop for @wires;
done_testing();
