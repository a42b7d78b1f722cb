# Another library of the session starts libcurl, too: libcurl asks whoever was
# first for memory.  Where that is not the wrapper, what the wrapper does not
# count is nothing that it goes by.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

needs('gcc');
my $dir = PostgreSQL::Test::Utils::tempdir();

# Its blocks begin before what libcurl gets: who frees them with free() crashes.
compile("$dir/other", '
#include "postgres.h"
#include <curl/curl.h>
#include "fmgr.h"

PG_MODULE_MAGIC;

#define BEFORE 32

static int64 seen, nth = -1;

static void *
own_malloc(size_t size)
{
	size_t *block = nth >= 0 && seen++ >= nth ? NULL : malloc(size + BEFORE);

	if (block == NULL)
		return NULL;
	*block = size;
	return (char *) block + BEFORE;
}

static void
own_free(void *memory)
{
	if (memory)
		free((char *) memory - BEFORE);
}

static void *
own_calloc(size_t count, size_t size)
{
	void *memory = own_malloc(count * size);

	return memory ? memset(memory, 0, count * size) : NULL;
}

static void *
own_realloc(void *memory, size_t size)
{
	void *grown = own_malloc(size);

	if (grown && memory)
	{
		memcpy(grown, memory, Min(size, *(size_t *) ((char *) memory - BEFORE)));
		own_free(memory);
	}
	return grown;
}

static char *
own_strdup(const char *text)
{
	char *copy = own_malloc(strlen(text) + 1);

	return copy ? strcpy(copy, text) : NULL;
}

PG_FUNCTION_INFO_V1(start_libcurl);
Datum
start_libcurl(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(CURLE_OK == (PG_GETARG_BOOL(0) ?
		curl_global_init_mem(CURL_GLOBAL_ALL, own_malloc, own_free, own_realloc,
							 own_strdup, own_calloc) : curl_global_init(CURL_GLOBAL_ALL)));
}

/* Refuse all requests from the n-th on; returns how many there were since the last call. */
PG_FUNCTION_INFO_V1(refuse);
Datum
refuse(PG_FUNCTION_ARGS)
{
	int64 result = seen;

	seen = 0;
	nth = PG_GETARG_INT64(0);
	PG_RETURN_INT64(result);
}
', '-lcurl');

my $endpoint = TestEndpoint->new;
my $node = new_cluster('main');
set_up($node, $endpoint->url, options => "max_attempts '1'");
$node->safe_psql('postgres', "
	CREATE FUNCTION start_libcurl(own bool) RETURNS bool LANGUAGE c AS '$dir/other';
	CREATE FUNCTION refuse(n bigint) RETURNS bigint LANGUAGE c AS '$dir/other'");
my $command = name_query('golden-linux/1.0.0/1');
my $lookup = "SELECT attempt(\$\$$command\$\$);\n";
my $own = "SELECT start_libcurl(true);\n";
my $plain = "SELECT start_libcurl(false);\n";
my $notice = qr/another library has started libcurl in this session/;

# Name, what is done, whether libcurl takes the wrapper's functions.
for my $case (
	[ 'none but the wrapper', $lookup, 1 ],
	[ 'another first, its own allocator', $own . $lookup, 0 ],
	[ 'another first, without one', $plain . $lookup, 0 ],
	[ 'another after it, its own allocator', $lookup . $own . $lookup, 1 ],
	[ 'another after it, without one', $lookup . $plain . $lookup, 1 ])
{
	my ($name, $script, $ours) = @$case;
	my ($code, $out, $err) = $node->psql('postgres', "SET client_min_messages = debug1;\n$script"
		  . "ALTER SERVER aws OPTIONS (SET max_attempts '1');\n$lookup");
	is($code, 0, "$name: the server lives") or diag($err);
	my @wrong = grep { !/^(?:t|found golden-linux)$/ } split /\n/, $out;
	is(join("\n", @wrong), '', "$name: right answers");
	$ours ? unlike($err, $notice, "$name: its functions are taken")
	  : like($err, $notice, "$name: that its functions are not taken is noticed");
}

# Memory of another's that runs out: only libcurl's own word tells of it.
my ($count) = $node->safe_psql('postgres',
	"${own}SELECT refuse(1000000);\n${lookup}SELECT 'count ' || refuse(-1);") =~ /^count (\d+)/m;
cmp_ok($count, '>', 50, "$count requests for memory of another's");
my $script = join '', map {
	"\\c\n${own}SELECT refuse($_);\n\\echo outcome\n${lookup}SELECT refuse(-1);\n"
	  . "\\echo later\n$lookup" } 0 .. $count - 1;
my ($code, $out, $err) = $node->psql('postgres', $script);
is($code, 0, 'memory runs out: the server lives') or diag(substr $err, 0, 1000);
my @outcomes = $out =~ /^outcome\n(.*)/mg;
is(scalar @outcomes, $count, 'memory runs out: outcomes');
is(join("\n", grep { /^(?:HV00M|XX)/ } @outcomes), '', 'nobody else is blamed');
cmp_ok(scalar(grep { /^53200/ } @outcomes), '>', 0, 'what libcurl says of it is believed');
is(join("\n", grep { $_ ne 'found golden-linux' } $out =~ /^later\n(.*)/mg), '',
	'and the session works afterwards');
my %counts;
$counts{ substr($_, 0, 5) }++ for @outcomes;
note("$_: $counts{$_}") for sort keys %counts;

$node->stop;
$endpoint->stop;
done_testing();
