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
for my $file ('test_endpoint.py', 'test_lists.py')
{
	my ($stdout, $stderr) = ('', '');
	my $ok = IPC::Run::run([ $TestEndpoint::PYTHON, "$FindBin::Bin/endpoint/$file" ],
		'>', \$stdout, '2>', \$stderr);
	ok($ok, $file) or diag("$stdout$stderr");
	like($stderr, qr/^Ran ([1-9]\d*) tests/m, 'which has tests');
}

done_testing();
