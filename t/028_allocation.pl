# Memory that runs out in libcurl, at any of the requests for it that a look-up
# makes, is 53200 or of no consequence: never a crash, another host, or a request
# without what was asked for it.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

needs('gcc', 'openssl');
my $dir = PostgreSQL::Test::Utils::tempdir();
my @tls = certificate("$dir/tls");
my $endpoint = TestEndpoint->new(@tls);
my $proxy = TestStandIn->start_program('proxy.py', '--log', "$dir/log");

# In the place of the C library's allocator: one that refuses libcurl's and the
# wrapper's n-th request, counted from 0, or all from the n-th on; or, of at least so
# many bytes, the server's.
my $refuse = compile("$dir/refuse", '
#include "postgres.h"
#include <errno.h>
#include <link.h>
#include "fmgr.h"

PG_MODULE_MAGIC;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static struct { char *start, *end; } ranges[16];
static int nranges;
static bool counting, once;
static int64 seen, nth;
static size_t least;

static int
note_object(struct dl_phdr_info *info, size_t size, void *data)
{
	if (least > 0 ? info->dlpi_name[0] != 0 :
		!strstr(info->dlpi_name, "libcurl") && !strstr(info->dlpi_name, "imagebuilder_fdw"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum && nranges < lengthof(ranges); i++)
	{
		if (info->dlpi_phdr[i].p_type != PT_LOAD)
			continue;
		ranges[nranges].start = (char *) info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		ranges[nranges].end = ranges[nranges].start + info->dlpi_phdr[i].p_memsz;
		nranges++;
	}
	return 0;
}

static bool
is_refused(void *caller, size_t size)
{
	bool counts = false;
	int64 n;

	if (!counting || size < least)
		return false;
	for (int i = 0; i < nranges; i++)
		counts |= (char *) caller >= ranges[i].start && (char *) caller < ranges[i].end;
	if (!counts)
		return false;
	n = seen++;
	if (once ? n != nth : n < nth)
		return false;
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	return is_refused(__builtin_return_address(0), size) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return is_refused(__builtin_return_address(0), count * size) ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *memory, size_t size)
{
	return is_refused(__builtin_return_address(0), size) ? NULL : __libc_realloc(memory, size);
}

char *
strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = is_refused(__builtin_return_address(0), size) ? NULL : __libc_malloc(size);

	return copy ? strcpy(copy, text) : NULL;
}

/* Refuse the n-th request from now on; returns how many there were since the last call. */
PG_FUNCTION_INFO_V1(refuse);
Datum
refuse(PG_FUNCTION_ARGS)
{
	int64 result = seen;

	counting = false;
	nranges = 0;
	least = PG_GETARG_INT64(2);
	dl_iterate_phdr(note_object, NULL);
	seen = 0;
	nth = PG_GETARG_INT64(0);
	once = PG_GETARG_BOOL(1);
	counting = nth >= 0;
	PG_RETURN_INT64(result);
}
', '-O1', '-fno-builtin');

my $node = new_cluster('main',
	start => sub { local $ENV{LD_PRELOAD} = $refuse; $_[0]->start });
my $url = $endpoint->url;
$node->safe_psql('postgres', "
	CREATE FUNCTION refuse(n bigint, once bool DEFAULT true, bytes bigint DEFAULT 0) RETURNS bigint
		LANGUAGE c AS '$dir/refuse', 'refuse'");
set_up($node, $url, options =>
	  "proxy '" . $proxy->url . "', ca_bundle '$dir/tls.pem', max_attempts '1'");
my $lookup = "SELECT attempt('SELECT name FROM images WHERE arn = ''"
  . arn('golden-linux/1.0.0/1') . "''')";
my %sessions = (
	'a new session' => 'SELECT imagebuilder_fdw_version()',
	'a connection that is kept' => $lookup);

for my $name (sort keys %sessions)
{
	my $start = "\\c\n$sessions{$name};\n";
	my $count = (split /\n/, $node->safe_psql('postgres',
			"${start}SELECT refuse(1000000);\n$lookup;\nSELECT refuse(-1);"))[-1];
	cmp_ok($count, '>', 50, "$name: $count requests for memory");
	for my $once ('true', 'false')
	{
		my $script = join '', map {
			"${start}SELECT refuse($_, $once);\n\\echo outcome\n$lookup;\nSELECT refuse(-1);\n"
			  . "\\echo later\n$lookup;\n" } 0 .. $count - 1;
		my ($code, $out, $err) = $node->psql('postgres', $script);
		is($code, 0, "$name, $once: the server lives") or diag(substr $err, 0, 1000);
		my @outcomes = $out =~ /^outcome\n(.*)/mg;
		is(scalar @outcomes, $count, "$name, $once: outcomes");
		my @wrong = grep { $outcomes[$_] !~ /^(?:found golden-linux$|53200 )/ } 0 .. $#outcomes;
		is(join("\n", map { "$_: $outcomes[$_]" } @wrong), '', "$name, $once: right, or 53200");
		cmp_ok(scalar(grep { /^53200/ } @outcomes), '>', $count / 4,
			"$name, $once: memory that runs out is said to");
		my @later = $out =~ /^later\n(.*)/mg;
		is(join("\n", grep { $_ ne 'found golden-linux' } @later), '',
			"$name, $once: the session works afterwards");
	}
}

# Through the proxy, and with our name, or not at all.
my $log = slurp_file("$dir/log");
my $connects = () = $log =~ /^CONNECT /mg;
my $port = $endpoint->port;
is(scalar(() = $log =~ /^User-Agent: imagebuilder_fdw/mg), $connects,
	'each CONNECT with our name');
is(scalar(() = $log =~ /^CONNECT 127\.0\.0\.1:$port /mg), $connects, 'each to the right host');
my $connections = $endpoint->counters->{connections};
cmp_ok($connections - 1, '<=', $connects, 'and no connection beside the proxy');

# The server's own memory for an answer, which cache_ttl keeps.
{
	my $complete = $lookup =~ s{golden-linux/1}{complete/1}r;
	my $start = "\\c\n$complete;\nSELECT imagebuilder_fdw_clear_cache();\n";
	$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD cache_ttl '1h')");
	my ($found) = $node->safe_psql('postgres', $complete) =~ /^(found .+)/;
	my $count = (split /\n/, $node->safe_psql('postgres',
			"${start}SELECT refuse(1000000, true, 9000);\n$complete;\nSELECT refuse(-1);"))[-1];
	cmp_ok($count, '>', 2, "an answer to be kept: $count requests for much memory");
	my $script = join '', map {
		"${start}SELECT refuse($_, true, 9000);\n\\echo outcome\n$complete;\nSELECT refuse(-1);\n"
		  . "\\echo later\n$complete;\n" } 0 .. $count - 1;
	# The request that is refused may be that of the call which ends it.
	my ($code, $out, $err) = $node->psql('postgres', $script, on_error_stop => 0);
	is($code, 0, 'an answer to be kept: the server lives') or diag(substr $err, 0, 1000);
	my @outcomes = $out =~ /^outcome\n(.*)/mg;
	is(join("\n", grep { $_ ne $found && !/^53200 / } @outcomes), '', 'right, or 53200');
	cmp_ok(scalar(grep { /^53200 / } @outcomes), '>', 2, 'which is said');
	is(join("\n", $out =~ /^later\n(.*)/mg), join("\n", ($found) x $count), 'the session works afterwards');
}

$node->stop;
$endpoint->stop;
done_testing();
