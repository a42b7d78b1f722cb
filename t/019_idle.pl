# What comes on a connection that is kept is not the next request's answer.
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
my $node = new_cluster('main');
my @tls = certificate("$dir/good");

for my $case ([ 'plain' ], [ 'TLS', @tls ])
{
	my ($name, @options) = @$case;
	my $endpoint = TestEndpoint->new(@options);
	$node->safe_psql('postgres', 'DROP SCHEMA IF EXISTS imagebuilder CASCADE;
		DROP SERVER IF EXISTS aws CASCADE; DROP FUNCTION IF EXISTS public.attempt');
	set_up($node, $endpoint->url, options => "max_attempts '1', ca_bundle '$dir/good.pem'");
	my $session;
	my $name_of = sub { return $session->query(name_query("$_[0]/1.0.0/1")) };

	for my $fault ('onemore', 'farewell')
	{
		$session = session_of($node);
		$name_of->('golden-linux');
		is($name_of->("fault-$fault"), 'golden-linux', "$name, $fault: the answer");
		# Once the endpoint has sent the rest.
		is(attempt($node, name_query('fault-settled/1.0.0/1')), 'found golden-linux',
			"$name, $fault: all is sent");
		is($name_of->('fault-e500-0'), 'golden-linux',
			"$name, $fault: the next answer is the next request's");
		is($session->query('SELECT requests, retries FROM imagebuilder_fdw_stats()'), '3|0',
			"$name, $fault: it costs no retry");
		$session->quit;
	}

	# All others are kept, though TLS sends tickets of its own accord.
	$session = $node->background_psql('postgres');
	$name_of->('golden-linux');
	my $pid = $session->query('SELECT pg_backend_pid()');
	my $sockets = sub {
		return join ' ', sort grep { /^socket:/ } map { readlink($_) // '' } glob "/proc/$pid/fd/*";
	};
	my $before = $sockets->();
	$name_of->('golden-linux') for 1 .. 5;
	is($sockets->(), $before, "$name: connections are kept");
	$session->quit;
	$endpoint->stop;
}

done_testing();
