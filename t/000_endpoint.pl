# The test endpoint is strict where it must be: boto3, and requests that have
# been tampered with.
use strict;
use warnings FATAL => 'all';

use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;

my ($stdout, $stderr) = ('', '');
my $ok = IPC::Run::run([ '/usr/bin/python3', "$FindBin::Bin/endpoint/test_endpoint.py" ], '>', \$stdout, '2>', \$stderr);
ok($ok, 'test_endpoint.py') or diag("$stdout$stderr");
like($stderr, qr/^Ran ([1-9]\d+) tests/m, 'which has tests');

done_testing();
