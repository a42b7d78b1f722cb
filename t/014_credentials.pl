# Credentials from each place where the AWS SDKs find them, roles, and their
# renewal; and that no secret of them all is in the server's log.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;
use TestIdentity;
use Time::HiRes qw(time);

my $identity = TestIdentity->new('--latency', '300');
my $endpoint = TestEndpoint->new('--issued', $identity->{issued});
my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = new_cluster('main',
	conf => "log_min_messages = debug5\nlog_error_verbosity = verbose\nlog_statement = none",
	start => sub { $identity->start($_[0], $dir) });
sub environment { $identity->start($node, $dir, @_); return }
my $sts = $identity->url('sts');
set_up($node, $endpoint->url, options => "sts_endpoint_url '$sts', region 'eu-west-1'",
	keys => "credential_provider 'environment'");
my $golden = arn('golden-linux/1.0.0/1');
my $lookup = "SELECT name FROM images WHERE arn = '$golden'";
my @base = ('AKIDEXAMPLE', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
my %base = (AWS_ACCESS_KEY_ID => $base[0], AWS_SECRET_ACCESS_KEY => $base[1]);
my $role = "arn:aws:iam::$TestEndpoint::ACCOUNT:role";

# The role whose credentials an image was asked with; the key, if it is no role's.
sub asked_as
{
	my %role;
	for my $line (-e $identity->{issued} ? split /\n/, slurp_file($identity->{issued}) : ())
	{
		my $issued = JSON::PP::decode_json($line);
		$role{ $issued->{access_key_id} } = $issued->{role_arn} // 'issued';
	}
	return join ' ', sort map { $role{$_} // $_ } keys %{ $endpoint->counters->{by_key} };
}

# A look-up succeeds, and is made as …
sub is_asked_as
{
	my ($as, $name) = @_;
	$endpoint->reset_counters;
	is(attempt($node, $lookup), 'found golden-linux', "$name: found");
	like(asked_as(), ref $as ? $as : qr/^\Q$as\E$/, "$name: as whom");
	return;
}

sub fails
{
	my ($pattern, $name) = @_;
	like(attempt($node, $lookup), $pattern, $name);
	return;
}

# ---- environment

environment(%base);
is_asked_as('AKIDEXAMPLE', 'environment');
environment(AWS_ACCESS_KEY_ID => 'AKIDEXAMPLE');
my $looked_up = qr/could not look up image "\Q$golden\E"/;
fails(qr/^28000 .*$looked_up: .*environment.*AWS_SECRET_ACCESS_KEY is not set/,
	'environment: half of it');
environment();
fails(qr/^28000 .*no credentials in the server process's environment/, 'environment: none');

# ---- shared files

sub assuming { my ($profile, $name) = @_; return "[profile $profile]\nrole_arn = $role/$name\n" }
my $keys_of_base = "aws_access_key_id = $base[0]\naws_secret_access_key = $base[1]\n";
append_to_file("$dir/config", "[default]\nregion = us-west-2\n"
	. assuming('chain', 'Second') . "source_profile = first\nrole_session_name = chained\n"
	. assuming('first', 'First') . "source_profile = base\n"
	. assuming('of-instance', 'FromInstance') . "credential_source = Ec2InstanceMetadata\n"
	. assuming('of-container', 'FromContainer') . "credential_source = EcsContainer\n"
	. assuming('of-environment', 'FromEnvironment') . "credential_source = Environment\n"
	. assuming('loop', 'Loop') . "source_profile = loop2\n"
	. assuming('loop2', 'Loop') . "source_profile = loop\n"
	. assuming('web', 'Web') . "web_identity_token_file = $dir/token\n"
	. assuming('mfa', 'Mfa') . "source_profile = base\nmfa_serial = arn:aws:iam::1:mfa/x\n"
	. "[profile sso]\nsso_session = x\nsso_account_id = $TestEndpoint::ACCOUNT\nsso_role_name = r\n"
	. "[profile process]\ncredential_process = /bin/false\n");
append_to_file("$dir/credentials",
	"[default]\n$keys_of_base\[base]\n$keys_of_base\[half]\naws_access_key_id = AKIDHALF\n");
append_to_file("$dir/token", $TestIdentity::WEB_TOKEN);
my %files = (AWS_CONFIG_FILE => "$dir/config", AWS_SHARED_CREDENTIALS_FILE => "$dir/credentials");
my %container =
  (AWS_CONTAINER_CREDENTIALS_FULL_URI => $identity->url('container') . '/credentials');
environment(%base, %files, %container);
set_mapping($node, "credential_provider 'profile'");
is_asked_as('AKIDEXAMPLE', 'profile: default');
for my $case ([ 'chain', 'Second' ], [ 'of-instance', 'FromInstance' ],
	[ 'of-container', 'FromContainer' ], [ 'of-environment', 'FromEnvironment' ], [ 'web', 'Web' ])
{
	my ($profile, $as) = @$case;
	$identity->reset_to;
	set_mapping($node, "profile '$profile'");
	is_asked_as("$role/$as", "profile $profile");
}
$identity->reset_to;
set_mapping($node, "profile 'chain'");
attempt($node, $lookup);
my $counters = $identity->counters;
is(join(' ', map { "$_=$counters->{roles}{$_}" } sort keys %{ $counters->{roles} }),
	"$role/First=1 $role/Second=1", 'a chain of profiles assumes each role once');
is($counters->{sessions}{chained}, 1, 'with the session\'s name');
is($counters->{regions}{'eu-west-1'}, 2, 'in the server\'s Region');
my %refused = (loop => qr/loop|cycle|infinite/i, sso => qr/sso/, mfa => qr/mfa_serial/,
	process => qr/credential_process/, half => qr/half|secret/i, absent => qr/no profile "absent"/);
for my $profile (sort keys %refused)
{
	set_mapping($node, "profile '$profile'");
	fails(qr/^28000 .*$refused{$profile}/, "profile $profile is refused");
}
environment(AWS_CONFIG_FILE => '$HOME/config', AWS_SHARED_CREDENTIALS_FILE => '~/${AWS_FILE}',
	AWS_FILE => 'credentials', AWS_PROFILE => 'first');
set_mapping($node, "credential_provider 'profile'");
is_asked_as("$role/First", 'files named with variables');
environment(%files, AWS_PROFILE => 'first');
set_mapping($node, "credential_provider 'profile'");
is_asked_as("$role/First", 'AWS_PROFILE');
# Of 1 MB, with a name in every line: read in a moment, not in a minute.
append_to_file("$dir/large-config", join '', map { "[profile p$_]\n" } 1 .. 60000);
append_to_file("$dir/large-credentials", "[default]\n" . join('', map { "k$_=\n" } 1 .. 90000)
	  . $keys_of_base);
environment(AWS_CONFIG_FILE => "$dir/large-config",
	AWS_SHARED_CREDENTIALS_FILE => "$dir/large-credentials");
set_mapping($node, "credential_provider 'profile'");
my $large = time;
is_asked_as('AKIDEXAMPLE', 'files of 1 MB');
cmp_ok(time - $large, '<', 30, 'files of 1 MB: in time');
environment(%files, AWS_PROFILE => 'first');
set_mapping($node, "credential_provider 'profile'");
chmod 0, "$dir/config";
fails(qr/^28000 .*Permission denied/, 'a file that cannot be read') if $> != 0;
chmod 0600, "$dir/config";

# ---- web identity

set_mapping($node, "credential_provider 'web_identity'");
environment(AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/token", AWS_ROLE_ARN => "$role/Pod",
	AWS_ROLE_SESSION_NAME => 'pod');
$identity->reset_to;
is_asked_as("$role/Pod", 'web_identity');
is($identity->counters->{sessions}{pod}, 1, 'web_identity: the session\'s name');
$identity->reset_to(format => 'xml');
set_mapping($node, "credential_provider 'web_identity'");
is_asked_as("$role/Pod", 'web_identity, answered in XML');
$identity->reset_to(web_identity_tokens => 'tokenOfAnotherIssuer');
set_mapping($node, "credential_provider 'web_identity'");
fails(qr/^HV000 .*role "\Q$role\E\/Pod" could not be assumed.*InvalidIdentityToken/,
	'web_identity: a token that is refused');
is($identity->counters->{requests}{sts}, 2, 'web_identity: a token that is refused, once more');
append_to_file("$dir/replaced-token", 'the former');
environment(AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/replaced-token", AWS_ROLE_ARN => "$role/Pod");
$identity->reset_to(token_file => "$dir/replaced-token");
is_asked_as("$role/Pod", 'web_identity: a token that was just replaced');
environment(AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/token", AWS_ROLE_ARN => "$role/Pod");
$identity->reset_to(sts => 'IDPCommunicationError-1');
is_asked_as("$role/Pod", 'web_identity: tried again');
environment(AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/none", AWS_ROLE_ARN => "$role/Pod");
fails(qr/^28000 .*there is no web identity token.*none/, 'web_identity: no file');
environment(AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/token");
fails(qr/^28000 .*AWS_ROLE_ARN is not/, 'web_identity: no role');

# ---- container

set_mapping($node, "credential_provider 'container'");
environment(%container, AWS_CONTAINER_AUTHORIZATION_TOKEN => 'container-token/+=');
$identity->reset_to(container_authorization => 'container-token%2F%2B%3D');
is_asked_as(qr/container-role/, 'container');
append_to_file("$dir/container-token", 'container-token/+=');
environment(%container, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE => "$dir/container-token",
	AWS_CONTAINER_AUTHORIZATION_TOKEN => 'wrong');
is_asked_as(qr/container-role/, 'container: token from a file');
environment(%container, AWS_CONTAINER_AUTHORIZATION_TOKEN => 'wrong');
fails(qr/^28000 .*container's credentials endpoint.*401/, 'container: token refused');
$identity->reset_to(container => 'e500-2');
is_asked_as(qr/container-role/, 'container: three tries');
$identity->reset_to(container => 'nulend');
fails(qr/^28000 .*container's credentials endpoint.*not a JSON object/,
	'container: a NUL after the credentials');
$identity->reset_to;
append_to_file("$dir/broken-token", "container-token\r\nX-Header: x");
environment(%container, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE => "$dir/broken-token");
fails(qr/^28000 .*line break/, 'container: a token with a line break');
for my $uri ('http://example.org/', 'http://169.254.170.20/', 'http://10.0.0.1/',
	'ftp://127.0.0.1/', 'http://127.0.0.1.example.org/', 'http://user@127.0.0.1/',
	'http://[fd00:ec2::24]/')
{
	environment(AWS_CONTAINER_CREDENTIALS_FULL_URI => $uri);
	fails(qr/^28000 .*AWS_CONTAINER_CREDENTIALS_FULL_URI cannot be asked/, "container: not $uri");
}

# ---- instance

environment();
set_mapping($node, "credential_provider 'instance'");
$identity->reset_to;
is_asked_as(qr/instance-role/, 'instance');
is($identity->counters->{v1}, 0, 'instance: IMDSv2 only');
for my $mode ('e500-2', 'newline@role', 'e401@credentials-1')
{
	$identity->reset_to(imds => $mode);
	set_mapping($node, "credential_provider 'instance'");
	is_asked_as(qr/instance-role/, "instance, $mode");
}
my %broken = ('e403@token' => 'IMDSv2: HTTP status 403.'
	  . " | The instance's metadata options must leave the service enabled.",
	'e404@role' => 'no role', unauthorized => 'AssumeRoleUnauthorizedAccess',
	'badjson@credentials' => 'not a JSON object',
	'nokey@credentials' => 'no "AccessKeyId"', 'crlf@credentials' => 'characters',
	'badexpiration@credentials' => 'not a time', 'e500@credentials' => 'HTTP status 500',
	'html@credentials' => 'not a JSON object', 'nulend@credentials' => 'not a JSON object');
for my $mode (sort keys %broken)
{
	$identity->reset_to(imds => $mode);
	set_mapping($node, "credential_provider 'instance'");
	fails(qr/^28000 .*instance metadata service gave no credentials.*\Q$broken{$mode}\E/,
		"instance, $mode");
}
# No part of a secret is shown where text is cut.
$identity->reset_to(imds => 'repeats@credentials');
set_mapping($node, "credential_provider 'instance'");
my $repeated = attempt($node, $lookup);
like($repeated, qr/^28000 .*it answered with Failed: x{280}\*\*\*\./,
	'instance, repeats its token');
is((grep { index($repeated, substr($_, 0, 12)) >= 0 } $identity->secrets), 0,
	'of which no part is shown');
$identity->reset_to(imds => 'huge@credentials');
fails(qr/^(?:54000|08006|28000) .*instance metadata service gave no credentials/, 'instance, huge');
environment(AWS_EC2_METADATA_DISABLED => 'true');
fails(qr/^28000 .*AWS_EC2_METADATA_DISABLED/, 'instance, disabled');
environment(AWS_EC2_METADATA_SERVICE_ENDPOINT => 'http://127.0.0.1:1');
fails(qr/^08001 .*instance metadata service.*127\.0\.0\.1:1/, 'instance, nobody there');

# ---- one after another

set_mapping($node, "credential_provider 'default'");
$identity->reset_to;
my %web = (AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/token", AWS_ROLE_ARN => "$role/Pod");
my @order = ([ \%base, 'AKIDEXAMPLE' ], [ { %files, AWS_PROFILE => 'first' }, "$role/First" ],
	[ \%web, "$role/Pod" ], [ \%container, qr/container-role/ ], [ {}, qr/instance-role/ ]);
while (@order)
{
	environment(map { %{ $_->[0] } } @order);
	is_asked_as($order[0][1], 'default: ' . (join(' ', sort keys %{ $order[0][0] }) || 'instance'));
	shift @order;
}
$identity->reset_to(instance_role => '');
set_mapping($node, "credential_provider 'default'");
fails(qr/^28000 .*there are no credentials.*Neither/, 'default: none');

# Shared files that cannot be read are passed over, unless they are asked for by name.
$identity->reset_to;
my %homes = (directory => sub { mkdir "$_[0]/.aws/credentials" },
	'closed file' => sub { append_to_file("$_[0]/.aws/config", ''); chmod 0, "$_[0]/.aws/config" },
	'closed home' => sub { chmod 0, $_[0] });
for my $name ($> == 0 ? 'directory' : sort keys %homes)
{
	my $home = PostgreSQL::Test::Utils::tempdir();
	mkdir "$home/.aws";
	$homes{$name}->($home);
	environment(%container, HOME => $home);
	set_mapping($node, "credential_provider 'default'");
	is_asked_as(qr/container-role/, "default, $name");
	set_mapping($node, "credential_provider 'default', profile 'x'");
	my $unread = qr/^28000 .*shared AWS files could not be read.*\Q$home\E/;
	fails($unread, "default, $name: not past a profile that is named");
	set_mapping($node, "credential_provider 'profile'");
	fails($unread, "profile, $name");
	chmod 0700, $home;
}
my $unlike = PostgreSQL::Test::Utils::tempdir();
append_to_file("$unlike/config", "a\0b\n");
environment(%container, AWS_CONFIG_FILE => "$unlike/config");
set_mapping($node, "credential_provider 'default'");
fails(qr/^28000 .*holds a NUL byte/, 'default: not past a file that can be read, and is none');
environment(%container, %files, AWS_CONFIG_FILE => $unlike);
is_asked_as('AKIDEXAMPLE', 'default: the one of the two files that can be read');

# ---- roles

environment(%base);
my $keys = "access_key_id '$base[0]', secret_access_key '$base[1]'";
for my $format ('json', 'xml')
{
	for my $expiration ('number', 'scientific', 'text')
	{
		$identity->reset_to(format => $format, expiration => $expiration);
		set_mapping($node, "$keys, role_arn '$role/ImageReader', role_session_name 'report',"
			. " role_duration '1h'");
		is_asked_as("$role/ImageReader", "a role, answered in $format, expiration a $expiration");
	}
}
is($identity->counters->{callers}{AKIDEXAMPLE}, 1, 'assumed with the mapping\'s keys');
is($identity->counters->{accept}{'application/json'}, 1, 'JSON is asked for');
set_mapping($node, "$keys, role_arn '$role/External', external_id 'secret-external-id'");
is_asked_as("$role/External", 'a role with an external id');
set_mapping($node, "$keys, role_arn '$role/External'");
fails(qr/^42501 .*role "\Q$role\E\/External" could not be assumed.*AccessDenied.*trust policy/,
	'a role without the external id that it wants');
set_mapping($node, "$keys, role_arn '$role/Denied'");
fails(qr/^42501 .*AccessDenied/, 'a role that is denied');
set_mapping($node, "$keys, role_arn '$role/Throttled-2'");
is_asked_as("$role/Throttled-2", 'a role, throttled twice');
set_mapping($node, "access_key_id '$base[0]', secret_access_key 'notTheSecretOfThisKey',"
	. " role_arn '$role/ImageReader'");
fails(qr/^28000 .*SignatureDoesNotMatch/, 'a role, and the wrong secret');
set_mapping($node, "credential_provider 'instance', role_arn '$role/ImageReader'");
is_asked_as("$role/ImageReader", 'a role assumed by the instance\'s');
for my $mode ('badjson', 'empty', 'html', 'nokey', 'redirect', 'nulend')
{
	$identity->reset_to(sts => $mode);
	set_mapping($node, "$keys, role_arn '$role/ImageReader'");
	fails(qr/^(?:HV00M|HV000) .*could not be assumed/, "a role, and STS answers with $mode");
}
# What is none of STS's answers is not called one of Image Builder's, and no option
# of that service's endpoint is blamed.
my $option = qr/the server's option "sts_endpoint_url"/;
for my $case ([ 'badjson', 'HV00M', 'an STS response' ], [ 'badchunk', 'HV00M', 'an STS response' ],
	[ 'huge', '54000', 'too large' ])
{
	my ($mode, $state, $what) = @$case;
	$identity->reset_to(sts => $mode);
	set_mapping($node, "$keys, role_arn '$role/ImageReader'");
	fails(qr/^$state .*could not be assumed: the answer is (?:not )?$what \|.*\| Check $option\.$/,
		"a role, and what is said of STS's answer: $mode");
}
for my $case ([ 'http://127.0.0.1:1', qr/Check that something listens at that port, $option,/ ],
	[ 'http://no-such-host.invalid',
		qr/Check the server's option "region", $option, and that DNS/ ])
{
	my ($url, $hint) = @$case;
	$node->safe_psql('postgres',
		"ALTER SERVER aws OPTIONS (SET sts_endpoint_url '$url', ADD max_attempts '1')");
	set_mapping($node, "$keys, role_arn '$role/ImageReader'");
	fails(qr/^08001 .*could not be assumed: could not connect .*\| $hint/,
		"a role, and STS is not at $url");
	$node->safe_psql('postgres',
		"ALTER SERVER aws OPTIONS (SET sts_endpoint_url '$sts', DROP max_attempts)");
}
$identity->reset_to(clock => 3600);
set_mapping($node, "$keys, role_arn '$role/ImageReader'");
is_asked_as("$role/ImageReader", 'a role, and STS\'s clock is an hour ahead');
is($identity->counters->{requests}{sts}, 2, 'signed again, by that clock');
$identity->reset_to(clock => -3600);
set_mapping($node, "access_key_id '$base[0]', secret_access_key 'notTheSecretOfThisKey',"
	. " role_arn '$role/ImageReader'");
fails(qr/^28000 .*SignatureDoesNotMatch/, 'once, if the secret is wrong too');
is($identity->counters->{requests}{sts}, 2, 'and no more often');
$identity->reset_to;

# ---- a role in each account

my @accounts = ('111111111111', '222222222222', '333333333333', 'aws', 'third-party');
$endpoint->put(arn('report/1.0.0/1', $_), qq({"image": {"name": "of $_"}})) for @accounts;
set_mapping($node, "$keys, role_arn 'arn:aws:iam::{account}:role/SlowReader'");
$endpoint->reset_counters;
$identity->reset_to;
is($node->safe_psql('postgres', "SELECT string_agg(name, ',') FROM images WHERE arn IN "
	  . in_list(map { arn('report/1.0.0/1', $_) } @accounts)),
	join(',', map { "of $_" } @accounts), 'images of several accounts');
is(asked_as(), "AKIDEXAMPLE @{[ map { qq(arn:aws:iam::$_:role/SlowReader) } @accounts[ 0 .. 2 ] ]}",
	'each as its own role; those of no account with the base credentials');
is($identity->counters->{max_in_flight}{sts}, 3, 'roles are assumed all at once');
is($identity->counters->{actions}{AssumeRole}, 3, 'and once each');

# ---- renewal

set_mapping($node, "credential_provider 'instance'");
$identity->reset_to;
my $session = session_of($node);
$session->query($lookup) for 1 .. 3;
is($identity->counters->{actions}{credentials}, 1, 'credentials are kept');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (ADD max_attempts '4')");
$session->query($lookup) for 1 .. 3;
is($identity->counters->{actions}{credentials}, 2, 'until the server changes');
$node->safe_psql('postgres',
	"ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (ADD role_session_name 'xx')");
$session->query($lookup) for 1 .. 3;
is($identity->counters->{actions}{credentials}, 3, 'or the mapping');
# Credentials that expire while they are in use are renewed, once.
$identity->reset_to;
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (SET max_attempts '2')");
$session->query($lookup);
$endpoint->control('POST', 'expire');
is($session->query($lookup), 'golden-linux', 'ExpiredToken: renewed');
is($identity->counters->{actions}{credentials}, 2, 'ExpiredToken: once');
is($session->query('SELECT retries FROM imagebuilder_fdw_stats()'), 1,
	'ExpiredToken: by one more attempt');
$session->quit;
# With a role too, whose base is renewed with it.
set_mapping($node, "credential_provider 'instance', role_arn '$role/ImageReader'");
$session = session_of($node);
$session->query($lookup);
$endpoint->control('POST', 'expire');
$identity->reset_to;
is($session->query($lookup), 'golden-linux', 'ExpiredToken of a role\'s credentials: renewed');
is($identity->counters->{actions}{AssumeRole}, 1, 'assumed anew');
$session->quit;
# A key in a file is read once more when Image Builder or STS rejects it.
sub write_keys
{
	my ($key, $secret) = @_;
	unlink "$dir/replaced";
	append_to_file("$dir/replaced",
		"[default]\naws_access_key_id = $key\naws_secret_access_key = $secret\n");
	return;
}
environment(AWS_SHARED_CREDENTIALS_FILE => "$dir/replaced");
for my $options ("credential_provider 'profile'", "credential_provider 'default'",
	"credential_provider 'profile', role_arn '$role/ImageReader'")
{
	set_mapping($node, $options);
	write_keys('AKIDFORMER', 'theFormerSecret');
	$session = session_of($node);
	$session->query($lookup);
	like($session->{stderr}, qr/UnrecognizedClientException|InvalidClientTokenId/,
		"$options: a key that is rejected");
	write_keys(@base);
	is($session->query($lookup), 'golden-linux', "$options: the key that was put in its place");
	$session->quit;
}
# Those that are given cannot be read again.
set_mapping($node, "access_key_id 'ASIAEXPIREDEXAMPLE',"
	. " secret_access_key 'expiredSecret/EXAMPLE+KEY000000000000000', session_token 'EXPIRED/+='");
$endpoint->reset_counters;
fails(qr/^28000 .*ExpiredToken.*temporary credentials have expired/, 'keys that have expired');
is($endpoint->requests, 1, 'are not tried again');

# ---- waiting for credentials is waiting

for my $case ([ 'instance', 'imds=hang', "credential_provider 'instance'" ],
	[ 'STS', 'sts=hang', "$keys, role_arn '$role/ImageReader'" ])
{
	my ($name, $mode, $options) = @$case;
	set_mapping($node, $options);
	$identity->control('POST', 'reset');
	$identity->control('POST', "set?$mode");
	$session = session_of($node);
	my $pid = $session->query('SELECT pg_backend_pid()');
	$session->query_until(qr/started/, "\\echo started\n$lookup;\n");
	$node->poll_query_until('postgres', "SELECT wait_event_type IN ('Extension', 'Client')
		FROM pg_stat_activity WHERE pid = $pid AND state = 'active'");
	my $start = time;
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	$session->query('SELECT 1');
	cmp_ok(time - $start, '<', 30, "$name: cancelled at once");
	like($session->{stderr}, qr/canceling statement due to user request/, "$name: as such");
	$identity->reset_to;
	is($session->query($lookup), 'golden-linux', "$name: the session works");
	$session->quit;
}
set_mapping($node, "credential_provider 'instance'");
$identity->reset_to(imds => 'hang');
fails(qr/^0800[16] .*instance metadata service.*timed out.*hop limit/,
	'a metadata service that hangs is given up');

# ---- secrets

# At debug3 PostgreSQL itself logs the environment that it was started in.
my $log = slurp_file($node->logfile) =~ s/^(?:.* DEBUG:  00000: )?\tAWS_\w+=.*\n//gmr;
cmp_ok(length($log), '>', 100000, 'the server has logged a lot');
my @secrets = ($identity->secrets, 'notTheSecretOfThisKey', 'container-token/+=',
	'secret-external-id');
cmp_ok(scalar @secrets, '>', 50, 'of many secrets');
is(join(' ', grep { index($log, $_) >= 0 } @secrets), '', 'none is in the log');

$identity->stop;
$endpoint->stop;
done_testing();
