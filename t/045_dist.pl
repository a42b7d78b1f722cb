# One version everywhere, META.json as PGXN's specification 1.0.0 wants it, and a
# distribution that is what is committed.
use strict;
use warnings FATAL => 'all';

use FindBin;
use JSON::PP;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

needs('git', 'make', 'unzip');

# META.json
my $meta = decode_json(slurp_file("$SOURCE/META.json"));
my %required = map { $_ => 1 } qw(abstract maintainer license provides name version meta-spec);
my %optional = map { $_ => 1 } qw(description generated_by tags no_index prereqs release_status resources);
is(join(' ', grep { !defined $meta->{$_} } sort keys %required), '', 'META.json has all that it must have');
is(join(' ', grep { !$required{$_} && !$optional{$_} && !/^x_/i } sort keys %$meta),
	'', 'and nothing that PGXN does not know');
is($meta->{'meta-spec'}{version}, '1.0.0', 'the specification\'s version');
is($meta->{license}, 'postgresql', 'the licence');
like($meta->{release_status}, qr/^(stable|testing|unstable)$/, 'the release status');
my ($oldest) = slurp_file("$SOURCE/README.md") =~ /^PostgreSQL (\d+) to \d+/m;
is($meta->{prereqs}{runtime}{requires}{PostgreSQL}, "$oldest.0.0", 'the oldest PostgreSQL is README\'s');
is(join(' ', keys %{ $meta->{provides} }), 'imagebuilder_fdw', 'it provides the extension');
my $provided = $meta->{provides}{imagebuilder_fdw};
ok(-f "$SOURCE/$provided->{$_}", "its $_ is there") for 'file', 'docfile';

# The extension's version has two parts, all others three.
my $version = $meta->{version};
like($version, qr/^\d+\.\d+\.\d+$/, 'META.json\'s version is a semantic one');
my ($extension) = $version =~ /^(\d+\.\d+)/;
my ($control) = slurp_file("$SOURCE/imagebuilder_fdw.control") =~ /^default_version = '(.*)'/m;
is($control, $extension, 'version of imagebuilder_fdw.control');
is($provided->{version}, $version, 'version of what META.json provides');
is($provided->{file}, "imagebuilder_fdw--$extension.sql", 'its script');
my ($changelog) = slurp_file("$SOURCE/CHANGELOG.md") =~ /^## \[(.*?)\]/m;
is($changelog, $version, 'version of CHANGELOG.md');
my ($debian) = slurp_file("$SOURCE/debian/changelog") =~ /^imagebuilder-fdw \((.*)-[^-]*\)/;
is($debian, $version, 'version of debian/changelog');

# make dist, of a repository of its own; its Makefile makes the directories of src
my $dir = PostgreSQL::Test::Utils::tempdir();
my $source = "$dir/source";
mkdir $source or die $!;
my @kept = qw(META.json Makefile README.md imagebuilder_fdw.control .gitignore doc);
system_or_bail('cp', '-R', (map { "$SOURCE/$_" } @kept), $source);
my @git = ('git', '-C', $source, '-c', 'user.name=test', '-c', 'user.email=test@example.org');
system_or_bail(@git, 'init', '-q');
system_or_bail(@git, 'add', '.');
system_or_bail(@git, 'commit', '-q', '-m', 'All of it');
append_to_file("$source/not_committed", 'x');
append_to_file("$source/README.md", 'x');
# Not by the server's make: installcheck's own variables would be handed on.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
chomp(my $pg_config = `which pg_config`);
system_or_bail('make', '-s', '-C', $source, "PG_CONFIG=$pg_config", 'dist');
my $name = "imagebuilder_fdw-$version";
system_or_bail('unzip', '-q', "$source/$name.zip", '-d', "$dir/unpacked");
is(join(' ', map { s{.*/}{}r } glob("$dir/unpacked/*")), $name, 'a distribution has one directory');
system_or_bail(@git, 'checkout', '-q', 'README.md');
unlink "$source/not_committed";
my ($differ) = run_command([ 'diff', '-r', '-x', '.git', '-x', 'src', $source, "$dir/unpacked/$name" ]);
is($differ, "Only in $source: $name.zip", 'it is what is committed');
my ($untracked) = run_command([ @git, 'status', '--porcelain' ]);
is($untracked, '', 'and git does not see it');

done_testing();
