# One version everywhere, META.json as PGXN's specification 1.0.0 wants it, and a
# distribution that is what is committed, from which PGXN's client builds, installs
# and checks the extension.
use strict;
use warnings FATAL => 'all';

use FindBin;
use JSON::PP;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

needs('dpkg-dev', 'gcc', 'git', 'make', 'pgxnclient', 'unzip');

# META.json
my $meta = decode_json(slurp_file("$SOURCE/META.json"));
my %required = map { $_ => 1 } qw(abstract maintainer license provides name version meta-spec);
my %optional = map { $_ => 1 }
  qw(description generated_by tags no_index prereqs release_status resources);
is(join(' ', grep { !defined $meta->{$_} } sort keys %required), '',
	'META.json has all that it must have');
is(join(' ', grep { !$required{$_} && !$optional{$_} && !/^x_/i } sort keys %$meta),
	'', 'and nothing that PGXN does not know');
is($meta->{'meta-spec'}{version}, '1.0.0', 'the specification\'s version');
is($meta->{license}, 'postgresql', 'the licence');
like($meta->{release_status}, qr/^(stable|testing|unstable)$/, 'the release status');
my ($oldest) = slurp_file("$SOURCE/README.md") =~ /^PostgreSQL (\d+) to \d+/m;
is($meta->{prereqs}{runtime}{requires}{PostgreSQL}, "$oldest.0.0",
	'the oldest PostgreSQL is README\'s');
is(join(' ', keys %{ $meta->{provides} }), 'imagebuilder_fdw', 'it provides the extension');
my $provided = $meta->{provides}{imagebuilder_fdw};
ok(-f "$SOURCE/$provided->{$_}", "its $_ is there") for 'file', 'docfile';

# The versions of a tree by their places.  The extension's own has two parts, all
# others three.
sub versions
{
	my ($tree) = @_;
	my $provided = decode_json(slurp_file("$tree/META.json"))->{provides}{imagebuilder_fdw}{version};
	my ($control) = slurp_file("$tree/imagebuilder_fdw.control") =~ /^default_version = '(.*)'/m;
	my ($changelog) = slurp_file("$tree/CHANGELOG.md") =~ /^## \[(.*?)\]/m;
	my ($debian) = slurp_file("$tree/debian/changelog") =~ /^imagebuilder-fdw \((.*)-1\)/;
	return { META => $provided, control => $control, changelog => $changelog, debian => $debian };
}

sub version_everywhere
{
	my ($version) = @_;
	my $extension = $version =~ s/\.\d+$//r;
	return { META => $version, control => $extension, changelog => $version, debian => $version };
}

my $version = $meta->{version};
like($version, qr/^\d+\.\d+\.\d+$/, 'META.json\'s version is a semantic one');
is_deeply(versions($SOURCE), version_everywhere($version), 'one version everywhere');
is($provided->{file}, "imagebuilder_fdw--@{[ $version =~ s/\.\d+$//r ]}.sql", 'the script\'s, too');

# make dist, of a repository of its own, without the tests of t/
my $dir = PostgreSQL::Test::Utils::tempdir();
my $source = "$dir/source";
mkdir $source or die $!;
my @kept = qw(META.json Makefile README.md imagebuilder_fdw.control imagebuilder_fdw--1.0.sql
  .gitignore CHANGELOG.md debian dev doc src sql expected);
system_or_bail('cp', '-R', (map { "$SOURCE/$_" } @kept), $source);
my @git = ('git', '-C', $source, '-c', 'user.name=test', '-c', 'user.email=test@example.org');
system_or_bail(@git, 'init', '-q');
system_or_bail(@git, 'add', '.');
system_or_bail(@git, 'commit', '-q', '-m', 'All of it');
# What was built where it comes from.
system_or_bail(@git, 'clean', '-q', '-x', '-d', '-f');
append_to_file("$source/not_committed", 'x');
append_to_file("$source/README.md", 'x');
# Not by the server's make: installcheck's own variables would be handed on.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
chomp(my $pg_config = `which pg_config`);
system_or_bail('make', '-s', '-C', $source, "PG_CONFIG=$pg_config", 'dist');
my $name = "imagebuilder_fdw-$version";
my $zip = "$source/$name.zip";
system_or_bail('unzip', '-q', $zip, '-d', "$dir/unpacked");
is(join(' ', map { s{.*/}{}r } glob("$dir/unpacked/*")), $name, 'a distribution has one directory');
system_or_bail(@git, 'checkout', '-q', 'README.md');
unlink "$source/not_committed";
my ($differ) = run_command([ 'diff', '-r', '-x', '.git', $source, "$dir/unpacked/$name" ]);
is($differ, "Only in $source: $name.zip", 'it is what is committed');
my ($untracked) = run_command([ @git, 'status', '--porcelain' ]);
is($untracked, '', 'and git does not see it');

# dev/version, before a release and after
my $new = "$dir/new";
system_or_bail('cp', '-R', "$dir/unpacked/$name", $new);
for my $other ('7.8.9', '7.8.10', '10.11.12')
{
	my ($told) = run_command([ "$new/dev/version", $other ]);
	is_deeply(versions($new), version_everywhere($other), "dev/version $other");
	is($told eq '', $other eq '7.8.10', 'only another X.Y needs a script');
	my ($entries) = run_command([ qw(dpkg-parsechangelog --all --format rfc822 -S Version -l),
		"$new/debian/changelog" ]);
	is(join(' ', split(' ', $entries)), $other eq '10.11.12' ? '10.11.12-1 7.8.10-1' : "$other-1",
		'what had no release is renamed');
	my $changelog = slurp_file("$new/CHANGELOG.md");
	$changelog =~ s/\Q[7.8.10] - unreleased/[7.8.10] - 2030-01-01/;
	unlink "$new/CHANGELOG.md";
	append_to_file("$new/CHANGELOG.md", $changelog);
}
my ($said) = run_command([ "$new/dev/version" ]);
is($said, '10.11.12', 'dev/version alone prints it');
command_fails_like([ "$new/dev/version", '1.02.3' ], qr/usage: /, 'no version is 1.02.3');

# PGXN's client, with the zip file alone.  It installs below a directory of the test's own.
{
	local $ENV{DESTDIR} = "$dir/installed";
	command_ok([ 'pgxn', 'install', '--pg_config', $pg_config, '--sudo', 'env', $zip ],
		'pgxn install');
}
for my $file (
	[ 'pkglibdir', '', 'imagebuilder_fdw.so' ],
	[ 'sharedir', 'extension/', 'imagebuilder_fdw.control' ],
	[ 'sharedir', 'extension/', $provided->{file} ])
{
	chomp(my $directory = `$pg_config --$file->[0]`);
	ok(-s "$dir/installed$directory/$file->[1]$file->[2]", "has installed $file->[2]");
}
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
{
	# The tests that need no endpoint, which would be those of t/.
	local $ENV{MAKEFLAGS} = 'TAP_TESTS=';
	command_ok(
		[
			'pgxn', 'check', '--pg_config', $pg_config, '--host', $node->host, '--port', $node->port,
			'--dbname', 'contrib_regression', $zip
		],
		'pgxn check');
}

done_testing();
