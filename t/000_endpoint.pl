# The test endpoint is strict where it must be: boto3, and requests that have
# been tampered with.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

needs('python3-boto3');
my ($stdout, $stderr) = ('', '');
my $ok = IPC::Run::run([ $TestEndpoint::PYTHON, "$FindBin::Bin/endpoint/test_endpoint.py" ], '>', \$stdout, '2>', \$stderr);
ok($ok, 'test_endpoint.py') or diag("$stdout$stderr");
like($stderr, qr/^Ran ([1-9]\d+) tests/m, 'which has tests');

done_testing();
