# dev/endpoint prints SQL that works as it is, and the ARNs that its fixtures
# have; and who may not install packages is told which are missing.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Symbol qw(gensym);
use Test::More;
use TestEndpoint;

# It ends at the latest when this process does, and with it the pipe.
my ($printed, $said) = ('', '');
my $stdin = gensym;
my $run = IPC::Run::start([ "$SOURCE/dev/endpoint", '--until-eof', '--latency', '1' ],
	'<pipe', $stdin, '>', \$printed, '2>', \$said);
my $pid = $run->{KIDS}[0]{PID};
wait_until { $run->pump_nb; $printed =~ /^WHERE .*;\n\z/m || !$run->pumpable } 'dev/endpoint prints'
  or die $said;
is($said, '', 'dev/endpoint complains of nothing');

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$node->start;
my ($status, $rows, $errors) = $node->psql('postgres', $printed);
is($status, 0, 'all that it prints is SQL') or diag($errors);
like($rows, qr/^[^|]+\|\d[^|]*\|Linux\|AVAILABLE$/, 'whose query finds an image');

# The ARNs of each operation, with their states, or the Regions (and owners).
my ($operation, %state);
for (split /\n/, $printed)
{
	$operation = $1 if /^-- ([\w:]+)$/;
	$state{$operation}{$1} = $2 // '' if /^--   (arn:\S+|\w+-\w+-\d[\w.]*)(?: (\S+))?$/;
}
is(join(' ', map { scalar keys %$_ } @state{ sort keys %state }),
	join(' ', map { scalar(() = glob "$_/*.json") } sort glob "$SOURCE/t/endpoint/fixtures/*"),
	'an ARN for each fixture');
for ([ GetImage => 'images' ], [ GetComponent => 'component_details' ])
{
	my ($asked, $table) = @$_;
	my @arns = sort keys %{ $state{$asked} };
	is( $node->safe_psql('postgres', "SELECT arn || ' ' || coalesce(state_status, '')
			FROM imagebuilder.$table WHERE arn IN " . in_list(@arns) . ' ORDER BY arn COLLATE "C"'),
		join("\n", map { "$_ $state{$asked}{$_}" } @arns),
		"the ARNs of $asked can be looked up");
}

is($node->safe_psql('postgres', "SELECT DISTINCT account_id FROM imagebuilder.workflow_executions
		WHERE image_arn = '" . arn('golden-linux/2.0.0/1') . "'"), '123456789012',
	'it says whose keys they are, as STS does');

# Each key, with its token, can be given to a user mapping.
my %outcome;
while ($printed =~ /^--   (A[KS]I\w+) (\S+)(?: (\S+))?$/gm)
{
	my ($key, $secret, $token) = ($1, $2, $3);
	$node->safe_psql('postgres', "DROP USER MAPPING FOR CURRENT_USER SERVER local;
		CREATE USER MAPPING FOR CURRENT_USER SERVER local
			OPTIONS (access_key_id '$key', secret_access_key '$secret'"
		  . ($token ? ", session_token '$token')" : ')'));
	my ($query) = $printed =~ /^(SELECT .*)/ms;
	my (undef, $found, $error) = $node->psql('postgres', $query);
	$outcome{$key} = $found ? 'found' : $error =~ /(ExpiredToken|AccessDenied)/ ? $1 : $error;
}
is_deeply(\%outcome,
	{ AKIDEXAMPLE => 'found', ASIATEMPORARYEXAMPLE => 'found', ASIAEXPIREDEXAMPLE => 'ExpiredToken',
		AKIAFORBIDDENEXAMPLE => 'AccessDenied' }, 'its keys do what their names say');

kill INT => $pid;
ok($run->finish, 'Ctrl-C ends it');
ok(!kill(0 => $pid), 'and it is gone');

# dev/demo, where Debian's programs know of no package that is installed.
SKIP:
{
	skip 'not a Debian', 1 unless -e '/etc/debian_version';
	my $dir = PostgreSQL::Test::Utils::tempdir();
	for (qw(dpkg-query apt-cache))
	{
		append_to_file("$dir/$_", "#!/bin/sh\n");
		chmod 0755, "$dir/$_" or die $!;
	}
	local $ENV{PATH} = "$dir:$ENV{PATH}";
	local $ENV{PG_CONFIG};
	local $ENV{PG_MAJOR} = '15';
	my $done = IPC::Run::run([ "$SOURCE/dev/demo" ],
		'<', \undef, '>', \my $stdout, '2>', \my $stderr);
	is( $done ? 'did it' : "$stdout$stderr",
		"demo: packages are missing; as root run\n"
		  . 'apt-get install postgresql-15 postgresql-server-dev-15 gcc libc6-dev make'
		  . " libcurl4-openssl-dev libjson-c-dev libssl-dev python3 python3-botocore\n",
		'dev/demo says what is missing');
}

done_testing();
