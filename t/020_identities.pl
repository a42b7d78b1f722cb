# Whose credentials a session uses, and for how long: what changes of servers and
# mappings end, renewal, and what STS and the metadata services may answer.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestClock;
use TestEndpoint;
use TestIdentity;

my $HOUR = 3600;
my $clock = TestClock->new;
my $identity = TestIdentity->new('--latency', '300', $clock->options);
my $endpoint = TestEndpoint->new('--issued', $identity->{issued}, $clock->options);
my $dir = PostgreSQL::Test::Utils::tempdir();
my $role = "arn:aws:iam::$TestEndpoint::ACCOUNT:role";
my @base = ('AKIDEXAMPLE', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
append_to_file("$dir/token", "$TestIdentity::WEB_TOKEN\n");
append_to_file("$dir/config",
	"[profile assuming]\nrole_arn = $role/OfProfile\nsource_profile = keys\n");
append_to_file("$dir/credentials",
	"[keys]\naws_access_key_id = $base[0]\naws_secret_access_key = $base[1]\n");

my %container =
  (AWS_CONTAINER_CREDENTIALS_FULL_URI => $identity->url('container') . '/credentials');
my $node;
sub environment { $identity->start($node, $dir, LD_PRELOAD => $clock->library, @_); return }
new_cluster('main', start => sub {
	($node) = @_;
	environment(%container, AWS_CONFIG_FILE => "$dir/config",
		AWS_SHARED_CREDENTIALS_FILE => "$dir/credentials");
});
set_up($node, $endpoint->url, options => "sts_endpoint_url '" . $identity->url('sts')
	  . "', region 'eu-west-1', cache_ttl '1h'", keys => "credential_provider 'instance'");
my $golden = arn('golden-linux/1.0.0/1');
my $other = arn('golden-linux/2.0.0/1');
my $keys = "access_key_id '$base[0]', secret_access_key '$base[1]'";

# The statement cannot be answered by cache_ttl, unless that is meant.
sub lookup { my ($arn) = @_; return "SELECT name FROM images WHERE arn = '$arn'" }
sub fresh { return 'SELECT imagebuilder_fdw_clear_cache(); ' . lookup($golden) }
sub roles_assumed { return join ' ', sort keys %{ $identity->counters->{roles} } }

# ---- a statement that is older than a change plants nothing

$node->safe_psql('postgres', qq{
	CREATE ROLE analyst LOGIN; GRANT USAGE ON SCHEMA imagebuilder TO analyst;
	GRANT USAGE ON FOREIGN SERVER aws TO analyst;
	GRANT SELECT ON ALL TABLES IN SCHEMA imagebuilder TO analyst;
	CREATE USER MAPPING FOR analyst SERVER aws OPTIONS (credential_provider 'instance')});
$identity->reset_to;
my $session = session_of($node, extra_params => [ '-U', 'analyst' ]);
my $bogus = "access_key_id 'AKIABOGUS', secret_access_key 'bogus'";
like(in_session($session, "BEGIN; DECLARE c CURSOR FOR " . lookup($golden) . '; '
	  . mapping("$bogus, role_arn '$role/Chosen'", 'analyst') . '; FETCH c'),
	qr/^golden-linux$/m, 'a cursor goes on with what it began with');
like(in_session($session, lookup($other)),
	qr/InvalidClientTokenId|UnrecognizedClient|security token/,
	'a statement after the change does not');
in_session($session, 'ROLLBACK');
unlike(roles_assumed(), qr/Chosen/, 'nobody has the host assume a role of their choice');

for my $change ([ 'the same session', sub { in_session($session, mapping($bogus)) } ],
	[ 'another session', sub { set_mapping($node, $bogus) } ])
{
	my ($where, $alter) = @$change;
	$session->quit;
	set_mapping($node, "credential_provider 'instance'");
	$session = session_of($node);
	in_session($session, 'BEGIN; DECLARE c CURSOR WITH HOLD FOR ' . lookup($golden)) ;
	in_session($session, 'ROLLBACK; BEGIN; DECLARE c CURSOR FOR ' . lookup($golden));
	$alter->();
	in_session($session, 'SELECT count(*) FROM pg_am');
	is(in_session($session, 'FETCH c; COMMIT') =~ s/\s+//gr, 'golden-linux',
		"revoked in $where: a cursor goes on");
	like(in_session($session, lookup($golden)), qr/UnrecognizedClient|security token/,
		"revoked in $where: neither credentials nor answers are left for others");
}
$session->quit;

# ---- a server's owner names no role for the host to assume

$node->safe_psql('postgres', qq{
	CREATE ROLE owner LOGIN; GRANT USAGE ON FOREIGN DATA WRAPPER imagebuilder_fdw TO owner;
	CREATE SERVER lent FOREIGN DATA WRAPPER imagebuilder_fdw OPTIONS (
		endpoint_url '} . $endpoint->url . qq{', credential_provider 'instance',
		sts_endpoint_url '} . $identity->url('sts') . qq{');
	CREATE FOREIGN TABLE public.lent (arn text, name text) SERVER lent
		OPTIONS (table_name 'images');
	CREATE USER MAPPING FOR CURRENT_USER SERVER lent OPTIONS (role_arn '$role/OfSuperuser')});
$identity->reset_to;
is(attempt($node, "SELECT name FROM lent WHERE arn = '$golden'"), 'found golden-linux',
	'a superuser assumes a role as the host');
$node->safe_psql('postgres', 'ALTER SERVER lent OWNER TO owner');
my $superuser = $node->safe_psql('postgres', 'SELECT quote_ident(current_user)');
$node->safe_psql('postgres', "ALTER USER MAPPING FOR $superuser SERVER lent
	OPTIONS (SET role_arn '$role/OfOwner')", extra_params => [ '-U', 'owner' ]);
like(attempt($node, "SELECT name FROM lent WHERE arn = '$golden'"),
	qr/^42501 .*permission denied to assume a role.*"lent"/,
	'but not one that a server\'s owner has named');
is(roles_assumed(), "$role/OfSuperuser", 'so it is not assumed');

# ---- renewal

# What expires within a statement is renewed for it.
set_mapping($node, "credential_provider 'instance'");
$identity->reset_to(lifetime => $HOUR);
$session = session_of($node);
my @long = map { arn("golden-linux/$_") } '1.0.0/1', '2.0.0/1', '1.0.0/2';
in_session($session, 'SET imagebuilder_fdw.enable_read_ahead = off;
	BEGIN; DECLARE c NO SCROLL CURSOR FOR
	SELECT (SELECT name FROM images WHERE arn = t.a OFFSET 0) FROM (VALUES '
	  . join(', ', map { "('$_')" } @long) . ') t(a)');
for (1 .. 3)
{
	is(in_session($session, 'FETCH c') =~ s/\s+//gr, 'golden-linux', "a long statement, row $_");
	$clock->advance($HOUR + 60);
}
$session->quit;
cmp_ok($identity->counters->{actions}{credentials}, '>=', 2, 'renews them, too');

# Those that have expired when they come, by a clock that is wrong, are not asked for without end.
$identity->reset_to(lifetime => -60);
attempt($node, "SELECT count(*) FROM images WHERE arn IN "
	  . in_list(map { arn("expired/1.0.0/$_") } 1 .. 12));
cmp_ok($identity->counters->{actions}{credentials}, '<=', 2,
	'credentials that come expired are asked for twice at most');

# What a role rests on has expired, which STS says.
set_mapping($node, "credential_provider 'container', role_arn '$role/Short'");
$identity->reset_to(container => 'noexpiration', lifetime => $HOUR);
$session = session_of($node);
is(in_session($session, fresh()) =~ s/\s+//gr, 'golden-linux',
	'a role assumed with credentials of which nobody says when they expire');
$clock->advance($HOUR + 60);
is(in_session($session, fresh()) =~ s/\s+//gr, 'golden-linux',
	'ExpiredToken of STS: they are obtained anew');
is($identity->counters->{requests}{container}, 2, 'once');
$session->quit;

# ---- a bounded number of requests, and of identities

my @accounts = map { sprintf '%012d', $_ } 1 .. 10;
sub report { my ($account) = @_; return arn('report/1.0.0/1', $account) }
$endpoint->put(report($_), qq({"image": {"name": "$_"}})) for @accounts;
$node->safe_psql('postgres',
	"ALTER SERVER aws OPTIONS (ADD max_concurrency '2', ADD max_response_size '200B')");
set_mapping($node, "$keys, role_arn 'arn:aws:iam::{account}:role/SlowReader'");
$identity->reset_to;
is(attempt($node,
		'SELECT count(name) FROM images WHERE arn IN ' . in_list(map { report($_) } @accounts)),
	'found 10', 'ten accounts, and max_response_size says nothing of STS');
is($identity->counters->{max_in_flight}{sts}, 2,
	'max_concurrency bounds the requests for credentials');
# A fetch whose statement is gone does not keep its place while another look-up of the
# identity is under way.
set_mapping($node, "$keys, role_arn 'arn:aws:iam::{account}:role/SlowReader2'");
$identity->reset_to(lifetime => $HOUR);
$session = session_of($node);
my $pid = in_session($session, 'SELECT pg_backend_pid()');
my $hanging = arn('fault-hang/1.0.0/1');
in_session($session, "BEGIN; DECLARE c CURSOR FOR " . lookup($hanging) . '; SAVEPOINT s');
$session->query_until(qr/started/, "\\echo started\nFETCH c;\n");
wait_until { $endpoint->counters->{by_arn}{$hanging} } 'the image is asked for';
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
in_session($session, 'ROLLBACK TO s');
$clock->advance($HOUR + 60);
# The answer comes as soon as the latency is short again.
$identity->reset_to(latency => $HOUR);
like(in_session($session, "SET LOCAL statement_timeout = '150ms'; " . lookup($golden)),
	qr/statement timeout/, 'a statement ends while it waits for credentials');
in_session($session, 'ROLLBACK TO s');
$identity->reset_to;
my $other_look_up = "SET LOCAL statement_timeout = '60s'; " . lookup(report($accounts[4]));
is(in_session($session, $other_look_up) =~ s/\s+//gr, $accounts[4], 'others can ask');
$session->quit;
# Nor do roles whose base is waited for: their own credentials serve still.
set_mapping($node,
	"credential_provider 'container', role_arn 'arn:aws:iam::{account}:role/Reader'");
my $of_nobody = report('aws');
$endpoint->put($of_nobody, '{"image": {"name": "aws"}}');
my $union = join ' UNION ALL ', map { 'SELECT name FROM images WHERE arn IN ' . in_list(@$_) }
	[ $of_nobody, report($accounts[0]) ],
	map { [ map { report($_) } @accounts[ $_, $_ + 1 ] ] } 1, 3, 5, 7;
$identity->reset_to(container_lifetime => 20 * 60);
$session = session_of($node);
$pid = in_session($session, 'SELECT pg_backend_pid()');
in_session($session, $union);
is($identity->counters->{actions}{AssumeRole}, 9, 'nine roles over credentials that expire');
$clock->advance(25 * 60);
$identity->reset_to(container => 'hang');
# The session gives up on the container's endpoint after six seconds.
$endpoint->control('POST', 'latency?ms=50');
in_session($session, 'SELECT imagebuilder_fdw_clear_cache()');
$endpoint->reset_counters;
$session->query_until(qr/started/, "\\echo started\n$union;\n");
wait_until { $endpoint->requests >= 9 } 'the roles\' own credentials serve';
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
like(in_session($session, 'SELECT 1'), qr/due to user request/, 'the base is waited for');
is($endpoint->requests, 9, 'while the roles\' own credentials serve');
cmp_ok($endpoint->counters->{max_in_flight}, '<=', 2, 'for max_concurrency requests at once');
$endpoint->control('POST', 'latency?ms=0');
in_session($session, 'BEGIN; SELECT imagebuilder_fdw_clear_cache(); DECLARE c CURSOR FOR '
	. lookup(report($accounts[0]) =~ s/report/fault-hang/r));
for my $held ('FETCH c', lookup($of_nobody))
{
	like(in_session($session, "SAVEPOINT s; SET LOCAL statement_timeout = '1s'; $held"),
		qr/statement timeout/, 'given up: ' . substr $held, 0, 6);
	in_session($session, 'ROLLBACK TO s');
}
is(in_session($session, $other_look_up) =~ s/\s+//gr, $accounts[4],
	'a fetch that nobody waits for does not keep its place for ever');
$session->quit;
$node->safe_psql('postgres', "ALTER SERVER aws
	OPTIONS (SET max_concurrency '16', DROP max_response_size, ADD on_error 'warning')");
set_mapping($node, "$keys, role_arn 'arn:aws:iam::{account}:role/Denied'");
$session = session_of($node);
in_session($session, 'SET client_min_messages = error; SELECT count(name) FROM images WHERE arn IN '
	  . in_list(map { report(sprintf '%012d', $_) } 1 .. 300));
in_session($session, lookup($golden));
my $kept = in_session($session, "SELECT count(*) FROM pg_backend_memory_contexts
	WHERE name = 'imagebuilder_fdw identity'");
cmp_ok($kept, '<', 10, 'identities without credentials are not kept');
$session->quit;
$node->safe_psql('postgres', 'ALTER SERVER aws OPTIONS (DROP on_error)');

# ---- what is answered

sub fails
{
	my ($pattern, $name) = @_;
	like(attempt($node, lookup($golden)), $pattern, $name);
	return;
}
set_mapping($node, "credential_provider 'instance'");
for my $action ('token', 'role')
{
	$identity->reset_to(imds => "nul\@$action");
	fails(qr/^28000 .*instance metadata service gave no credentials/, "a NUL in the $action");
}
$identity->reset_to(imds => 'noexpiration@credentials');
fails(qr/^28000 .*no "Expiration"/, 'credentials of which nobody says when they expire');
$identity->reset_to(sts => 'noexpiration');
set_mapping($node, "$keys, role_arn '$role/Reader'");
fails(qr/^HV00M .*no "Expiration"/, 'the same of a role');
$identity->reset_to(sts => 'echo');
set_mapping($node, "$keys, role_arn '$role/External', external_id 'secret-external/id'");
my $error = attempt($node, lookup($golden));
like($error, qr/could not be assumed.*RoleArn/, 'STS repeats what it was asked');
unlike($error, qr/secret-external|\Q$base[1]\E/, 'an external id is not shown, nor a key');
$identity->reset_to(instance_role => 'a%2Brole=with,all%40of-it_.1');
set_mapping($node, "credential_provider 'instance'");
is(attempt($node, lookup($golden)), 'found golden-linux', 'a role\'s name is asked for as it is');
is((grep { m{/security-credentials/a\+role=with,all\@of-it_\.1$} }
		keys %{ $identity->counters->{paths} }), 1, 'without percent signs');

# Below a base path, as botocore would.
$identity->reset_to;
my $sts = $identity->url('sts');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (SET sts_endpoint_url '$sts/base')");
set_mapping($node, "$keys, role_arn '$role/Reader'");
fails(qr/^HV000 .*InvalidAction/, 'STS below a base path');
is(join(' ', grep { /base/ } keys %{ $identity->counters->{paths} }), 'sts POST /base',
	'is asked at that path');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (SET sts_endpoint_url '$sts')");

# ---- the environment

environment(AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/token", AWS_ROLE_ARN => "$role/Pod");
set_mapping($node, "credential_provider 'web_identity'");
$identity->reset_to;
is(attempt($node, lookup($golden)), 'found golden-linux', 'a web identity token with a line end');
$identity->reset_to(sts => 'echo');
$node->safe_psql('postgres', "ALTER SERVER aws OPTIONS (SET cache_ttl '2h')");
$error = attempt($node, lookup($golden));
like($error, qr/could not be assumed.*WebIdentityToken/, 'STS repeats what it was asked');
unlike($error, qr/\Q$TestIdentity::WEB_TOKEN\E/, 'the token is not shown');
environment(AWS_ACCESS_KEY_ID => $base[0], AWS_SECRET_ACCESS_KEY => $base[1],
	AWS_CONFIG_FILE => "$dir/config", AWS_SHARED_CREDENTIALS_FILE => "$dir/credentials");
set_mapping($node, "credential_provider 'default', profile 'assuming'");
$identity->reset_to;
is(attempt($node, lookup($golden)), 'found golden-linux', 'a profile, and keys in the environment');
is(roles_assumed(), "$role/OfProfile", 'who names a profile means it');
environment(AWS_DEFAULT_PROFILE => 'assuming', AWS_PROFILE => 'none',
	AWS_CONFIG_FILE => "$dir/config", AWS_SHARED_CREDENTIALS_FILE => "$dir/credentials");
set_mapping($node, "credential_provider 'profile'");
is(attempt($node, lookup($golden)), 'found golden-linux', 'AWS_DEFAULT_PROFILE');
environment(AWS_ACCESS_KEY_ID => $base[0], AWS_SECRET_ACCESS_KEY => $base[1],
	AWS_SESSION_TOKEN => "token\r\nX-Injected: yes");
set_mapping($node, "credential_provider 'environment'");
fails(qr/^28000 .*cannot be used.*characters/, 'what would end a header\'s line is not sent');

$identity->stop;
$endpoint->stop;
done_testing();
