# boto3, the AWS CLI and the wrapper take the same credentials from the same
# environment and files; what stands in for AWS is checked by the first two.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;
use TestIdentity;

my ($out, $err) = ('', '');
my $ok = IPC::Run::run([ $TestEndpoint::PYTHON, "$SOURCE/t/endpoint/test_identity.py" ], '>', \$out, '2>', \$err);
ok($ok, 'the stand-ins are what boto3 and the AWS CLI take them for') or diag("$out$err");
like($err, qr/^Ran ([1-9]\d+) tests/m, 'by many tests');

my $identity = TestIdentity->new('--latency', '10');
my $endpoint = TestEndpoint->new('--issued', $identity->{issued});
my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
my ($token) = slurp_file("$SOURCE/t/endpoint/identity.py") =~ /^WEB_IDENTITY_TOKEN = "([^"]+)"/m;
append_to_file("$dir/token", $token);
append_to_file($identity->{issued}, '');

# One environment for all of them.
delete $ENV{$_} for grep { /^AWS_/ } keys %ENV;
%ENV = (%ENV, HOME => $dir, AWS_CONFIG_FILE => "$dir/config", AWS_SHARED_CREDENTIALS_FILE => "$dir/credentials",
	AWS_ACCESS_KEY_ID => 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY => 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
	AWS_CONTAINER_CREDENTIALS_FULL_URI => $identity->url('container') . '/credentials',
	AWS_EC2_METADATA_SERVICE_ENDPOINT => $identity->url('imds'), AWS_DEFAULT_REGION => 'us-east-1', AWS_PAGER => '');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION imagebuilder_fdw');
set_up($node, $endpoint->url, options => "sts_endpoint_url '" . $identity->url('sts') . "', region 'us-east-1', max_attempts '1'", keys => "profile 'default'");

my ($stdout, $stderr) = ('', '');
my $same = IPC::Run::run([ $TestEndpoint::PYTHON, "$SOURCE/t/endpoint/differential.py", '--psql', $node->connstr('postgres'), '--endpoint', $endpoint->url,
		'--sts', $identity->url('sts'), '--issued', $identity->{issued}, '--directory', $dir, '--cases', $ENV{IMAGEBUILDER_CASES} // 100 ], '>', \$stdout, '2>', \$stderr);
ok($same && $stdout =~ /^1\.\.2$/m, 'files at random') or diag("$stdout$stderr");
unlike($stdout, qr/^not ok/m, 'with many outcomes') or diag($stdout);

$identity->stop;
$endpoint->stop;
done_testing();
