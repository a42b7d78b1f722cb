# Every cell of every table is what an independent projection makes of it.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;
use TestIdentity;

needs('python3-boto3');
my $endpoint = TestEndpoint->new;
my $identity = TestIdentity->new;
my $node = new_cluster('main');
set_up($node, $endpoint->url, options => "sts_endpoint_url '" . $identity->url('sts') . "'");

TestEndpoint::compare($node, $endpoint, 'schema');
TestEndpoint::compare($node, $endpoint, 'complete');
TestEndpoint::compare($node, $endpoint, 'fixtures');
TestEndpoint::compare($node, $endpoint, 'fuzz', '--count', $ENV{IMAGEBUILDER_FUZZ} // 300);

$identity->stop;
$endpoint->stop;
done_testing();
