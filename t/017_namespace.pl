# The metadata services at their own addresses, 169.254.169.254 and
# 169.254.170.2, in a network namespace where they are on the loopback interface.
use strict;
use warnings FATAL => 'all';

use Test::More;
# Before the modules below have standard output for themselves.
BEGIN
{
	if (!$ENV{IMAGEBUILDER_NAMESPACE})
	{
		# In a chroot, say, or where the kernel is set to forbid it.
		plan skip_all => 'needs iproute2' if system('ip -V >/dev/null 2>&1') != 0;
		plan skip_all => 'no network namespaces for users here'
		  if system('unshare -rn true 2>/dev/null') != 0;
		exec 'unshare', '-rn', 'sh', '-ec', 'ip link set lo up
			for address in 169.254.169.254 169.254.170.2; do ip address add $address/32 dev lo; done
			echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
			exec unshare -U --map-user="$1" --map-group="$2" \
				env IMAGEBUILDER_NAMESPACE=1 "$3" "$4"',
		  'sh', $>, (split ' ', $))[0], $^X, $0;
	}
}

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use TestEndpoint;
use TestIdentity;

my $identity = TestIdentity->new('--imds-address', '169.254.169.254', '--imds-port', 80,
	'--container-address', '169.254.170.2', '--container-port', 80);
my $endpoint = TestEndpoint->new('--issued', $identity->{issued});
delete $ENV{$_} for grep { /^AWS_/ } keys %ENV;
my $node = new_cluster('main');
set_up($node, $endpoint->url, keys => "credential_provider 'instance'");
my $lookup = name_query('golden-linux/1.0.0/1');
is(attempt($node, $lookup), 'found golden-linux', 'instance');
is($identity->counters->{v1}, 0, 'by IMDSv2 only');
set_mapping($node, "credential_provider 'default'");
is(attempt($node, $lookup), 'found golden-linux', 'default, where there is nothing else');
set_mapping($node, "credential_provider 'container'");
like(attempt($node, $lookup), qr/^28000 .*no credentials in the container's/,
	'container, without its variable');
$node->stop;
$ENV{AWS_CONTAINER_CREDENTIALS_RELATIVE_URI} = '/v2/credentials/task';
$node->start;
is(attempt($node, $lookup), 'found golden-linux', 'container');
is($identity->counters->{paths}{'container GET /v2/credentials/task'}, 1, 'at its relative URI');

# Neither goes through a proxy, but what AWS is asked does.
for my $provider ('container', 'instance')
{
	$identity->reset_to;
	set_mapping($node, "credential_provider '$provider'");
	my $verb = $provider eq 'container' ? 'ADD' : 'SET';
	$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS ($verb proxy 'http://127.0.0.1:1')");
	like(attempt($node, $lookup), qr/^08001 .*could not connect/,
		"$provider: a proxy that is not there");
	is($identity->counters->{actions}{ $provider eq 'container' ? 'container' : 'credentials' },
		1, "$provider: was not asked for it");
}

$identity->stop;
$endpoint->stop;
done_testing();
