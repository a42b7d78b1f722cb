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

needs('python3-boto3', 'awscli');
my ($out, $err) = ('', '');
my $ok = IPC::Run::run([ $TestEndpoint::PYTHON, "$SOURCE/t/endpoint/test_identity.py" ],
	'>', \$out, '2>', \$err);
ok($ok, 'the stand-ins are what boto3 and the AWS CLI take them for') or diag("$out$err");
like($err, qr/^Ran ([1-9]\d+) tests/m, 'by many tests');

my $identity = TestIdentity->new('--latency', '10');
my $endpoint = TestEndpoint->new('--issued', $identity->{issued});
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/token", $TestIdentity::WEB_TOKEN);
append_to_file($identity->{issued}, '');

delete $ENV{$_} for grep { /^AWS_/ } keys %ENV;
$ENV{HOME} = $dir;
my $node = new_cluster('main');
set_up($node, $endpoint->url, options => "sts_endpoint_url '" . $identity->url('sts')
	  . "', region 'us-east-1', max_attempts '1'", keys => "profile 'default'");

my ($stdout, $stderr) = ('', '');
my $same = IPC::Run::run([ $TestEndpoint::PYTHON, "$SOURCE/t/endpoint/differential.py",
		'--psql', $node->connstr('postgres'), '--endpoint', $endpoint->url,
		(map { ("--$_", $identity->url($_)) } 'sts', 'imds', 'container'),
		'--issued', $identity->{issued}, '--directory', $dir, '--data', $node->data_dir,
		$ENV{IMAGEBUILDER_CASES} ? ('--cases', $ENV{IMAGEBUILDER_CASES}) : () ],
	'>', \$stdout, '2>', \$stderr);
ok($same && $stdout =~ /^1\.\.4$/m, 'environments and files at random') or diag("$stdout$stderr");
unlike($stdout, qr/^not ok/m, 'with many outcomes');

$identity->stop;
$endpoint->stop;
done_testing();
