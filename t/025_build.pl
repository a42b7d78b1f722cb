# The library exports what PostgreSQL looks up and nothing else, and uses nothing
# that the server does not have, nor would another major version's; it can be built
# out of the tree; and it is made again for another version.  What tests need is
# looked for.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

needs('binutils', 'gcc', 'make');

chomp(my $pg_config = `which pg_config`);
chomp(my $pkglibdir = `$pg_config --pkglibdir`);
my ($symbols) = run_command([ 'nm', '-D', '--defined-only', "$pkglibdir/imagebuilder_fdw.so" ]);
my %exported = map { $_ => 1 } $symbols =~ / ([^ \n]+)$/gm;
my $script = slurp_file("$SOURCE/imagebuilder_fdw--1.0.sql");
my @functions = $script =~ /^CREATE FUNCTION (\w+)\([^;]*LANGUAGE C/gm;
my %looked_up = map { $_ => 1 } qw(Pg_magic_func _PG_init), map { ($_, "pg_finfo_$_") } @functions;
cmp_ok(scalar @functions, '>=', 8, 'the extension has functions');
is_deeply([ sort keys %exported ], [ sort keys %looked_up ], 'exported names');

# What the library takes from elsewhere, the server or a library that it names has.
# PostgreSQL does not load it otherwise.
chomp(my $bindir = `$pg_config --bindir`);
my ($linked) = run_command([ 'ldd', "$pkglibdir/imagebuilder_fdw.so" ]);
my %had;
for my $file ("$bindir/postgres", $linked =~ m{ => (/\S+)}g)
{
	my ($names) = run_command([ 'nm', '-D', '--defined-only', $file ]);
	$had{$_} = 1 for $names =~ / ([^ \n@]+)(?:@.*)?$/gm;
}
my ($wanted) = run_command([ 'nm', '-D', '--undefined-only', "$pkglibdir/imagebuilder_fdw.so" ]);
my @wanted = $wanted =~ / U ([^ \n@]+)/g;
cmp_ok(scalar @wanted, '>=', 200, 'the library takes names from elsewhere');
is_deeply([ grep { !$had{$_} } @wanted ], [], 'names that nobody has');

# Other major versions need not be there: the sources are read as the preprocessor
# leaves them for each, without PostgreSQL's headers.  What it leaves must not be
# among the names that only other versions have.
my $list = slurp_file("$SOURCE/test/symbols.txt");
my ($majors) = $list =~ /^majors: (.*)/m or die 'no major versions in test/symbols.txt';
my @majors = split ' ', $majors;
my %only_in;
while ($list =~ /^([\d ]*):\n((?:\w+\n)+)/gm)
{
	my ($with, $names) = ($1, $2);
	$only_in{$_} = { map { $_ => 1 } split ' ', $with } for split ' ', $names;
}
cmp_ok(scalar keys %only_in, '>=', 1000, 'names that not all versions have');
my ($sources) =
  run_command([ 'find', "$SOURCE/src", '-name', '*.[ch]', '-exec', 'cat', '{}', '+' ]);
my %own = map { $_ => 1 } $sources =~ /^(\w+)\(/gm;
$sources =~ s/^#include.*//gm;

# The names in the sources that this major version does not have.
sub foreign_to
{
	my ($major, $code) = @_;
	my $left;
	IPC::Run::run([ qw(gcc -E -dD -P -w -x c), "-DPG_VERSION_NUM=${major}0000", '-' ],
		'<', \$code, '>', \$left) or die "gcc -E for $major";
	$left =~ s/"(?:\\.|[^"\\])*"//g;
	my %used = map { $_ => 1 } $left =~ /\b([A-Za-z_]\w*)/g;
	return [ grep { $only_in{$_} && !$only_in{$_}{$major} && !$own{$_} } sort keys %used ];
}
is_deeply(foreign_to($_, $sources), [], "names that PostgreSQL $_ does not have") for @majors;
is_deeply(
	foreign_to(16, "#if PG_VERSION_NUM >= 160000\nfreeJsonLexContext(lex);\n#endif\n"),
	['freeJsonLexContext'], 'one that came later');
my ($server) = run_command([ $pg_config, '--version' ]);
my ($running) = $server =~ /(\d+)/;
ok((grep { $_ eq $running } @majors), "test/symbols.txt has PostgreSQL $running");
my ($first, $last) = slurp_file("$SOURCE/README.md") =~ /^PostgreSQL (\d+) to (\d+)/m;
is("@majors", join(' ', $first .. $last),
	"the README's major versions are those of test/symbols.txt");

# Sources and, as Debian's tools have it, a directory beside them to build in.
my $dir = PostgreSQL::Test::Utils::tempdir();
my ($source, $build) = ("$dir/source", "$dir/build");
mkdir $_ or die $! for $source, $build;
system_or_bail('cp', '-R', (map { "$SOURCE/$_" } qw(Makefile imagebuilder_fdw.control src)),
	glob("$SOURCE/*.sql"), $source);
system_or_bail('find', $source, '-name', '*.o', '-delete');
sub make
{
	my @arguments = @_;
	my $log = "$dir/log";
	my $ok = IPC::Run::run(
		[ 'make', '-C', $build, '-f', "$source/Makefile", "PG_CONFIG=$pg_config",
			"VPATH=$source", @arguments ], '>', $log, '2>&1');
	return ok($ok, "make @arguments") || diag(slurp_file($log));
}
sub files
{
	my ($top) = @_;
	my ($files) = run_command([ 'find', $top, '-type', 'f', '-printf', '%f\n' ]);
	return join ' ', sort split /\n/, $files;
}
my $before = files($source);
make('-j2');
make('install', "DESTDIR=$dir/installed");
is( files("$dir/installed"),
	'imagebuilder_fdw--1.0.sql imagebuilder_fdw.control imagebuilder_fdw.so',
	'what is installed');
is(files($source), $before, 'nothing is made among the sources');

# The version stands in the control file only.
my $control = slurp_file("$source/imagebuilder_fdw.control");
ok($control =~ s/^default_version = '.*'/default_version = '7.8.9'/m,
	'the control file has a version');
append_to_file("$source/new", $control);
rename "$source/new", "$source/imagebuilder_fdw.control" or die $!;
make('src/imagebuilder_fdw.o');
like(slurp_file("$build/src/imagebuilder_fdw.o"), qr/\b7\.8\.9\b/,
	'another version is compiled in');

# A test is skipped where what it needs is not there.
my ($said) = run_command(
	[ $^X, (map { "-I$_" } @INC), '-MTestEndpoint', '-e',
		'needs("python3-botocore", "python3-none"); print "on"' ]);
like($said, qr/^1\.\.0 # SKIP needs python3-none$/, 'what a test needs is said');

done_testing();
