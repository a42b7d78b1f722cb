# All SQL of README.md and of doc/ runs and has the result that is shown; what they
# say of tables, options, functions, messages and packages is so; their links lead
# somewhere.  With UPDATE_DOCS=directory, the documents with the results as they
# are now are written there.
use strict;
use warnings FATAL => 'all';

use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;
use TestIdentity;

my $update = $ENV{UPDATE_DOCS};

# Keys are nowhere but in a mapping and in the instance's metadata service.
my $identity = TestIdentity->new;
my $endpoint = TestEndpoint->new('--issued', $identity->{issued});
delete $ENV{$_} for grep { /^AWS_/ } keys %ENV;
$ENV{AWS_EC2_METADATA_SERVICE_ENDPOINT} = $identity->url('imds');
my $node = new_cluster('main', without_extension => 1);

# A document's database, and what its blocks have set in their sessions.
sub run_sql
{
	my ($database, $session, $sql, $shown) = @_;
	# AWS's place is taken by the endpoint.
	my $url = $endpoint->url;
	my $sts = $identity->url('sts');
	my $run = $sql =~ s/(?<=endpoint_url ')[^']*/$url/r;
	my $urls = "OPTIONS (endpoint_url '$url', sts_endpoint_url '$sts'";
	$run =~ s/^(CREATE SERVER [^(;]*);/$1 $urls);/m
	  or $run =~ s/^(CREATE SERVER [^(;]*)OPTIONS \((?!endpoint_url)/$1$urls, /m;
	my $stop = ($shown // '') =~ /^ERROR/m ? 0 : 1;
	my ($stdout, $stderr) = ('', '');
	my $ok = IPC::Run::run(
		[ 'psql', '-Xq', '-v', "ON_ERROR_STOP=$stop", '-d', $node->connstr($database) ], '<',
		\"SET TimeZone = 'UTC'; SET client_min_messages = warning; $$session\n$run",
		'>', \$stdout, '2>', \$stderr);
	$$session .= "$1\n" while $sql =~ /^((?:RE)?SET (?!LOCAL).*;)$/gm;
	return ($ok, $stdout =~ s/[ \t]+$//gmr =~ s/\n\n\z/\n/r, $stderr);
}

# The SQL of a document, in order, each with the result that is shown.
sub blocks_of
{
	my ($text) = @_;
	my @blocks;
	push @blocks, { sql => $1, shown => $2 }
	  while $text =~ /^```sql\n(.*?)^```\n(?:^```text\n(.*?)^```\n)?/gms;
	return @blocks;
}

sub reference
{
	my ($reference, $error) =
	  run_command([ "$SOURCE/dev/reference", '-d', $node->connstr('postgres') ]);
	is($error, '', 'dev/reference');
	return "$reference\n";
}

# README's quick start comes before all else, in each document's own database.
my %text = map { s/^\Q$SOURCE\E\///r => slurp_file($_) }
  "$SOURCE/README.md", glob("$SOURCE/doc/*.md");
my %links = (%text,
	map { $_ => slurp_file("$SOURCE/$_") } 'CONTRIBUTING.md', 'CHANGELOG.md', 'src/README.md');
my ($quick_start) = $text{'README.md'} =~ /^## Quick start\n(.*?)^## /ms;
my @set_up = blocks_of($quick_start);
cmp_ok(scalar @set_up, '>=', 2, 'README has a quick start');
my %set_up = map { $_->{sql} => 1 } @set_up;
$node->safe_psql('postgres', 'CREATE EXTENSION imagebuilder_fdw');

for my $document ('README.md', grep { $_ ne 'README.md' } sort keys %text)
{
	if ($document eq 'doc/tables.md' && $update)
	{
		my $reference = reference() =~ s/^```\n(?!sql)(?=\n|\z)/```\n```text\n```\n/gmr;
		$text{$document} =~ s/(^<!-- dev\/reference -->\n).*?(^<!-- end -->)/$1$reference$2/ms;
	}
	my @blocks = blocks_of($text{$document});
	next unless @blocks;
	my $database = $document =~ s/\W/_/gr;
	my $session = '';
	$node->safe_psql('postgres', "CREATE DATABASE \"$database\"");
	for my $block (@set_up)
	{
		my ($ok, $stdout, $stderr) = run_sql($database, \$session, $block->{sql}, $block->{shown});
		my ($title) = $block->{sql} =~ /^(.*)/;
		ok($ok, "$document, quick start: $title") or diag($stderr);
		$block->{result} = "$stdout$stderr";
	}
	for my $block (@blocks)
	{
		my ($title) = $block->{sql} =~ /^(.*)/;
		my ($ok, $stdout, $stderr) = (1, '', '');
		if ($document eq 'README.md' && $set_up{ $block->{sql} })
		{
			($stdout) = map { $_->{result} } grep { $_->{sql} eq $block->{sql} } @set_up;
		}
		else
		{
			($ok, $stdout, $stderr) = run_sql($database, \$session, $block->{sql}, $block->{shown});
		}
		$stdout .= $stderr =~ s/request ID [-0-9a-f]+/request ID …/gr;
		if (!defined $block->{shown})
		{
			ok($ok && $stderr eq '', "$document runs: $title") or diag($stderr);
			next;
		}
		# Plans are shown as 15 and 16 write them; later ones turn operands around
		# and count rows in fractions.
		next if $stdout =~ /QUERY PLAN/ && $node->pg_version >= 17;
		is($block->{shown}, $stdout, "$document shows what it does: $title") unless $update;
		ok($ok, "$document runs: $title") or diag($stderr);
		$text{$document} =~ s/(\Q$block->{sql}\E```\n```text\n).*?(^```\n)/$1$stdout$2/ms;
	}
}
if ($update)
{
	make_path("$update/doc");
	for my $document (keys %text)
	{
		open my $out, '>', "$update/$document" or die $!;
		print $out $text{$document};
		close $out;
	}
}

# The reference is the schema's.
my ($shown) = $text{'doc/tables.md'} =~ /^<!-- dev\/reference -->\n(.*?)^<!-- end -->/ms;
is($shown =~ s/^```text\n.*?^```\n//gmsr, reference(), 'the tables');
while ($shown =~ /^\| \[`(\w+)`\].*\| `(\w+)` \|$/gm)
{
	my ($table, $action) = ($1, $2);
	like($node->safe_psql('doc_tables_md', "EXPLAIN SELECT FROM imagebuilder.$table"),
		qr/Operation: $action(:\w+)?$/m, "the action of $table");
}

# README can be read in one sitting.
my @lines = split /\n/, $text{'README.md'};
cmp_ok(scalar @lines, '<=', 250, 'lines of README');
for my $document (sort keys %text)
{
	my @long = grep { length($_) >= 300 } split /\n/, $text{$document};
	is(join("\n", @long), '', "no line of $document is too long");
}

# Links lead to files and headings that are there.
sub anchors
{
	my ($text) = @_;
	return map { lc(s/[^\w\s-]//gr =~ s/\s/-/gr) => 1 } $text =~ /^#+ (.*)/gm;
}
for my $document (sort keys %links)
{
	my ($directory) = $document =~ /^(.*\/)/;
	my @broken;
	for my $link ($links{$document} =~ /\]\(([^)\s]+)\)/g)
	{
		next if $link =~ /^https?:/;
		my ($file, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
		my $path = $file eq '' ? $document : ($directory // '') . $file;
		$path =~ s/[^\/]+\/\.\.\///;
		push @broken, $link
		  unless -e "$SOURCE/$path"
		  && (!defined $anchor || { anchors(slurp_file("$SOURCE/$path")) }->{$anchor});
	}
	is("@broken", '', "links of $document");
}
my %linked = map { $_ => 1 } $text{'README.md'} =~ /\]\(([^)#]+)/g;
is(join(' ', grep { !$linked{$_} } keys %links), 'README.md', 'README links all documents');

# The options are those that the validator knows, with README's among them.
my ($options) = $text{'doc/options.md'} =~ /^(.*?)^## Functions\n/ms;
my %named = map { $_ => 1 } $options =~ /^\| `([a-z_]+)`/gm;
$node->safe_psql('postgres', 'CREATE SERVER x FOREIGN DATA WRAPPER imagebuilder_fdw');
my %known = (column_name => 1, path => 1);
for my $object (
	'SERVER y FOREIGN DATA WRAPPER imagebuilder_fdw',
	'USER MAPPING FOR CURRENT_USER SERVER x',
	'FOREIGN TABLE y () SERVER x')
{
	my (undef, undef, $stderr) = $node->psql('postgres', "CREATE $object OPTIONS (none_such 'x')");
	$known{$_} = 1 for map { split /, / } $stderr =~ /Valid options in this context are: (.*)\./g;
}
cmp_ok(scalar keys %known, '>', 20, 'options are known');
is_deeply([ sort keys %named ], [ sort keys %known ],
	'doc/options.md has all options and no others');
my $defined = slurp_file("$SOURCE/src/config/option.c");
my %default = $defined =~ /^\t\{"(\w+)", .*, "([^"]*)"\},$/gm;
cmp_ok(scalar keys %default, '>=', 10, 'options have defaults');
for my $document ('README.md', 'doc/options.md')
{
	my %shown = $text{$document} =~ /^\| `(\w+)`(?: †)? \| `(\w+)` \|/gm;
	is($shown{$_}, $default{$_}, "$document: default of $_")
	  for grep { defined $default{$_} } sort keys %shown;
	cmp_ok(scalar(grep { defined $default{$_} } keys %shown), '>=', 5, "defaults in $document");
}

# Each example of an option is accepted where its section says.
for (
	[ 'Servers', 'SERVER example FOREIGN DATA WRAPPER imagebuilder_fdw OPTIONS (%s)' ],
	[ 'User mappings', 'USER MAPPING FOR PUBLIC SERVER x OPTIONS (%s)' ],
	[ 'Foreign tables', 'FOREIGN TABLE example () SERVER x OPTIONS (%s)' ],
	[ 'Foreign tables', 'FOREIGN TABLE example (a text OPTIONS (%s)) SERVER x' ])
{
	my ($section, $command) = @$_;
	my ($rows) = $options =~ /^## \Q$section\E[^\n]*\n(.*?)(?:^## |\z)/ms;
	for my $row (split /\n/, $rows)
	{
		my ($name, $example, $place) =
		  $row =~ /^\| `(\w+)`[^|]*\|[^|]*\| `('[^|]*')` \| (table|column)?/ or next;
		next if $place && ($place eq 'column') != ($command =~ /a text/);
		my $sql = sprintf($command, "$name $example");
		my (undef, undef, $stderr) = $node->psql('postgres',
			"SET client_min_messages = error; BEGIN; CREATE $sql");
		is($stderr, '', "doc/options.md, $section: $name $example");
	}
}
my ($most_used) = $text{'README.md'} =~ /^## Options\n(.*?)^## /ms;
is(join(' ', grep { !$known{$_} } $most_used =~ /^\| `(\w+)`/gm), '',
	'README\'s options are there');

# The functions are those of the extension.
my @functions = $text{'doc/options.md'} =~ /^\| `(imagebuilder_[a-z_]+)\(/gm;
is(join(' ', sort @functions), $node->safe_psql('postgres', q{
	SELECT string_agg(proname, ' ' ORDER BY proname COLLATE "C") FROM pg_proc
	WHERE proname ~ '^imagebuilder_' AND proname !~ '_(handler|validator)$'}), 'the functions');

# Messages are shown as the sources have them.
my $sources = join '', map { slurp_file($_) } glob("$SOURCE/src/*.[ch] $SOURCE/src/*/*.[ch]");
$sources =~ s/\\"/"/g;
for my $document ('README.md', 'doc/troubleshooting.md')
{
	my ($table) = $text{$document} =~ /^## (?:When it fails|Writing queries and tables)\n(.*)/ms;
	my @messages = $table =~ /^\| `(.*?)` \|/gm;
	cmp_ok(scalar @messages, '>=', 8, "messages of $document");
	for my $message (@messages)
	{
		my @missing = grep { index($sources, $_) < 0 }
		  split /…|"images"|image(?= ARN| *$)/, $message;
		is("@missing", '', "$document: $message");
	}
}

# What is to be installed is what dev/demo and dev/test install.
my ($packages) = $text{'doc/install.md'} =~ /^sudo apt-get install (.*)/m;
my $library = slurp_file("$SOURCE/dev/lib.sh");
like($library, qr/\b\Q$_\E\b/, "dev/lib.sh installs $_")
  for grep { !/postgresql/ } split ' ', $packages;
for my $document (sort keys %text)
{
	ok(-x "$SOURCE/$_", "$document: $_ is there") for $text{$document} =~ /^(dev\/\w+)/gm;
}

# A role in each account: asked as that role, who can do no more.
my $database = 'doc_credentials_md';
my $asked = "SELECT name FROM fleet.images WHERE arn = '" . arn('golden-linux/2.0.0/1') . "'";
is($node->safe_psql($database, "SET ROLE reporter; $asked"), 'golden-linux', 'the analyst asks');
is($identity->counters->{roles}{"arn:aws:iam::$TestEndpoint::ACCOUNT:role/ImageReader"},
	1, 'as the account\'s role');
$node->safe_psql($database,
	'GRANT USAGE ON SCHEMA fleet TO analyst;
	GRANT SELECT ON ALL TABLES IN SCHEMA fleet TO analyst');
my (undef, undef, $stderr) = $node->psql($database, "SET ROLE analyst; $asked");
like($stderr, qr/there are no credentials/, 'another may not');
my $change = 'ALTER USER MAPPING FOR reporter SERVER fleet
	OPTIONS (SET role_arn \'arn:aws:iam::123456789012:role/Admin\')';
isnt(($node->psql($database, "SET ROLE reporter; $change"))[0], 0, 'nor the analyst change it');

$identity->stop;
$endpoint->stop;
done_testing();
