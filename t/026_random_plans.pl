# Random statements over foreign tables have the rows that they have over local
# copies, whatever the plan; see endpoint/random_plans.py.  IMAGEBUILDER_SECONDS
# and IMAGEBUILDER_SEED have it run longer, and others.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

# One that has all images, and one for those of a part of the Regions each.
my %endpoints = map { $_ => TestEndpoint->new } qw(aws us eu);
my $node = new_cluster('main');
run_tap('random_plans.py', '--host', $node->host, '--port', $node->port,
	'--user', scalar(getpwuid($>)),
	(map { ("--$_", $endpoints{$_}->url) } sort keys %endpoints),
	'--seconds', $ENV{IMAGEBUILDER_SECONDS} // 55, '--seed', $ENV{IMAGEBUILDER_SEED} // 20261126);

$_->stop for values %endpoints;
done_testing();
