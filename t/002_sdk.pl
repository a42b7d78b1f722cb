# boto3 and the AWS CLI ask the same endpoint with the same keys, and see the
# same values as SQL does, leaf by leaf.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;
use TestIdentity;

needs('python3-boto3', 'awscli');
my $endpoint = TestEndpoint->new;
my $identity = TestIdentity->new;
my $node = new_cluster('main');
set_up($node, $endpoint->url, options => "sts_endpoint_url '" . $identity->url('sts') . "'");

TestEndpoint::compare($node, $endpoint, 'sdk');

$identity->stop;
$endpoint->stop;
done_testing();
