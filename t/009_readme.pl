# Every query of README.md runs and has the result that it shows, and its table
# of tables is the schema's.  With UPDATE_README=1, README.md is made so.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;
use TestIdentity;

# Keys are nowhere but in a mapping and in the instance's metadata service.
my $identity = TestIdentity->new;
my $endpoint = TestEndpoint->new('--issued', $identity->{issued});
delete $ENV{$_} for grep { /^AWS_/ } keys %ENV;
$ENV{AWS_EC2_METADATA_SERVICE_ENDPOINT} = $identity->url('imds');
my $node = new_cluster('main', without_extension => 1);
my $readme = slurp_file("$SOURCE/README.md");

# The set-up comes before the query on the first screen.
my @blocks;
push @blocks, { sql => $1, shown => $2 } while $readme =~ /^```sql\n(.*?)^```\n(?:^```text\n(.*?)^```\n)?/gms;
my ($set_up) = grep { $blocks[$_]{sql} =~ /CREATE EXTENSION/ } 0 .. $#blocks;
@blocks = (splice(@blocks, $set_up, 1), @blocks);
cmp_ok(scalar @blocks, '>=', 8, 'there are queries');

my $path = '';
for my $block (@blocks)
{
	my ($title) = $block->{sql} =~ /^(.*)/;
	my $sql = $block->{sql};
	# AWS's place is taken by the endpoint; EXPLAIN's figures are not asked for again.
	$sql =~ s/^(CREATE SERVER .*);/$1 OPTIONS (endpoint_url '@{[ $endpoint->url ]}', sts_endpoint_url '@{[ $identity->url('sts') ]}');/m;
	my ($stdout, $stderr) = ('', '');
	my $ok = IPC::Run::run([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') ],
		'<', \"SET TimeZone = 'UTC'; $path\n$sql", '>', \$stdout, '2>', \$stderr);
	ok($ok && $stderr eq '', "runs: $title") or diag($stderr);
	$path = 'SET search_path = imagebuilder, public;' if $sql =~ /SET search_path/;
	next unless defined $block->{shown};
	$stdout =~ s/[ \t]+$//gm;
	$stdout =~ s/\n\n\z/\n/;
	# Plans are shown as 15 and 16 write them; later ones turn operands around
	# and count rows in fractions.
	next if $stdout =~ /QUERY PLAN/ && $node->pg_version >= 17;
	is($block->{shown}, $stdout, "shows what it does: $title") unless $ENV{UPDATE_README};
	$readme =~ s/(\Q$block->{sql}\E```\n```text\n).*?(^```\n)/$1$stdout$2/ms;
}

my ($shown) = $readme =~ /^<!-- dev\/reference -->\n(.*?)^<!-- end -->/ms;
my ($reference, $error) = run_command([ "$SOURCE/dev/reference", '-d', $node->connstr('postgres') ]);
is($shown, "$reference\n", 'the table of tables') unless $ENV{UPDATE_README};
$readme =~ s/(^<!-- dev\/reference -->\n).*?(^<!-- end -->)/$1$reference\n$2/ms;

# Its options are those that the validator knows, and its functions are there.
my ($options) = $readme =~ /^## Options\n(.*?)^## /ms;
my %named = map { $_ => 1 } $options =~ /`([a-z_]{3,})`/g;
my %known;
for my $object ('SERVER x FOREIGN DATA WRAPPER imagebuilder_fdw', 'USER MAPPING FOR CURRENT_USER SERVER aws', 'FOREIGN TABLE x () SERVER aws')
{
	my (undef, undef, $stderr) = $node->psql('postgres', "CREATE $object OPTIONS (none_such 'x')");
	$stderr = ($node->psql('postgres', 'DROP USER MAPPING FOR CURRENT_USER SERVER aws; CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (none_such \'x\')'))[2]
	  if $object =~ /MAPPING/;
	$known{$_} = 1 for map { split /, / } $stderr =~ /Valid options in this context are: (.*)\./g;
}
$known{$_} = 1 for qw(column_name path);
is(join(' ', grep { !$named{$_} } sort keys %known), '', 'all options are in README.md');
for my $function ($readme =~ /^\| `(imagebuilder_[a-z_]+)\(/gm)
{
	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_proc WHERE proname = '$function'"), 1, "$function is there");
}

# What is to be installed is what dev/demo and dev/test install.
my ($packages) = $readme =~ /^apt-get install (.*)/m;
my $library = slurp_file("$SOURCE/dev/lib.sh");
like($library, qr/\b\Q$_\E\b/, "dev/lib.sh installs $_") for grep { !/postgresql/ } split ' ', $packages;
ok(-x "$SOURCE/$_", "$_ is there") for $readme =~ /^(dev\/\w+)$/gm;

if ($ENV{UPDATE_README})
{
	open my $out, '>', $ENV{UPDATE_README} or die $!;
	print $out $readme;
	close $out;
}
# The recipe with a role in each account: asked as that role, who can do no more.
my $asked = "SELECT name FROM fleet.images WHERE arn = '" . arn('golden-linux/2.0.0/1') . "'";
is($node->safe_psql('postgres', "SET ROLE reporter; $asked"), 'golden-linux', 'the analyst asks');
is($identity->counters->{roles}{"arn:aws:iam::$TestEndpoint::ACCOUNT:role/ImageReader"}, 1, 'as the account\'s role');
isnt(($node->psql('postgres', "SET ROLE analyst; $asked"))[0], 0, 'another may not');
isnt(($node->psql('postgres', "SET ROLE reporter; ALTER USER MAPPING FOR reporter SERVER fleet OPTIONS (SET role_arn 'arn:aws:iam::123456789012:role/Admin')"))[0], 0, 'nor the analyst change it');
$identity->stop;
$endpoint->stop;
done_testing();
