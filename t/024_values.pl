# Answers made to cost or to break: memory and time stay in proportion to them,
# messages are short and say which image and column, and with on_error
# 'warning' a row that cannot be read costs no other.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;

my $endpoint = TestEndpoint->new;
my $node = new_cluster('main');
my $major = $node->pg_version->major;
set_up($node, $endpoint->url, options => "max_response_size '64MB'");

my $serial = 0;
# A new image that answers with a body; its ARN.
sub image
{
	my ($body) = @_;
	my $arn = arn('values/1.0.0/' . ++$serial);
	$endpoint->put($arn, $body);
	return $arn;
}

# What a session of its own says to statements: standard output and error.
sub session
{
	my ($sql, %options) = @_;
	my ($rc, $stdout, $stderr) =
	  $node->psql($options{database} // 'postgres', "\\set VERBOSITY verbose\n$sql");
	return ($stdout, $stderr);
}

# The rows of a table of a new image that answers with a body.
sub select_from
{
	my ($table, $columns, $body) = @_;
	return "SELECT $columns FROM $table WHERE image_arn = '" . image($body) . "'";
}

sub fault { return name_query("fault-$_[0]/1.0.0/1") }

# A table of columns with paths: [ name and type, path ].
sub create_table
{
	my ($name, $options, @columns) = @_;
	my $key = $options =~ /^rows/ ? 'image_arn text' : 'arn text';
	return "CREATE FOREIGN TABLE public.$name ("
	  . join(', ', $key, map { "$_->[0] OPTIONS (path '$_->[1]')" } @columns)
	  . ") SERVER aws OPTIONS ($options);";
}

# ---- memory: the body, and at most once more for its index

my $size = 30 << 20;
my $head = '{"image": {"name": "x"}, "x": ';
my $pair = '[' x 14 . ' ' x 128 . ']' x 14;
# Each row: what it is, the body, what comes of it.
my @bodies = (
	[ 'nothing but [', '[' x $size, qr/^HV00M .*stops being JSON at byte $size/ ],
	[ '[ within an object', $head . '[' x $size, qr/^HV00M / ],
	[ 'a list of numbers', $head . '[' . '1,' x ($size / 2) . '1]}', 'found x' ],
	[ 'an object of empty names', $head . '{' . '"":0,' x ($size / 5) . '"":0}}', 'found x' ],
	[ 'nested lists', $head . '[' x ($size / 2) . ']' x ($size / 2) . '}', 'found x' ],
	[ 'empty lists', $head . '[' . '[],' x ($size / 3) . '[]]}', 'found x' ],
	[ 'as many entries of the index as can be',
		$head . '[' . "$pair," x ($size / (1 + length $pair)) . '[]]}', 'found x' ],
);
for my $case (@bodies)
{
	my ($name, $body, $expected) = @$case;
	my $arn = image($body);
	my $peak = q{SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmHWM:\s*(\d+)'))[1]};
	my ($stdout) = session("$peak; SELECT attempt('SELECT name FROM images"
		  . " WHERE arn = ''$arn'''); $peak");
	my ($before, $result, $after) = $stdout =~ /^(\d+)\n(.*)\n(\d+)$/s;
	is_or_like($result, $expected, $name);
	cmp_ok(($after - $before) * 1024, '<', 2.5 * $size, "$name: memory");
	$endpoint->put($arn, '');
}

# ---- time: a parent is gone through once, not once for each row below it

my $children = 150000;
my $members = join ', ', map { qq("m$_": $_) } 1 .. $children;
my $arn = image(qq({"image": {"list": [{$members, "id": "first", "inner": [)
	  . join(', ', 1 .. $children) . ']}, {"id": "second", "inner": [7, 8]}, {"inner": [9]}]}}');
$node->safe_psql('postgres', create_table('inner_items', q{rows 'image.list[].inner[]'},
		[ 'parent text', '^id' ], [ 'place int', '^#' ], [ 'n int', '#' ], [ 'v int', '.' ],
		[ 'deep text', '^id.x' ], [ 'whole jsonb', '@response' ]));
is((session("SET statement_timeout = '60s'; SELECT parent, place, count(*) FROM inner_items"
			  . " WHERE image_arn = '$arn' GROUP BY 1, 2 ORDER BY 2"))[0],
	"first|1|$children\nsecond|2|2\n|3|1", 'members of a parent');
like(attempt($node, "SELECT deep FROM inner_items WHERE image_arn = '$arn'"),
	qr/^HV004 .*"\^id\.x": member "x" is looked for in a JSON string/, 'and what is none');
my $long = 'x' x 1000000;
my $large = image(qq({"image": {"list": [{"id": "$long", "inner": [)
	  . join(', ', 1 .. 20000) . ']}]}}');
for my $value ('parent', 'jsonb_typeof(whole)')
{
	is((session("SET statement_timeout = '60s'; SELECT count(*), count($value)"
				  . " FROM inner_items WHERE image_arn = '$large'"))[0],
		'20000|20000', "$value is converted once");
}

# Values that rows share are each row's own, in other images and sources too.
my @shared = map { image(qq({"image": {
	"list": [{"id": "a$_", "inner": [1, 2]}, {"id": "b$_", "inner": [3]}],
	"imageRecipe": {"components": [{"componentArn": "i$_"}]},
	"containerRecipe": {"components": [{"componentArn": "c$_"}, {"componentArn": "d$_"}]}}})) } 1,
		2;
my $in = "image_arn IN ('$shared[0]', '$shared[1]')";
is($node->safe_psql('postgres', "SELECT array_position(ARRAY['$shared[0]', '$shared[1]'],"
		  . " image_arn), parent, v, whole #>> '{image,list,1,id}' FROM inner_items WHERE $in"),
	"1|a1|1|b1\n1|a1|2|b1\n1|b1|3|b1\n2|a2|1|b2\n2|a2|2|b2\n2|b2|3|b2", 'values of a parent');
is($node->safe_psql('postgres', "SELECT recipe_type, component_arn FROM components WHERE $in"),
	join("\n", map { ("image|i$_", "container|c$_", "container|d$_") } 1, 2), 'values of a source');

# ---- foreign text in messages

$node->safe_psql('postgres', q{
	CREATE FUNCTION public.refuse(value text) RETURNS boolean LANGUAGE plpgsql AS
		$$BEGIN IF value LIKE 'bad%' THEN RAISE EXCEPTION 'refused: %', value
			USING DETAIL = value, HINT = value; END IF; RETURN true; END$$;
	CREATE DOMAIN public.refused AS text CHECK (refuse(value));
	CREATE TYPE public.colour AS ENUM ('red', 'blue');
	-- The longest of an error's fields, and what it is.
	CREATE FUNCTION public.longest(command text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE message text; state text; detail text; hint text; context text;
	BEGIN
		EXECUTE command;
		RETURN 'no error';
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE,
			detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
		-- PL/pgSQL's own context quotes the command.
		context := replace(context, command, '');
		RETURN format('%s %s', state, greatest(octet_length(message), octet_length(detail),
			octet_length(hint), octet_length(context)));
	END $$;
});
my $long_name = 'n' x 5000;
my @types = (
	[ 'moment', 'timestamptz' ], map({ [ $_, $_ ] } qw(date int float8 numeric uuid
		colour refused regclass interval boolean inet jsonb)),
	[ 'short', 'varchar(3)' ], [ 'ints', 'int[]' ],
);
$node->safe_psql('postgres', create_table('long', q{table_name 'images'},
		map({ [ "$_->[0] $_->[1]", 'x' ] } @types),
		[ 'name text', "x.$long_name" ], [ 'm "char"', 'x.y' ]));
my $five = 5 << 20;

sub longest
{
	return $node->safe_psql('postgres', "SELECT longest(\$c\$$_[0]\$c\$)");
}

my %values = (
	text => '"bad' . 'x' x $five . '"', escaped => '"' . '\u00e9\n' x ($five / 8) . '"',
	digits => '9' x $five, fraction => '0.' . '9' x 16000, exponent => '9e131000',
	list => '["' . 'x' x $five . '"]', umlauts => '"' . "\xc3\xa4" x ($five / 2) . '"',
);
for my $value (sort keys %values)
{
	my $long_value = image(qq({"image": {}, "x": $values{$value}}));
	for my $column (map({ $_->[0] } @types), 'name', 'm')
	{
		my $result = longest(qq(SELECT "$column" FROM long WHERE arn = '$long_value'));
		next if $result eq 'no error';		# it is one of the type's
		my ($state, $length) = split / /, $result;
		ok($state =~ /^(HV004|54000)$/ && $length < 2000, "$column of $value: $result");
	}
}
for my $kind ('hugemessage', 'hugecode', 'hugetext', 'hugetype', 'hugelocation', 'hugeid')
{
	my $result = longest(fault($kind));
	my ($state, $length) = split / /, $result;
	ok($state =~ /^HV0/ && $length < 2200, "$kind: $result");
}
for my $long_arn (arn('x' x 100000 . '/1.0.0/1'), 'x' x 1000000)
{
	my ($result) = session(q{SELECT longest(format($c$SELECT name FROM images WHERE arn = %L$c$, }
		  . "'$long_arn'))");
	my ($state, $length) = split / /, $result;
	ok($length && $length < 2200, "an ARN of " . length($long_arn) . " bytes: $result");
}
my $lines = image('{"image": {}, "x": "a\nERROR: b"}');
unlike(attempt($node, "SELECT moment FROM long WHERE arn = '$lines'"), qr/\n/,
	'a message is one line');

# ---- on_error = 'warning'

$node->safe_psql('postgres', q{
	CREATE FUNCTION public.raise(value text) RETURNS boolean LANGUAGE plpgsql AS $$
	BEGIN
		IF value = 'slow' THEN PERFORM pg_sleep(60); END IF;
		IF value ~ '^[0-9A-Z]{5}$' THEN RAISE EXCEPTION 'raised' USING ERRCODE = value; END IF;
		PERFORM count(*) FROM pg_class;
		RETURN true;
	END$$;
	CREATE DOMAIN public.raising AS text CHECK (raise(value));
} . create_table('items', q{rows 'image.items[]'}, [ 'n int', '#' ],
		[ 'v int', 'v' ], [ 'd raising', 'd' ])
	  . create_table('days', q{rows 'image.list[].inner[]'}, [ 'day date', '^id' ],
		[ 'v int', '.' ])
	  . create_table('failing', q{rows 'image.list[].inner[]'}, [ 'x text', '^x' ],
		[ 'v int', '.' ]));
my $items = image('{"image": {"items": [
	{"v": 1, "d": "a"}, {"v": "x", "d": "b"}, {"v": 3, "d": "P0001"}, {"v": 4, "d": "22023"},
	5, {"v": 6, "d": "c"}, {"v": 7, "d": "\ud800"}, {"v": 8, "d": null}]}}');
# Each row: what it is, the query, the rows that come, the warnings, the error.
my $named = qr/could not read column "\w+" of image "arn:[^"]+"/;
my @queries = (
	[ 'values', "SELECT n, v FROM items WHERE image_arn = '$items'",
		"1|1\n3|3\n4|4\n6|6\n7|7\n8|8", 'HV004 HV004', '' ],
	[ 'a domain that raises', "SELECT n, d FROM items WHERE image_arn = '$items'",
		"1|a\n2|b\n6|c\n8|", 'HV004 HV004 HV004 HV004', '' ],
	[ 'both, in INSERT', "CREATE TEMPORARY TABLE kept (n int, d text); INSERT INTO kept"
		. " SELECT n, d FROM items WHERE image_arn = '$items' AND v > 0; SELECT * FROM kept",
		"1|a\n6|c\n8|", 'HV004 ' x 4 . 'HV004', '' ],
	[ 'an outer block goes on', "DO \$\$BEGIN PERFORM d FROM items WHERE image_arn = '$items';"
		. " BEGIN RAISE 'x'; EXCEPTION WHEN OTHERS THEN END; PERFORM raise('y'); END\$\$; SELECT 1",
		'1', 'HV004 ' x 3 . 'HV004', '' ],
	[ 'no columns', "SELECT count(*) FROM items WHERE image_arn = '$items'", '8', '', '' ],
	[ 'a row source of the wrong kind', select_from('components', 'recipe_type, component_arn',
			'{"image": {"imageRecipe": {"components": {}},
				"containerRecipe": {"components": [{"componentArn": "c"}]}}}'),
		'container|c', 'HV004', '' ],
	[ 'a parent of the wrong kind', select_from('component_parameters', 'component_ordinal, name',
			'{"image": {"imageRecipe": {"components": [{"parameters": [{"name": "a"}]}, 5,
				{"parameters": "x"},
		{"parameters": [{"name": "b"}, {"name": 7}, {"name": "c"}]}]}}}'),
		"1|a\n4|b\n4|c", 'HV004 HV004 HV004', '' ],
	[ 'the other images', select_from('items', 'n', '{"image": {"items": 5}}')
		=~ s/= (.*)/IN ($1, '$items') AND v = 8/r,
		'8', 'HV004 HV004 HV004', '' ],
	[ 'a shared value', select_from('inner_items', 'parent',
			'{"image": {"list": [{"id": [], "inner": [1]}, {"id": 5, "inner": [1, 2]}]}}'),
		"[]\n5\n5", '', '' ],
	[ 'a shared value that fails', select_from('days', 'day, v', '{"image": {"list": [
			{"id": "x", "inner": [1, 2]}, {"id": "2024-02-29", "inner": [3, 4]}]}}'),
		"2024-02-29|3\n2024-02-29|4", 'HV004 HV004', '' ],
	map({ [ "SQLSTATE $_", select_from('items', 'n, d', qq({"image": {"items": [{"d": "$_"}]}})),
			'', '', $_ ] } '53200', '57014', '40001', 'XX000', '55P03', '25006'),
	[ 'a cancel', "SET statement_timeout = '500ms'; "
		. select_from('items', 'd', '{"image": {"items": [{"d": "slow"}]}}'), '', '', '57014' ],
	[ 'keys that are rejected', "SELECT name FROM wrong_keys WHERE arn = '$items'", '',
		'', '28000' ],
	[ 'no keys', "SELECT name FROM no_keys WHERE arn = '$items'", '', '', '28000' ],
	[ 'a signature that is rejected', fault('badsignature'), '', '', '28000' ],
	[ 'a token that has expired', fault('expired'), '', '', '28000' ],
	[ 'what one may not see', fault('forbidden'), '', '42501', '' ],
);
my $url = $endpoint->url;
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD on_error 'warning');" . join '', map { "
	CREATE SERVER $_ FOREIGN DATA WRAPPER imagebuilder_fdw
		OPTIONS (endpoint_url '$url', on_error 'warning');
	CREATE FOREIGN TABLE public.$_ (arn text, name text) SERVER $_ OPTIONS (table_name 'images');" }
	  'wrong_keys', 'no_keys');
$node->safe_psql('postgres', "CREATE USER MAPPING FOR CURRENT_USER SERVER wrong_keys
	OPTIONS (access_key_id 'AKIDUNKNOWN', secret_access_key 'x')");
for my $case (@queries)
{
	my ($name, $query, $rows, $warnings, $error) = @$case;
	my ($stdout, $stderr) = session($query);
	is($stdout, $rows, "warning: $name: rows");
	is(join(' ', $stderr =~ /WARNING:  (\w+): /g), $warnings, "warning: $name: warnings");
	is(join(' ', $stderr =~ /ERROR:  (\w+): /g), $error, "warning: $name: error");
}
# What is said of a row, without "WARNING" or "ERROR".
sub complaint
{
	my ($stderr) = (session("SELECT v FROM items WHERE image_arn = '$items'"))[1];
	return $stderr =~ /(?:WARNING|ERROR):  (.*?\nDETAIL:  .*?)\n/s ? $1 : $stderr;
}
my $warned = complaint();
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (SET on_error 'error')");
my $raised = complaint();
like($raised, qr/^HV004: $named\nDETAIL:  Path "v": /, 'what the error says');
is($warned, $raised, 'a warning says what the error does');
like(attempt($node, "SELECT d FROM items WHERE image_arn = '$items' AND n = 3"),
	qr/^HV004 \| $named \| Path "d": raised\./, "a domain's error names image and column");
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (SET on_error 'warning')");

# In a plan with parallel workers.
my $parallel = "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
	SET min_parallel_table_scan_size = 0; SET enable_indexscan = off;
	SET enable_indexonlyscan = off;";
$node->safe_psql('postgres',
	'CREATE TABLE public.numbers AS SELECT generate_series(1, 100000) AS n; ANALYZE numbers');
for my $column ('v', 'd')
{
	my $query = "SELECT count(*), count($column) FROM items WHERE image_arn = '$items'"
	  . ' AND n < (SELECT count(*) FROM numbers)';
	my ($stdout) = session("$parallel EXPLAIN $query");
	like($stdout, qr/Gather/, "parallel, $column: the plan");
	($stdout, my $stderr) = session("$parallel $query");
	if ($column eq 'd' && $major < 17)
	{
		like($stderr, qr/ERROR:  HV004: $named/, "parallel, $column: there are no subtransactions");
		next;
	}
	is($stdout, $column eq 'v' ? '6|6' : '4|3', "parallel, $column: rows");
	my @warnings = $stderr =~ /WARNING:  HV004/g;
	is(scalar(@warnings), $column eq 'v' ? 2 : 4, "parallel, $column: warnings");
}

# Many rows that fail leave no memory behind, each of which takes 100 kB.
my $filler = 'x' x 100000;
my $failing = image('{"image": {"list": [' . qq({"id": "2024-01-01", "x": "$filler", "inner": [)
	. join(', ', map { '"x"' } 1 .. 2000) . ']}]}}');
my $peak = q{SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmHWM:\s*(\d+)'))[1]};
my ($stdout, $stderr) = session("SET client_min_messages = error; $peak; SELECT count(x || v)"
	  . " FROM failing WHERE image_arn = '$failing'; $peak");
my ($before, $found, $after) = split /\n/, $stdout;
is($found, 0, 'all rows fail');
cmp_ok($after - $before, '<', 20000, 'without adding up');

# No line of the log is long, but for statements.
is(join("\n", map { substr $_, 0, 200 } grep { length > 3000 && !/STATEMENT:|statement:|^\t/ }
			split /\n/, slurp_file($node->logfile)), '', 'lines of the log');

# ---- databases without an encoding

$node->safe_psql('postgres',
	"CREATE DATABASE other ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
$node->safe_psql('other', 'CREATE EXTENSION imagebuilder_fdw');
set_up($node, $endpoint->url, database => 'other');
$node->safe_psql('other', create_table('ascii', q{table_name 'images'},
		map { [ $_, 'image.x' ] } 'text text', 'json json', 'jsonb jsonb', 'texts text[]'));
# Each row: the JSON, the column, what comes of it.
my @ascii = (
	[ '"\u00e9"', 'text', "found \xc3\xa9" ], [ "\"\xc3\xa9\"", 'text', "found \xc3\xa9" ],
	[ '"\u00e9"', 'json', 'found "\u00e9"' ],
	[ "{\"a\": \"\xc3\xa9\"}", 'jsonb', "found {\"a\": \"\xc3\xa9\"}" ],
	[ '{"a": "\u00e9"}', 'jsonb', qr/^(HV004|22P05) \| $named \| Path "image\.x": / ],
	[ '"\u0000"', 'text', qr/^22P05 \| could not read column "text"/ ],
	[ '["\u00e9"]', 'texts', "found {\xc3\xa9}" ],
);
for my $case (@ascii)
{
	my ($json, $column, $expected) = @$case;
	my $ascii = image(qq({"image": {"x": $json}}));
	my $got = $node->safe_psql('other',
		"SELECT attempt(\$a\$SELECT $column FROM ascii WHERE arn = '$ascii'\$a\$)");
	is_or_like($got, $expected, "SQL_ASCII: $column of $json");
}

$endpoint->stop;
done_testing();
