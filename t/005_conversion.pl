# Values at their limits, columns of other types, tables and paths of the
# user's own, databases in other encodings.
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
set_up($node, $endpoint->url);

my $serial = 0;
# What a column makes of a JSON value at its path.
sub convert
{
	my ($json, $column, $path, %options) = @_;
	my $arn = arn("value/1.0.0/" . ++$serial);
	my $body = $json;
	$body = qq({"$_": $body}) for reverse split /\./, $path;
	$endpoint->put($arn, $body);
	my $table = $options{table} // 'images';
	my $key = $table =~ /^(images|moments)$/ ? 'arn' : 'image_arn';
	return attempt($node, "SELECT $column FROM $table WHERE $key = '$arn'");
}

my $refused = qr/^HV004 /;
my $minutes = 'image.imageTestsConfiguration.timeoutMinutes';
# Each row: the path, the column, the JSON, what it becomes.
my @cases = (
	[ $minutes, 'image_tests_timeout_minutes',
		[ '60', 'found 60' ], [ '60.0', 'found 60' ], [ '6e1', 'found 60' ], [ '-0', 'found 0' ],
		[ '2147483647', 'found 2147483647' ], [ '2147483648', $refused ],
		[ '-2147483649', $refused ],
		[ '1.5', qr/^HV004 .*"\Q$minutes\E": the number 1\.5 is not an integer/ ],
		[ '1e400', $refused ], [ '18446744073709551676', $refused ], [ '"60"', $refused ],
		[ 'true', $refused ], [ 'null', 'nothing' ] ],
	[ 'image.enhancedImageMetadataEnabled', 'enhanced_image_metadata_enabled',
		[ 'true', 'found true' ], [ 'false', 'found false' ], [ '"true"', $refused ],
		[ '1', $refused ] ],
	[ 'image.name', 'name',
		[ '"\u00e9\ud83d\ude00"', "found \x{c3}\x{a9}\x{f0}\x{9f}\x{98}\x{80}" ],
		[ '""', 'found ' ], [ '"a\\\\b\"\/\b"', qq(found a\\b"/\b) ],
		[ '5', qr/^HV004 .*a JSON number cannot be read as type text/ ], [ '[]', $refused ],
		[ 'true', $refused ], [ '"\u0000"', qr/^22P05 / ], [ '"\udc00"', $refused ],
		[ '"\ud83d\u0041"', $refused ], [ "\"\xc3\x28\"", qr/^22021 / ] ],
	[ 'image.tags', 'tags',
		[ '{"b": 1, "a": [1.50, 123456789012345678901234567890]}',
			'found {"a": [1.50, 123456789012345678901234567890], "b": 1}' ],
		[ '{}', 'found {}' ], [ '{"a\u0000": ""}', qr/^22P05 / ], [ '[1]', 'found [1]' ],
		[ "{\"a\": \"\xff\"}", qr/^22021 / ] ],
	[ 'image.imageScanningConfiguration.ecrConfiguration.containerTags', 'ecr_container_tags',
		[ '["a", "b,c", null, "null", ""]', 'found {a,"b,c",NULL,"null",""}' ],
		[ '[]', 'found {}' ], [ '"a"', $refused ], [ '[1]', $refused ], [ '{}', $refused ] ],
	[ 'image.dateCreated', "date_created AT TIME ZONE 'UTC'",
		[ '"2023-05-17T21:17:21.283Z"', 'found 2023-05-17 21:17:21.283' ],
		[ '"2023-05-17T21:17:21+02:00"', 'found 2023-05-17 19:17:21' ],
		[ '"2023-05-17T21:17:21.123456Z"', 'found 2023-05-17 21:17:21.123456' ],
		[ '"2023-05-17T21:17Z"', 'found 2023-05-17 21:17:00' ],
		[ '"2023-05-17T21:17:21"', 'found 2023-05-17 21:17:21' ],
		[ '1700000000', 'found 2023-11-14 22:13:20' ],
		[ '1700000000.123456', 'found 2023-11-14 22:13:20.123456' ],
		[ '1.7000000001234567E9', 'found 2023-11-14 22:13:20.123457' ],
		# To the ends of timestamptz, which are beyond int64 in microseconds since 1970.
		[ '9224318015999.999999', 'found 294276-12-31 23:59:59.999999' ],
		[ '9224318015999999999e-6', 'found 294276-12-31 23:59:59.999999' ],
		[ '9224318015999.9999994', 'found 294276-12-31 23:59:59.999999' ],
		[ '-210866803200', 'found 4714-11-24 00:00:00 BC' ], [ '0', 'found 1970-01-01 00:00:00' ],
		[ '-0', 'found 1970-01-01 00:00:00' ], [ '-0.0000005', 'found 1969-12-31 23:59:59.999999' ],
		[ '0.0000005', 'found 1970-01-01 00:00:00.000001' ],
		[ '0.00000049', 'found 1970-01-01 00:00:00' ],
		[ '0.00017E+7', 'found 1970-01-01 00:28:20' ],
		[ '1e-20000', 'found 1970-01-01 00:00:00' ],
		[ '0e9999999999', 'found 1970-01-01 00:00:00' ],
		map({ [ $_, qr/^HV004 .*: the epoch seconds \Q$_\E are out of timestamptz's range/ ] }
			'9224318016000', '9224318015999.9999995', '-210866803200.000001',
			'18446744073709.551616', '18446744073710', '1e300', '-1e131000', '1e999999',
			'1e99999999999999999999'),
		[ '"now"', $refused ], [ '"infinity"', $refused ], [ '"17/05/2023"', $refused ],
		[ '"2023-05-17"', 'found 2023-05-17 00:00:00' ], [ '"1700000000"', $refused ],
		[ '""', $refused ], [ '"2023-13-17T21:17:21Z"', $refused ], [ 'true', $refused ] ],
	[ 'image.state', 'state_status',
		[ '"AVAILABLE"',
			qr/^HV004 .*"image\.state\.status": member "status" is looked for in a JSON string/ ],
		[ '{"status": "A", "status": "B"}', 'found B' ], [ '{"st\u0061tus": "C"}', 'found C' ],
		[ '{"status": "NEW_STATE"}', 'found NEW_STATE' ], [ 'null', 'nothing' ],
		[ '{}', 'nothing' ] ],
);
for my $case (@cases)
{
	my ($path, $column, @values) = @$case;
	for my $value (@values)
	{
		my ($json, $expected) = @$value;
		my $got = convert($json, $column, $path);
		is_or_like($got, $expected, "$column of $json");
	}
}
# The session's settings do not matter.
my $zoneless = arn('zoneless/1.0.0/1');
$endpoint->put($zoneless, '{"image": {"dateCreated": "2023-05-17T21:17:21"}}');
is($node->safe_psql('postgres', "SET TimeZone = 'Asia/Tokyo';
	SELECT extract(epoch FROM date_created)::bigint FROM images WHERE arn = '$zoneless'"),
	1684358241, 'a time without a zone is in UTC, whatever TimeZone is');

# Row sources: absent, null, empty, of the wrong kind.
my @rows = (
	[ 'image.imageRecipe', 'image_recipes',
		[ '"x"', qr/^HV004 .*could not read the rows of image.*"image\.imageRecipe"/ ],
		[ '{}', 1 ], [ 'null', 0 ], [ '{"name": "x"}', 1 ], [ '[]', $refused ] ],
	[ 'image.outputResources.amis', 'amis', [ '[]', 0 ], [ 'null', 0 ],
		[ '[{}, null, {"region": "x"}]', 3 ], [ '{}', $refused ] ],
	[ 'image.imageRecipe.components', 'component_parameters',
		[ '[{"parameters": []}, {}, null, {"parameters": null}]', 0 ],
		[ '[{"parameters": [{}]}, {"parameters": [{}, {}]}]', 3 ], [ '[5]', $refused ] ],
	[ 'image.tags', 'tags', [ '{"a": "b", "c": null}', 2 ], [ '{}', 0 ], [ '[]', $refused ] ],
);
for my $case (@rows)
{
	my ($path, $table, @values) = @$case;
	for my $value (@values)
	{
		my ($json, $expected) = @$value;
		my $got = convert($json, 'count(*)', $path, table => $table);
		is_or_like($got, ref $expected ? $expected : "found $expected", "$table of $json");
	}
}

# The response as received, with all that jsonb keeps.
my $arn = arn('whole/1.0.0/1');
my $body = '{"image": {"name": "x", "new": {"n": [1.10, -1e-400, 12345678901234567890123]}},'
  . ' "other": null}';
$endpoint->put($arn, $body);
is($node->safe_psql('postgres', "SELECT response = '$body'::jsonb, response FROM images
	WHERE arn = '$arn'"), 't|' . $node->safe_psql('postgres', "SELECT '$body'::jsonb"), 'response');

# A NUL, wherever it stands, is no JSON.
my @nuls = (
	[ 'after a backslash', qq({"image": {"name": "x\\\0y"}}), 22 ],
	[ 'after a backslash in a name', qq({"image": {"\\\0": ""}}), 13 ],
	[ 'in a string', qq({"image": {"name": "x\0"}}), qr/\d+/ ],
	[ 'for a blank', qq({"image":\0{}}), qr/\d+/ ],
	[ 'at the end', qq({"image": {}}\0), 13 ],
);
for my $case (@nuls)
{
	my ($name, $nul, $place) = @$case;
	$arn = arn('nul/1.0.0/' . ++$serial);
	$endpoint->put($arn, $nul);
	like(attempt($node, "SELECT name FROM images WHERE arn = '$arn'"),
		qr/^HV00M .*stops being JSON at byte $place\./, "a NUL $name");
}

# Built-in columns declared as other types.
$arn = arn('types/1.0.0/1');
$endpoint->put($arn, '{"image": {"name": "golden", "state": {"status": "AVAILABLE"},
	"enhancedImageMetadataEnabled": true, "imageTestsConfiguration": {"timeoutMinutes": 90},
	"dateCreated": "2023-05-17T21:17:21.283Z", "deprecationTime": 1700000000.5,
	"tags": {"a": "b"}, "lifecycleExecutionId": "7",
	"imageScanningConfiguration": {"ecrConfiguration": {"containerTags": ["x", "y"]}},
	"big": 6.0e1, "moments": [1700000000, "2023-05-17T21:17:21"]}}');
$node->safe_psql('postgres', q{
	CREATE TYPE status AS ENUM ('AVAILABLE', 'FAILED');
	CREATE DOMAIN moment AS timestamptz;
	CREATE DOMAIN short AS text CHECK (length(value) < 5);
	CREATE FOREIGN TABLE public.typed (
		arn varchar(200), name varchar(20), tiny varchar(3) OPTIONS (column_name 'name'),
		narrow short OPTIONS (column_name 'name'),
		name_json jsonb OPTIONS (column_name 'name'), state_status status,
		flag text OPTIONS (column_name 'enhanced_image_metadata_enabled'),
		minutes numeric OPTIONS (column_name 'image_tests_timeout_minutes'),
		minutes_text text OPTIONS (column_name 'image_tests_timeout_minutes'),
		created text OPTIONS (column_name 'date_created'),
		created_day date OPTIONS (column_name 'date_created'),
		created_domain moment OPTIONS (column_name 'date_created'),
		gone_domain moment OPTIONS (column_name 'deprecation_time'),
		gone_moments moment[] OPTIONS (path 'image.moments'),
		minutes_big bigint OPTIONS (path 'image.big'),
		gone_time timestamp OPTIONS (column_name 'deprecation_time'),
		gone date OPTIONS (column_name 'deprecation_time'),
		tags text, tag_json json OPTIONS (column_name 'tags'),
		ecr_container_tags varchar(5)[], tags_json jsonb OPTIONS (column_name 'ecr_container_tags'),
		execution integer OPTIONS (column_name 'lifecycle_execution_id'),
		bad uuid OPTIONS (column_name 'name'), bad_class regclass OPTIONS (column_name 'name')
	) SERVER aws OPTIONS (table_name 'images')});
my %typed = (
	name => 'found golden', tiny => qr/^HV004 .*value too long for type character varying\(3\)/,
	narrow => qr/^HV004 .*"image\.name": value for domain short/,
	name_json => 'found "golden"', state_status => 'found AVAILABLE', flag => 'found true',
	minutes => 'found 90', minutes_text => 'found 90',
	created_domain => 'found 18/05/2023 02:47:21.283 IST',
	gone_domain => 'found 15/11/2023 03:43:20.5 IST',
	gone_moments => qr/^found \{"15\/11\/2023 03:43:20 IST","18\/05\/2023 02:47:21 IST"\}/,
	minutes_big => 'found 60', gone_time => 'found 14/11/2023 22:13:20.5',
	created => 'found 2023-05-17T21:17:21.283Z', created_day => 'found 17/05/2023',
	gone => 'found 14/11/2023', tags => 'found {"a": "b"}',
	tag_json => 'found {"a": "b"}', ecr_container_tags => 'found {x,y}',
	tags_json => 'found ["x", "y"]', execution => 'found 7', bad => qr/^HV004 .*uuid/,
	bad_class => qr/^HV004 .*relation "golden" does not exist/,
);
for my $column (sort keys %typed)
{
	# Settings of the session's that must not change what is meant.
	my $got = $node->safe_psql('postgres',
		"SET TimeZone = 'Asia/Kolkata'; SET DateStyle = 'SQL, DMY';
		SELECT attempt(\$a\$SELECT $column FROM typed WHERE arn = '$arn'\$a\$)");
	is_or_like($got, $typed{$column}, "declared otherwise: $column");
}
$endpoint->put(arn('types/1.0.0/2'), '{"image": {"state": {"status": "A_NEW_ONE"}}}');
like(attempt($node, "SELECT state_status FROM typed WHERE arn = '" . arn('types/1.0.0/2') . "'"),
	qr/^HV004 .*A_NEW_ONE/, 'a value that an enum has not');

# Tables and paths of the user's own.
$arn = arn('own/1.0.0/1');
$endpoint->put($arn, '{"requestId": "r", "image": {"name": "n", "fresh": {"list": [
	{"id": 9007199254740993, "price": 0.1000000000000000055511151231257827, "at": 1.5,
		"labels": ["x", 1, null], "inner": {"k1": [{"v": 1}, {"v": 2}], "k2": []}},
	{"id": 2, "inner": {"k3": [{"v": 3}]}}], "grid": [[1, 2], [], [3]], "ähm": "ü"}}}');
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE public.fresh (
		image_arn text, n int OPTIONS (path '#'), id bigint OPTIONS (path 'id'),
		id_text text OPTIONS (path 'id'), price numeric OPTIONS (path 'price'),
		at timestamptz OPTIONS (path 'at'), labels text[] OPTIONS (path 'labels'),
		everything jsonb OPTIONS (path '.'), name text OPTIONS (path '@source')
	) SERVER aws OPTIONS (rows 'image.fresh.list[]');
	CREATE FOREIGN TABLE public.deepest (
		image_arn text, v int OPTIONS (path 'v'), n int OPTIONS (path '#'),
		k text OPTIONS (path '@key'), parent int OPTIONS (path '^#'),
		parent_id text OPTIONS (path '^id')
	) SERVER aws OPTIONS (rows 'image.fresh.list[].inner{}[]');
	CREATE FOREIGN TABLE public.grid (image_arn text, y int OPTIONS (path '^#'),
		x int OPTIONS (path '#'), v int OPTIONS (path '.'))
		SERVER aws OPTIONS (rows 'image.fresh.grid[][]');
	CREATE FOREIGN TABLE public.once (image_arn text, umlaut text OPTIONS (path 'ähm'),
		n int OPTIONS (path '#'), p int OPTIONS (path '^#'), k text OPTIONS (path '@key'))
		SERVER aws OPTIONS (rows 'image.fresh');
	CREATE FOREIGN TABLE public.root (image_arn text, r text OPTIONS (path 'requestId'),
		whole json OPTIONS (path '@response')) SERVER aws OPTIONS (rows '');
	ALTER FOREIGN TABLE images ADD COLUMN fresh jsonb OPTIONS (path 'image.fresh.list');
});
my $big = '9007199254740993';
# Each row: what it is, the columns and their table, its rows.
for my $case (
	[ "rows and paths of the user's own", 'n, id, id_text, price, at, labels, name FROM fresh',
		"1|$big|$big|0.1000000000000000055511151231257827|1970-01-01 00:00:01.5+00|{x,1,NULL}|"
		  . "\n2|2|2||||" ],
	[ 'lists in maps in lists', 'n, k, v, parent, parent_id FROM deepest',
		"1|k1|1|1|$big\n2|k1|2|1|$big\n1|k3|3|2|2" ],
	[ 'lists of lists', 'y, x, v FROM grid', "1|1|1\n1|2|2\n3|1|3" ],
	[ 'an object has no place', 'umlaut, n, p, k FROM once', 'ü|||' ],
	[ 'the root', "r, whole->'image'->>'name' FROM root", 'r|n' ])
{
	my ($name, $columns, $rows) = @$case;
	is($node->safe_psql('postgres',
			"SET TimeZone = 'UTC'; SELECT $columns WHERE image_arn = '$arn'"), $rows, $name);
}
is($node->safe_psql('postgres', "SELECT fresh->0->'id' FROM images WHERE arn = '$arn'"),
	$big, 'a column added to a built-in table');
$node->safe_psql('postgres', 'ALTER FOREIGN TABLE images DROP COLUMN version');
is($node->safe_psql('postgres', "SELECT (i).name, (i).fresh->0->'id' FROM images i
	WHERE arn = '$arn'"), "n|$big", 'a column dropped');
$node->safe_psql('postgres', 'ALTER FOREIGN TABLE images RENAME TO pictures;
	ALTER FOREIGN TABLE pictures RENAME name TO title');
is($node->safe_psql('postgres', "SELECT title FROM pictures WHERE arn = '$arn'"), 'n',
	'table and column renamed');

# Names in double quotes, as members of an item, of the one around it and of row sources.
$arn = arn('quoted/1.0.0/1');
$endpoint->put($arn, q({"requestId": "r", "image": {"tags": {"cost.center": "c", "a\"b": "quote",
	"@arn": "at", "/x": "slash", "größe": "ü", "x": {"[]": "deep"}}},
	"a.b": {"c{}": [{"#": "first", "in.ner": [1, 2]}, {"in.ner": [3]}]}}));
# Each row: what is quoted, the path, the value.
my @quoted = (
	[ 'a full stop', 'image.tags."cost.center"', 'c' ],
	[ 'a quote', 'image.tags."a""b"', 'quote' ],
	[ 'a special path', 'image.tags."@arn"', 'at' ],
	[ 'a slash', 'image.tags."/x"', 'slash' ],
	[ 'beyond ASCII', 'image.tags."größe"', 'ü' ],
	[ 'brackets', 'image.tags.x."[]"', 'deep' ],
	[ 'what need not be', '"image"."tags"."x"."[]"', 'deep' ],
	[ 'the first name', '"requestId"', 'r' ],
	[ 'no such member', 'image.tags."x.[]"', '' ],
);
$node->safe_psql('postgres', 'CREATE FOREIGN TABLE public.quoted (image_arn text, '
	  . join(', ', map { "c$_ text OPTIONS (path '$quoted[$_][1]')" } 0 .. $#quoted)
	  . ") SERVER aws OPTIONS (rows '');" . q{
	CREATE FOREIGN TABLE public.quoted_rows (image_arn text, v int OPTIONS (path '.'),
		n int OPTIONS (path '^#'), first text OPTIONS (path '^"#"'))
		SERVER aws OPTIONS (rows '"a.b"."c{}"[]."in.ner"[]')});
for my $i (0 .. $#quoted)
{
	is($node->safe_psql('postgres', "SELECT c$i FROM quoted WHERE image_arn = '$arn'"),
		$quoted[$i][2], "in quotes: $quoted[$i][0]");
}
is($node->safe_psql('postgres', "SELECT n, v, first FROM quoted_rows WHERE image_arn = '$arn'"),
	"1|1|first\n1|2|first\n2|3|", 'in quotes: row sources');
# What an older version took, and is no path any more.
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE public.older_path (image_arn text, c text OPTIONS (path 'x'))
		SERVER aws OPTIONS (rows 'image');
	CREATE FOREIGN TABLE public.older_rows (image_arn text) SERVER aws OPTIONS (rows 'x');
	UPDATE pg_attribute SET attfdwoptions = '{path=a@b}'
		WHERE attrelid = 'older_path'::regclass AND attname = 'c';
	UPDATE pg_foreign_table SET ftoptions = '{rows=/a}' WHERE ftrelid = 'older_rows'::regclass});
like(attempt($node, "SELECT c FROM older_path WHERE image_arn = '$arn'"),
	qr/^22023 .*"path" of column "c" of foreign table "older_path" is no path: a name/,
	'a path of an older version');
like(attempt($node, "SELECT image_arn FROM older_rows WHERE image_arn = '$arn'"),
	qr/^22023 .*"rows" of foreign table "older_rows" is no row source: a name/,
	'a row source of an older version');

# Timestamps and dates: one rule, whatever the column's source and the session's settings are.
my @sessions = ([ 'Asia/Tokyo', 'SQL, DMY' ], [ 'America/New_York', 'German' ]);
my @moment_types = qw(timestamptz timestamp date moment local_moment day);
# Each row: what it is, the JSON, what it is as timestamptz (in UTC), timestamp and date.
my @moments = (
	[ 'an offset', '"2024-05-13T23:00:00-05:00"', ('2024-05-14 04:00:00.000') x 2, '2024-05-14' ],
	[ 'Z', '"2024-05-13T23:00:00.5Z"', ('2024-05-13 23:00:00.500') x 2, '2024-05-13' ],
	[ 'no offset', '"2024-05-13 23:00"', ('2024-05-13 23:00:00.000') x 2, '2024-05-13' ],
	[ 'a date', '"2027-01-31"', ('2027-01-31 00:00:00.000') x 2, '2027-01-31' ],
	[ 'an early date', '"0001-02-03"', ('0001-02-03 00:00:00.000') x 2, '0001-02-03' ],
	[ 'less than a microsecond to go', '"2024-05-13T23:59:59.9999999"',
		('2024-05-14 00:00:00.000') x 2, '2024-05-13' ],
	[ 'epoch seconds', '1700000000.5', ('2023-11-14 22:13:20.500') x 2, '2023-11-14' ],
	map({ [ $_, qq("$_"), (undef) x 3 ] } '03/04/2027', '20270131', '31 Jan 2027', 'today',
		'infinity', '2027-01-31+02:00', '2027-01-31T', '2027-02-30', '10:00', ' '),
);
$node->safe_psql('postgres', q{
	CREATE DOMAIN local_moment AS timestamp; CREATE DOMAIN day AS date;
	CREATE FOREIGN TABLE public.moments (arn text,
		own_time time OPTIONS (column_name 'date_created'),
		path_time time OPTIONS (path 'image.dateCreated')}
	  . join('', map { ", own_$_ $_ OPTIONS (column_name 'date_created')"
		  . ", path_$_ $_ OPTIONS (path 'image.dateCreated')" } @moment_types)
	  . q{) SERVER aws OPTIONS (table_name 'images')});
for my $case (@moments)
{
	my ($name, $json, @expected) = @$case;
	my $of = arn('moment/1.0.0/' . ++$serial);
	$endpoint->put($of, qq({"image": {"dateCreated": $json}}));
	for my $session (@sessions)
	{
		my ($zone, $style) = @$session;
		my @columns = map { my $type = $_; map { "${_}_$type" } 'own', 'path' } @moment_types;
		my %shown = map {
			my $zoned = /timestamptz|_moment$/ && !/local/;
			my $value = $zoned ? "$_ AT TIME ZONE 'UTC'" : "$_\::timestamp";
			my $format = /date|day/ ? 'YYYY-MM-DD' : 'YYYY-MM-DD HH24:MI:SS.MS';
			my $query = "SELECT to_char($value, '$format') FROM moments WHERE arn = '$of'";
			($_ => "attempt(\$a\$$query\$a\$)")
		} @columns;
		my @got = split /\n/, $node->safe_psql('postgres', "SET TimeZone = '$zone';"
			  . " SET DateStyle = '$style'; " . join ';', map { "SELECT $shown{$_}" } @columns);
		for my $i (0 .. $#columns)
		{
			my $expected = $expected[$i / 2 % 3];
			my $what = "$name as $columns[$i] in $zone";
			defined $expected ? is($got[$i], "found $expected", $what)
			  : like($got[$i], qr/^HV004 /, $what);
		}
	}
}
# Each row: the JSON, what it is as a time.
my @times = (
	[ '"2024-05-13T23:00:00-05:00"', 'found 04:00:00' ], [ '"10:30"', 'found 10:30:00' ],
	[ '1700000000', 'found 22:13:20' ], [ '"x"', $refused ],
);
for my $case (@times)
{
	my ($json, $expected) = @$case;
	for my $column ('own_time', 'path_time')
	{
		my $got = convert($json, $column, 'image.dateCreated', table => 'moments');
		is_or_like($got, $expected, "$column of $json");
	}
}

# A list of 100,000, and a number of 100,000 digits.
$arn = arn('long/1.0.0/1');
$endpoint->put($arn, '{"image": {"outputResources": {"amis": ['
	  . join(',', map { qq({"region": "r$_"}) } 1 .. 100000) . ']}, "x": ' . '9' x 100000 . '}}');
is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT region), max(ordinal) FROM amis
	WHERE image_arn = '$arn'"), '100000|100000|100000', '100,000 rows');

# Databases in other encodings.
$arn = arn('encoding/1.0.0/1');
$endpoint->put($arn, qq({"image": {"name": "caf\xc3\xa9 \\u00fc", "version": "\xe6\x97\xa5",
	"type": "\\u65e5", "platform": "plain", "tags": {"\xc3\xb6": "\\u00df"}}}));
$endpoint->put(arn('größe/1.0.0/1'), '{"image": {"name": "umlaut"}}');
for my $encoding ('LATIN1', 'SQL_ASCII')
{
	$node->safe_psql('postgres', "CREATE DATABASE other
		ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	$node->safe_psql('other', 'CREATE EXTENSION imagebuilder_fdw');
	set_up($node, $endpoint->url, database => 'other');
	my $client = $encoding eq 'LATIN1' ? "SET client_encoding = 'UTF8';" : '';
	is($node->safe_psql('other', "$client SELECT name, platform FROM images WHERE arn = '$arn'"),
		"café ü|plain", "$encoding: converted");
	is($node->safe_psql('other', "$client " . name_query('größe/1.0.0/1')), 'umlaut',
		"$encoding: an ARN beyond ASCII");
	my ($rc, $stdout, $stderr) = $node->psql('other',
		"\\set VERBOSITY verbose\n$client SELECT version FROM images WHERE arn = '$arn'");
	if ($encoding eq 'LATIN1')
	{
		like($stderr, qr/22P05: could not read column "version"/,
			"$encoding: a character that it has not");
		is($node->safe_psql('other', "$client SELECT tags->>'ö' FROM images WHERE arn = '$arn'"),
			'ß', "$encoding: jsonb");
	}
	else
	{
		is($stdout, '日', "$encoding: bytes as they are");
		$node->safe_psql('other',
			"ALTER SERVER aws OPTIONS (ADD on_error 'warning', ADD region 'us-east-1')");
		($rc, $stdout, $stderr) = $node->psql('other', "SELECT name FROM images WHERE arn IN ('"
			  . arn('größe/1.0.0/1') . "', E'" . arn('g\\xff\\xfe/1.0.0/1') . "')");
		is("$rc $stdout", '0 umlaut', "$encoding: an ARN that is not UTF-8 harms no other");
		like($stderr, qr/is not the ARN of an Image Builder image/, "$encoding: and is none");
		($rc, $stdout, $stderr) = $node->psql('other',
			"SELECT arn FROM shared_image_versions WHERE ownership = E'\\xff'");
		like($stderr, qr/^[^\n]*WARNING:  [^\n]* has no equivalent in UTF-8$/,
			"$encoding: a word that is not UTF-8");
	}
	$node->safe_psql('postgres', 'DROP DATABASE other');
}

$endpoint->stop;
done_testing();
