# The tables of the Get operations: one row of each, their kinds of ARN, JSON in
# strings, tags by path, and the warning of another kind's ARN.
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
set_up($node, $endpoint->url, options => "max_attempts '1'");
my $of = 'arn:aws:imagebuilder:us-east-1:123456789012';
my $image = "$of:image/golden-linux/2.0.0/1";

# Table, key column, ARN, columns, row, operation, kind of the ARN.
for my $case (
	[ 'image_pipeline_details', 'arn', 'image-pipeline/golden-linux-weekly',
		'schedule_expression, status', 'cron(0 4 ? * mon *)|ENABLED',
		'GetImagePipeline', 'image pipeline' ],
	[ 'image_policies', 'image_arn', 'image/golden-linux/2.0.0/1',
		"policy->'Statement'->0->'Principal'->>'AWS'", '["210987654321", "444455556666"]',
		'GetImagePolicy', 'image build version' ],
	[ 'component_policies', 'component_arn', 'component/complete/2.1.0/3',
		"policy->'Statement'->0->>'Action'", 'imagebuilder:GetComponent',
		'GetComponentPolicy', 'component build version' ],
	[ 'image_recipe_policies', 'image_recipe_arn', 'image-recipe/complete/1.0.0',
		"policy->>'Version'", '2012-10-17', 'GetImageRecipePolicy', 'image recipe' ],
	[ 'container_recipe_policies', 'container_recipe_arn', 'container-recipe/complete/1.0.0',
		"policy->>'Version'", '2012-10-17', 'GetContainerRecipePolicy', 'container recipe' ],
	[ 'workflow_details', 'arn', 'workflow/test/boot-and-probe/x.x.x',
		'build_version_arn, type', "$of:workflow/test/boot-and-probe/1.1.0/1|TEST",
		'GetWorkflow', 'workflow' ],
	[ 'image_recipe_details', 'arn', 'image-recipe/golden-linux/2.x.x',
		'version, latest_major_version_arn', "2.0.0|$of:image-recipe/golden-linux/2.x.x",
		'GetImageRecipe', 'image recipe' ],
	[ 'image_recipe_components', 'image_recipe_arn', 'image-recipe/golden-linux/1.0.0',
		'count(*), max(ordinal)', '3|3', 'GetImageRecipe', 'image recipe' ],
	[ 'container_recipe_details', 'arn', 'container-recipe/web-base/1.4.0',
		'container_type', 'DOCKER', 'GetContainerRecipe', 'container recipe' ],
	[ 'container_recipe_components', 'container_recipe_arn', 'container-recipe/web-base/1.4.0',
		'count(*)', '2', 'GetContainerRecipe', 'container recipe' ],
	[ 'infrastructure_configuration_details', 'arn', 'infrastructure-configuration/build-private',
		'name', 'build-private', 'GetInfrastructureConfiguration',
		'infrastructure configuration' ],
	[ 'distribution_configuration_details', 'arn', 'distribution-configuration/golden-linux',
		'name', 'golden-linux', 'GetDistributionConfiguration', 'distribution configuration' ],
	[ 'distribution_configuration_distributions', 'distribution_configuration_arn',
		'distribution-configuration/golden-linux', 'count(*)', '2',
		'GetDistributionConfiguration', 'distribution configuration' ],
	[ 'lifecycle_policy_details', 'arn', 'lifecycle-policy/complete',
		'date_last_run = to_timestamp(1761354000), resource_selection_tag_map',
		't|{"stage": "test"}', 'GetLifecyclePolicy', 'lifecycle policy' ],
	[ 'resource_tags', 'resource_arn', 'image-pipeline/complete',
		"string_agg(key || '=' || value, ' ' ORDER BY key COLLATE \"C\")",
		"cost-center=1234 gr\xc3\xb6\xc3\x9fe=\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e team=platform",
		'ListTagsForResource', 'resource' ])
{
	my ($table, $key, $arn, $columns, $row, $operation, $noun) = @$case;
	my $query = "SELECT $columns FROM $table WHERE $key = '$of:$arn'";
	is($node->safe_psql('postgres', "SET client_encoding = UTF8; $query"), $row, "$table: a row");
	like($node->safe_psql('postgres', "EXPLAIN $query"),
		qr/Image Builder Operation: $operation\n/, "$table: EXPLAIN");
	like(attempt($node, "SELECT * FROM $table WHERE $key = 'x'"),
		qr/^22023 \| "x" is not the ARN of an Image Builder \Q$noun\E \|  \| An? \Q$noun\E's ARN/,
		"$table: no ARN");
	my $article = $operation =~ /Policy$/ && $operation ne 'GetLifecyclePolicy' ? 'policy of '
		: $operation =~ /Tags/ ? 'tags of ' : '';
	my $denied = "$of:" . $arn =~ s{^((?:workflow/)?[^/]+)/[^/]+}{$1/fault-forbidden}r;
	my $outcome = attempt($node, "SELECT * FROM $table WHERE $key = '$denied'");
	like($outcome, qr/^42501 \| could not look up $article\Q$noun\E "\Q$denied\E": the service/,
		"$table: denied");
	like($outcome, qr/ the permission imagebuilder:$operation for this \Q$noun\E\.$/,
		"$table: the permission");
	like(attempt($node, "SELECT * FROM $table"),
		qr/^HV002 \| .* can be read by \Q$noun\E ARN only \|  \| Add WHERE $key = 'arn:aws:/,
		"$table: no key");
}

# A version's ARN where a build's is wanted.
like(attempt($node, "SELECT policy FROM image_policies WHERE image_arn = '$of:image/a/1.0.0'"),
	qr/image\/NAME\/VERSION\/BUILD\. The table "image_builds" has a version's builds\.$/,
	'the hint says where builds are');
is($node->safe_psql('postgres', "SELECT p.image_arn FROM images i
		JOIN image_policies p ON p.image_arn = i.build_version_arn
		WHERE i.arn = '$of:image/golden-linux/2.0.0'"), $image, 'and it works');
unlike(attempt($node, "SELECT 1 FROM image_policies WHERE image_arn = '$of:image-recipe/a/1.0.0'"),
	qr/ builds\./, 'no such hint for another type');

# JSON in a string.
my $policy = "SELECT coalesce(policy::text, 'NULL') FROM image_policies
	WHERE image_arn = '$of:image/json/1.0.0/1'";
my $unread = qr/Path "\.\@json": the string, of 1 bytes, is not JSON/;
for my $case (
	[ 'an object', '"{\\"a\\": [1.10, \\"\\\\u00e9\\"]}"', qr/^found \{"a": \[1\.10, "\S+"\]\}$/ ],
	[ 'blanks around', '" \\n[1] "', qr/^found \[1\]$/ ],
	[ 'the text null', '"null"', qr/^found NULL$/ ],
	[ 'no policy', 'null', qr/^nothing$/ ],
	[ 'no JSON', '"{"',
		qr/^HV004 \| could not read column "policy" of policy of image build .*" \| $unread\./ ],
	[ 'an empty string', '""', qr/^HV004 .*the string, of 0 bytes, is not JSON/ ],
	[ 'U+0000', '"\\u0000"', qr/^22P05 .*U\+0000/ ],
	[ 'half a pair', '"\\ud800"', qr/^HV004 .*surrogate/ ],
	[ 'an object instead', '{"a": 1}',
		qr/^HV004 \| could not read column "policy" .*a JSON object stands where a string/ ],
	[ 'a number instead', '1', qr/^HV004 .*a JSON number/ ])
{
	my ($name, $json, $outcome) = @$case;
	$endpoint->control('PUT', "responses?operation=GetImagePolicy&arn=$of:image/json/1.0.0/1",
		qq({"policy": $json}));
	like(attempt($node, $policy), $outcome, "JSON in a string: $name");
}

# The same in paths of the user's own, and a string as a row source.
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE own (arn text, n int OPTIONS (path 'name@json'),
		j jsonb OPTIONS (path 'state.reason@json'), t text OPTIONS (path 'state.reason@json'),
		raw text OPTIONS (path 'state.reason'), quoted text OPTIONS (path '"a@json"'))
		SERVER aws OPTIONS (table_name 'images', rows 'image');
	CREATE FOREIGN TABLE names (arn text, name text OPTIONS (path '.'),
		n jsonb OPTIONS (path '.@json'))
		SERVER aws OPTIONS (table_name 'images', rows 'image.name');
	CREATE FOREIGN TABLE misplaced (image_arn text OPTIONS (path '@arn'), policy jsonb)
		SERVER aws OPTIONS (table_name 'image_policies');
});
my $own = "$of:image/own/1.0.0/1";
$endpoint->put($own,
	'{"image": {"name": "42", "state": {"reason": "{\"b\":  1}"}, "a@json": "q"}}');
is($node->safe_psql('postgres', "SELECT n, j, t, raw, quoted FROM own WHERE arn = '$own'"),
	'42|{"b": 1}|{"b":  1}|{"b":  1}|q', 'a@json in a path of the user\'s own');
is($node->safe_psql('postgres', "SELECT name, n FROM names WHERE arn = '$own'"), '42|42',
	'a row source that leads to a string');
like(attempt($node, "SELECT image_arn FROM misplaced WHERE image_arn = '$image'"),
	qr/^22023 \| option "path" of column .* is no path: the table's key has the path "\@image_arn"/,
	"another operation's parameter");
like(attempt($node, q{ALTER FOREIGN TABLE names ALTER name OPTIONS (SET path '@name')}),
	qr/^22023 .*the special paths are/, 'a parameter of no operation');
$endpoint->put("$of:image/own/1.0.0/2", '{"image": {"name": {"a": 1}}}');
like(attempt($node, "SELECT n FROM own WHERE arn = '$of:image/own/1.0.0/2'"),
	qr/^HV004 .*Path "name\@json": a JSON object stands where a string with JSON should/,
	'a@json of an object');
$endpoint->put("$of:image/own/1.0.0/3", '{"image": {"imageRecipe": "x"}}');
like(attempt($node, "SELECT 1 FROM image_recipes WHERE image_arn = '$of:image/own/1.0.0/3'"),
	qr/^HV004 .*a JSON string stands where the rows' object should/,
	'GetImage has no such strings');

# Rows' ARNs of another kind: one WARNING a statement, whatever the tables.
$node->safe_psql('postgres', "CREATE TABLE mixed (arn text);
	INSERT INTO mixed VALUES ('$image'), ('$of:component/complete/2.1.0/3'), ('x'), (NULL),
		('$of:image-recipe/complete/1.0.0'), ('$of:image/golden-linux/2.0.0')");
sub warnings_of
{
	my ($query) = @_;
	my ($rc, $stdout, $stderr) = $node->psql('postgres', $query);
	is($rc, 0, "it succeeds: $query") or diag($stderr);
	return ($stdout, [ $stderr =~ /WARNING:  (.*)/g ], $stderr);
}
my ($rows, $warnings, $stderr) = warnings_of(
	'SELECT count(*), count(p.policy), count(i.name) FROM mixed m
		LEFT JOIN image_policies p ON p.image_arn = m.arn LEFT JOIN images i ON i.arn = m.arn');
is($rows, '6|1|2', 'rows of other kinds find nothing');
is(scalar @$warnings, 1, 'one warning');
like($warnings->[0], qr/^"$of:[^"]*" is not the ARN of an Image Builder image/, 'with an ARN');
like($stderr, qr/DETAIL:  A row of this statement has it.*HINT:  An image/s, 'with what it means');
for my $query (
	"SELECT 1 FROM mixed m JOIN images i ON i.arn = m.arn WHERE m.arn IN ('x', '$image')",
	"SELECT name FROM images WHERE arn = '$image'",
	"SELECT 1 FROM mixed m JOIN resource_tags t ON t.resource_arn = m.arn")
{
	is_deeply((warnings_of($query))[1], [], 'no warning');
}

$node->stop;
$endpoint->stop;
done_testing();
