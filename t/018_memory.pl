# Credentials that are no longer used are nowhere in a session's memory: neither
# they nor the tokens that they were asked for with, and no part of them.
#
# Keys that stand in user mappings or in the server's environment are not meant:
# PostgreSQL itself keeps those.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestClock;
use TestEndpoint;
use TestIdentity;

needs('openssl');
my $dir = PostgreSQL::Test::Utils::tempdir();
my @tls = certificate("$dir/tls");
my $clock = TestClock->new;
my $identity = TestIdentity->new('--latency', '10', $clock->options, @tls);
my $endpoint = TestEndpoint->new('--issued', $identity->{issued}, $clock->options, @tls);

my $role = "arn:aws:iam::$TestEndpoint::ACCOUNT:role";
my $web_token = $TestIdentity::WEB_TOKEN;
my $container_token = 'container-token-in-a-file/+=';
append_to_file("$dir/token", $web_token);
append_to_file("$dir/container-token", $container_token);
append_to_file("$dir/config",
	"[profile web]\nrole_arn = $role/Web\nweb_identity_token_file = $dir/token\n"
	. "[profile chain]\nrole_arn = $role/Second\nsource_profile = first\n"
	. "[profile first]\nrole_arn = $role/First\nsource_profile = keys\n");
my $program_secret = 'secret/of+a/program/EXAMPLEKEY0123456789';
append_to_file("$dir/program", "#!/bin/sh\necho told: '$program_secret' >&2\n"
	. qq(echo '{"Version": 1, "AccessKeyId": "AKIDEXAMPLE",)
	. qq( "SecretAccessKey": "$program_secret"}'\nexit \$1\n));
chmod 0700, "$dir/program";
append_to_file("$dir/config", "[profile program-$_]\ncredential_process = $dir/program $_\n")
  for 0, 1;
append_to_file("$dir/credentials", "[keys]\naws_access_key_id = AKIDEXAMPLE\n"
	. "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n");

delete $ENV{$_} for grep { /^AWS_/ } keys %ENV;
%ENV = (%ENV, HOME => $dir, LD_PRELOAD => $clock->library, AWS_CONFIG_FILE => "$dir/config",
	AWS_SHARED_CREDENTIALS_FILE => "$dir/credentials",
	AWS_EC2_METADATA_SERVICE_ENDPOINT => $identity->url('imds'),
	AWS_CONTAINER_CREDENTIALS_FULL_URI => $identity->url('container') . '/credentials',
	AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE => "$dir/container-token");
my $node = new_cluster('main', start => sub { $_[0]->start; delete $ENV{LD_PRELOAD} });
set_up($node, $endpoint->url, options => "sts_endpoint_url '" . $identity->url('sts')
	  . "', ca_bundle '$dir/tls.pem', region 'us-east-1'", keys => "profile 'web'");
my $lookup = name_query('golden-linux/1.0.0/1');

# What a session can write to of its memory, as it reads it itself.
no warnings 'portable';
sub memory_of
{
	my ($session) = @_;
	my $memory = '';
	for (split /\n/, $session->query(q{SELECT pg_read_file('/proc/self/maps')}))
	{
		my ($start, $end) = map { hex } /^([0-9a-f]+)-([0-9a-f]+) rw-p/ or next;
		for (my $from = $start; $from < $end; $from += 4 << 20)
		{
			my $length = $end - $from < 4 << 20 ? $end - $from : 4 << 20;
			unlink "$dir/memory";
			$session->query("COPY (SELECT encode(pg_read_binary_file('/proc/self/mem', $from,
				$length, true), 'hex')) TO '$dir/memory'");
			$memory .= pack 'H*', slurp_file("$dir/memory") =~ s/\s//gr;
		}
		$memory .= "\n";
	}
	return $memory;
}

# Those secrets of which there is at least a part.
sub found_in
{
	my ($session, @secrets) = @_;
	my $memory = memory_of($session);
	return join ' ', grep { index($memory, substr $_, length($_) / 2, 16) >= 0 } @secrets;
}

sub secrets { return ($identity->secrets, $container_token, $program_secret) }
sub last_issued { return JSON::PP::decode_json((split /\n/, slurp_file($identity->{issued}))[-1]) }

# In a session that makes such look-ups, and then has other credentials; of
# those there are none.
sub is_wiped
{
	my ($name, $options, $result, %settings) = @_;
	set_mapping($node, $options);
	$identity->reset_to(%settings);
	my $session = session_of($node);
	$session->query("SET statement_timeout = '2s'") if $name =~ /stall/;
	is($session->query($lookup), $result, "$name: asked for");
	set_mapping($node, "credential_provider 'environment'");
	$session->query($lookup);
	is(found_in($session, secrets()), '', "$name: wiped");
	$session->quit;
	return;
}

is_wiped('instance', "credential_provider 'instance'", 'golden-linux');
is_wiped('container', "credential_provider 'container'", 'golden-linux');
is_wiped('web identity', "profile 'web'", 'golden-linux');
is_wiped('web identity, XML', "profile 'web'", 'golden-linux', format => 'xml');
# The endpoint knows another secret.
is_wiped("a program that exits with $_", "profile 'program-$_'", '') for 0, 1;
is_wiped('profiles and roles', "profile 'chain'", 'golden-linux');
is_wiped('a role, XML', "credential_provider 'instance', role_arn '$role/Reader'", 'golden-linux',
	format => 'xml');
for my $mode (qw(badjson crlf stall truncate badexpiration huge bare apostrophes comment
	inheader inerror excess badchunk))
{
	is_wiped("instance, $mode", "credential_provider 'instance'", '', imds => "$mode\@credentials");
	is_wiped("STS, $mode", "profile 'chain'", '', sts => $mode);
}

# Nobody has to ask for an image again: the end of any transaction will do.
$identity->reset_to;
set_mapping($node, "profile 'chain'");
my $idle = session_of($node);
$idle->query($lookup);
$node->safe_psql('postgres', 'DROP USER MAPPING FOR CURRENT_USER SERVER aws');
$idle->query('SELECT count(*) FROM pg_am');
is(found_in($idle, secrets()), '', 'wiped without another look-up');
$idle->quit;
set_mapping($node, "profile 'web'");

# Those that are kept are found so; when they are renewed, just the new ones.
$identity->reset_to;
set_mapping($node, "profile 'chain'");
my $session = session_of($node);
$session->query($lookup);
my $first = last_issued();
isnt(found_in($session, $first->{secret_access_key}), '', 'credentials in use are found');
$session->quit;
# Within the last quarter of their hour they are renewed while they serve: the session
# has taken the new ones once it signs with them.  Those live for six hours.
$identity->reset_to(lifetime => 3600);
set_mapping($node, "credential_provider 'instance'");
$session = session_of($node);
$session->query($lookup);
$first = last_issued();
$identity->reset_to;
$clock->advance(3000);
$endpoint->reset_counters;
my $taken = sub {
	$session->query($lookup);
	return grep { $_ ne $first->{access_key_id} } $endpoint->signers;
};
ok((wait_until { $taken->() } 'the session signs with other credentials'),
	'credentials are renewed');
my $second = last_issued();
is($session->query($lookup), 'golden-linux', 'once more');
is(join(' ', grep { $_ ne $first->{access_key_id} } $endpoint->signers),
	$second->{access_key_id}, 'once');
is(found_in($session, @{$first}{ 'secret_access_key', 'session_token' }), '',
	'the old ones are wiped');
isnt(found_in($session, $second->{session_token}), '', 'the new ones are not');
$session->quit;

$identity->stop;
$endpoint->stop;
done_testing();
