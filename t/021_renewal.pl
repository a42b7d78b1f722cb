# How long credentials serve, when they are renewed, in which Region STS is asked,
# how long a metadata service is left alone, and which expiry is a time.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::Local qw(timegm);
use TestClock;
use TestEndpoint;
use TestIdentity;

# Far more than it takes, and far less than a service that hangs would last, in s.
my $AT_ONCE = 60;
my $HOUR = 3600;

my $clock = TestClock->new;
my $identity = TestIdentity->new($clock->options);
my $endpoint = TestEndpoint->new('--issued', $identity->{issued}, $clock->options);
my $dir = PostgreSQL::Test::Utils::tempdir();
my @keys = ('AKIDEXAMPLE', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
my $keys = "access_key_id '$keys[0]', secret_access_key '$keys[1]'";
my %keys = (AWS_ACCESS_KEY_ID => $keys[0], AWS_SECRET_ACCESS_KEY => $keys[1]);
my $container_url = $identity->url('container') . '/credentials';
my %container = (AWS_CONTAINER_CREDENTIALS_FULL_URI => $container_url);
my $role = "arn:aws:iam::$TestEndpoint::ACCOUNT:role";
append_to_file("$dir/config", "[profile keys]\nregion = eu-central-1\n"
	. "[profile none]\nregion = eu-south-1\n[profile evil]\nregion = evil.example.org/\n");
append_to_file("$dir/credentials",
	"[$_]\naws_access_key_id = $keys[0]\naws_secret_access_key = $keys[1]\n") for 'keys', 'evil';
my %files = (AWS_CONFIG_FILE => "$dir/config", AWS_SHARED_CREDENTIALS_FILE => "$dir/credentials");

my $node;
sub environment { $identity->start($node, $dir, LD_PRELOAD => $clock->library, @_); return }
new_cluster('main', start => sub { ($node) = @_; environment(%container, %files) });
set_up($node, $endpoint->url, options => "sts_endpoint_url '" . $identity->url('sts') . "'");
my $golden = arn('golden-linux/1.0.0/1');
my $lookup = "SELECT name FROM images WHERE arn = '$golden'";

# A server of its own, which table is named as it is.
sub server
{
	my ($name, $mapping, $options) = @_;
	my ($url, $sts) = ($endpoint->url, $identity->url('sts'));
	$options = "endpoint_url '$url', sts_endpoint_url '$sts'" . ($options ? ", $options" : '');
	make_server($node, $name, $options, $mapping);
	return;
}
sub lookup
{
	my ($table, $image) = @_;
	return "SELECT name FROM $table WHERE arn = '" . ($image // $golden) . "'";
}

sub finds
{
	my ($session, $sql, $name) = @_;
	is(in_session($session, $sql) =~ s/\s+//gr, 'golden-linux', $name);
	return;
}
sub asked { my ($action) = @_; return $identity->counters->{actions}{$action} // 0 }

# Let the session wait for the network, again and again, until an action was asked for so often.
sub wait_for
{
	my ($session, $table, $action, $times) = @_;
	wait_until { in_session($session, lookup($table)); asked($action) >= $times }
	  "$action is asked for $times times";
	return asked($action);
}

# ---- credentials that live a quarter of an hour, or less

set_mapping($node, "$keys, role_arn '$role/Reader', role_duration '15min'");
$identity->reset_to;
my $session = session_of($node);
for my $i (1 .. 20)
{
	finds($session, $lookup, "15 minutes, statement $i");
	$clock->advance(10 * 60) if $i == 1;
}
is(asked('AssumeRole'), 1, '15 minutes: 20 statements assume the role once');
my $images = join ', ', map { "('" . arn("golden-linux/1.0.$_/1") . "')" } 1 .. 20;
in_session($session, "SET imagebuilder_fdw.enable_read_ahead = off;
	SELECT (SELECT name FROM images WHERE arn = t.a OFFSET 0) FROM (VALUES $images) t(a)");
is(asked('AssumeRole'), 1, '15 minutes: nor do the rows of one, each for itself');
$session->quit;

set_mapping($node, "credential_provider 'instance'");
$identity->reset_to(lifetime => 480);
$session = session_of($node);
finds($session, $lookup, '8 minutes left');
in_session($session, "CREATE FUNCTION pg_temp.named(image text) RETURNS text LANGUAGE sql AS
	\$\$ SELECT name FROM images WHERE arn = image \$\$");
finds($session, "SELECT DISTINCT pg_temp.named(arn) FROM images, generate_series(1, 3)
	WHERE arn = '$golden'", '8 minutes left: statements that nest');
is(asked('credentials'), 1, '8 minutes left: do not renew each other\'s credentials');
for my $mode ('e500', 'hang')
{
	$identity->reset_to(imds => $mode);
	finds($session, $lookup, "8 minutes left, $mode: statement $_") for 1 .. 5;
	is($identity->counters->{requests}{imds} // 0, 0, "$mode: no statement asks");
}
$session->quit;

# ---- ahead of time

# Servers, each with a session: whose source fails, hangs, or is well.  Credentials
# of an hour are renewed in its last quarter.
server('failing', "credential_provider 'instance'");
server('hanging', "$keys, role_arn '$role/Hanging'",
	"max_concurrency '1', request_timeout '5min'");
server('well', "credential_provider 'container'");
server('role', "credential_provider 'container', role_arn '$role/Reader'");
my %sessions = map { $_ => session_of($node) } 'failing', 'hanging', 'well', 'role';
$identity->reset_to(lifetime => $HOUR, container_lifetime => 15 * 60);
# The role's base will have expired, the role itself not.
finds($sessions{role}, lookup('role'), 'role');
$identity->reset_to(lifetime => $HOUR);
finds($sessions{$_}, lookup($_), $_) for 'failing', 'hanging', 'well';
in_session($sessions{hanging}, "BEGIN; DECLARE c CURSOR FOR SELECT i.name FROM hanging h
	CROSS JOIN (VALUES (1), (2)) v
	CROSS JOIN LATERAL (SELECT name FROM hanging WHERE arn = h.arn) i
	WHERE h.arn = '$golden'; FETCH c");
$clock->advance(20 * 60);
$identity->reset_to(container => 'e500', imds => 'e500', sts => 'e500');
finds($sessions{role}, lookup('role'), 'a role serves, whatever becomes of its base');
is(keys %{ $identity->counters->{actions} }, 0, 'and nobody is asked so early');

$clock->advance(26 * 60);
$identity->reset_to(imds => 'e500@credentials');
is(wait_for($sessions{well}, 'well', 'container', 1), 1, 'renewed ahead of time');
finds($sessions{well}, lookup('well'), 'renewed ahead of time: serves') for 1 .. 3;
is(asked('container'), 1, 'renewed ahead of time: once');
is(wait_for($sessions{role}, 'role', 'AssumeRole', 1), 1, 'a role is renewed ahead of time');
# Its answer is read by whoever comes next, even though they need it.
is(asked('container'), 2, 'after its base, which had expired');
is(wait_for($sessions{failing}, 'failing', 'credentials', 3), 3,
	'a source that fails is tried three times');
finds($sessions{failing}, lookup('failing'), 'a source that fails: the old serve') for 1 .. 3;
is(asked('credentials'), 3, 'a source that fails is left alone for a while');
$identity->reset_to(sts => 'hang');
my $start = time;
finds($sessions{hanging}, lookup('hanging'), 'a source that hangs: the old serve') for 1 .. 3;
finds($sessions{hanging}, 'FETCH c', 'a source that hangs: for a cursor, too');
cmp_ok(time - $start, '<', $AT_ONCE,
	'a source that hangs is not waited for, by max_concurrency 1 either');
is(asked('AssumeRole'), 1, 'a source that hangs is asked once');

$clock->advance(20 * 60);
$identity->reset_to(imds => 'e500@credentials', sts => 'hang');
finds($sessions{$_}, lookup($_), "$_: what was renewed serves on") for 'well', 'role';
is(asked('container') . asked('AssumeRole'), '00', 'without being asked for again');
like(in_session($sessions{failing}, lookup('failing')), qr/gave no credentials.*HTTP status 500/s,
	'expired: the source has to answer');
like(in_session($sessions{hanging}, "COMMIT; SET statement_timeout = '1s'; " . lookup('hanging')),
	qr/statement timeout/, 'expired: the source is waited for');
$identity->reset_to;
in_session($sessions{hanging}, 'RESET statement_timeout');
finds($sessions{$_}, lookup($_), "$_: the source is well again") for 'failing', 'hanging';
$_->quit for values %sessions;

# ---- credentials that have expired when they come

set_mapping($node, "credential_provider 'instance'");
$identity->reset_to(lifetime => -60);
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD max_concurrency '4')");
my $many = join "', '", map { arn("expired/1.0.0/$_") } 1 .. 40;
like(attempt($node, "SELECT count(*) FROM images WHERE arn IN ('$many')"),
	qr/^28000 .*ExpiredToken/, 'expired when they come');
is(asked('credentials'), 2, 'expired when they come: asked for twice, however many the images');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (DROP max_concurrency)");

# ---- the Region of STS

# Nothing listens at the proxy: the message has the host that it was to connect to.
server('anywhere', $keys, "proxy 'http://127.0.0.1:1', max_attempts '1'");
$node->safe_psql('postgres', 'ALTER SERVER anywhere OPTIONS (DROP sts_endpoint_url)');
my %mapping = (keys => $keys, environment => "credential_provider 'environment'",
	default => "credential_provider 'default'", web => "credential_provider 'web_identity'",
	profile => "profile 'keys'", evil => "profile 'evil'");
my $china = 'arn:aws-cn:iam::123456789012:role/Reader';
my $gov = 'arn:aws-us-gov:iam::123456789012:role/Reader';
my $reader = "$role/Reader";
my %pod = (AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/config", AWS_ROLE_ARN => "$role/Pod");
my @regions = (
	# environment, then: name, the server's Region, mapping, its role, host of STS
	[ {%keys},
		[ 'keys alone', '', 'keys', $reader, 'sts.us-east-1.amazonaws.com' ],
		[ 'keys, China', '', 'keys', $china, 'sts.cn-north-1.amazonaws.com.cn' ],
		[ 'keys, GovCloud', '', 'keys', $gov, 'sts.us-gov-west-1.amazonaws.com' ],
		[ 'environment', '', 'environment', $china, 'sts.cn-north-1.amazonaws.com.cn' ],
		[ 'the option', 'eu-west-3', 'keys', $reader, 'sts.eu-west-3.amazonaws.com' ],
		[ 'the profile', '', 'profile', $reader, 'sts.eu-central-1.amazonaws.com' ],
		[ 'a profile\'s that is none', '', 'evil', $reader, undef ],
		[ 'option, not profile', 'eu-west-3', 'evil', $reader, 'sts.eu-west-3.amazonaws.com' ] ],
	[ { %keys, AWS_REGION => 'ca-central-1', AWS_DEFAULT_REGION => 'sa-east-1' },
		[ 'AWS_REGION', '', 'environment', $reader, 'sts.ca-central-1.amazonaws.com' ],
		[ 'AWS_REGION is the host\'s', '', 'keys', $reader, 'sts.us-east-1.amazonaws.com' ],
		[ 'profile before AWS_REGION', '', 'profile', $reader, 'sts.eu-central-1.amazonaws.com' ],
		[ 'the option', 'eu-west-3', 'environment', $reader, 'sts.eu-west-3.amazonaws.com' ] ],
	[ { %keys, AWS_DEFAULT_REGION => 'sa-east-1' },
		[ 'AWS_DEFAULT_REGION', '', 'environment', $reader, 'sts.sa-east-1.amazonaws.com' ] ],
	[ { %keys, AWS_DEFAULT_REGION => 'evil.example.org/' },
		[ 'AWS_DEFAULT_REGION that is none', '', 'environment', $reader, undef ] ],
	[ { %pod, AWS_PROFILE => 'none', AWS_REGION => 'ca-central-1' },
		[ 'a profile without keys', '', 'default', '', 'sts.eu-south-1.amazonaws.com' ],
		[ 'web identity', '', 'web', '', 'sts.ca-central-1.amazonaws.com' ] ]);
# The image's own Region is another.
my $elsewhere = $golden =~ s/us-east-1/ap-southeast-2/r;
for my $cases (@regions)
{
	my ($variables, @cases) = @$cases;
	environment(%files, %$variables);
	for my $case (@cases)
	{
		my ($name, $region, $who, $assumed, $host) = @$case;
		my $mapping = $mapping{$who} . ($assumed ? ", role_arn '$assumed'" : '');
		my $set = $region ? "ALTER SERVER anywhere OPTIONS (ADD region '$region');" : '';
		$node->safe_psql('postgres', $set . mapping($mapping, undef, 'anywhere'));
		my $expected = $host ? qr/^08001 .*could not connect to "\Q$host\E" .*"proxy"/ :
			qr/^28000 .*a Region that cannot be one/;
		like(attempt($node, lookup('anywhere', $elsewhere)), $expected, "Region of STS: $name");
		$node->safe_psql('postgres', 'ALTER SERVER anywhere OPTIONS (DROP region)') if $region;
	}
}
for my $case ([ 'RegionDisabledException', qr/^42501 .*"us-east-1".*"region"/ ],
	[ 'InvalidClientTokenId', qr/^28000 .*"us-east-1".*"region"/ ])
{
	my ($error, $expected) = @$case;
	$identity->reset_to(sts => $error);
	set_mapping($node, "$keys, role_arn '$role/Reader'");
	like(attempt($node, $lookup), $expected, "$error: the hint names the option");
}

# ---- a metadata service that does not answer

environment(%container);
for my $case ([ 'instance', 'imds', 'ALTER SERVER aws OPTIONS (ADD max_attempts \'2\')' ],
	[ 'container', 'container',
		'ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (ADD role_session_name \'xx\')' ])
{
	my ($name, $service, $alter) = @$case;
	set_mapping($node, "credential_provider '$name'");
	$session = session_of($node);
	$identity->reset_to($service => 'hang');
	like(in_session($session, $lookup), qr/gave no credentials.*timed out/s, "$name: no answer");
	# The stand-in may come to a request that has been given up.
	wait_until { $identity->counters->{requests}{$service} >= 3 } "$name: asked three times";
	is($identity->counters->{requests}{$service}, 3, "$name: asked three times");
	like(in_session($session, $lookup), qr/gave no credentials.*timed out.*asks again once 30 s/s,
		"$name: no answer, as is remembered");
	is($identity->counters->{requests}{$service}, 3, "$name: not asked");
	$identity->reset_to;
	in_session($session, $alter);
	finds($session, $lookup, "$name: asked again after @{[ $alter =~ /^(ALTER \w+)/ ]}");
	$session->quit;
}
environment();
set_mapping($node, "credential_provider 'default'");
$session = session_of($node);
$identity->reset_to(imds => 'hang');
like(in_session($session, $lookup), qr/there are no credentials/, "default: $_") for 1 .. 3;
wait_until { $identity->counters->{requests}{imds} >= 3 } 'default: asked three times';
is($identity->counters->{requests}{imds}, 3, 'default, no answer: passed over from then on');
$session->quit;

# No credentials at all are an error, whatever the reason, of on_error 'warning' too.
set_mapping($node, "credential_provider 'instance'");
$session = session_of($node);
in_session($session, "ALTER SERVER aws OPTIONS (ADD on_error 'warning')");
like(in_session($session, $lookup), qr/ERROR: .*gave no credentials.*timed out/s,
	"on_error 'warning', no answer: an error") for 1 .. 2;
in_session($session, 'ALTER SERVER aws OPTIONS (DROP on_error)');
$session->quit;

# What the service did not answer before the credentials expired is not held against it.
environment();
set_mapping($node, "credential_provider 'instance'");
$session = session_of($node);
$identity->reset_to(lifetime => $HOUR);
finds($session, $lookup, 'well');
$clock->advance(50 * 60);
# Renewed ahead while look-ups wait, which hangs: two attempts are given up, the third is
# under way.
$identity->reset_to(imds => 'hang');
$endpoint->control('POST', 'latency?ms=200');
wait_until { in_session($session, $lookup); ($identity->counters->{requests}{imds} // 0) >= 3 }
  'two attempts are given up';
finds($session, $lookup, 'renewed ahead by a service that does not answer');
$endpoint->control('POST', 'latency?ms=0');
$identity->reset_to;
$clock->advance(20 * 60);
finds($session, $lookup, 'expired, and the service is well again: it is asked');
$session->quit;

# ---- an expiry that is no time, and text that ends too early

environment(%container);
for my $mode ('badexpiration', 'nanexpiration', 'baddate', 'badyear', 'nultoken', 'nulkey')
{
	for my $case ([ 'imds', "credential_provider 'instance'", '28000' ],
		[ 'container', "credential_provider 'container'", '28000' ],
		[ 'sts', "$keys, role_arn '$role/Reader'", 'HV00M' ])
	{
		my ($service, $mapping, $state) = @$case;
		$identity->reset_to($service => $mode, format => 'json');
		set_mapping($node, $mapping);
		like(attempt($node, $lookup), qr/^$state .*(?:"Expiration" is not a time|characters that)/,
			"$service: $mode");
	}
}

# ---- a Date with a day of one digit, on the second of the next month

my ($month, $year) = (gmtime(time + slurp_file($clock->file)))[ 4, 5 ];
my $second = timegm(0, 0, 12, 2, ($month + 1) % 12, $year + ($month == 11));
set_mapping($node, $keys);
$clock->advance($second - time - slurp_file($clock->file));
$endpoint->reset_counters;
is(attempt($node, lookup('images', arn('fault-digit/1.0.0/1'))),
	'found golden-linux', 'a Date with a day of one digit corrects the clock');
is($endpoint->requests, 2, 'by one more request');

$identity->stop;
$endpoint->stop;
done_testing();
