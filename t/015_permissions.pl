# Who may use the AWS identity of the server's host, and who may set what: a
# table of role, action and what comes of it.  There are keys nowhere but in the
# instance's metadata service, and in one user's mapping.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestEndpoint;
use TestIdentity;

my $identity = TestIdentity->new;
my $endpoint = TestEndpoint->new('--issued', $identity->{issued});
my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = new_cluster('main', start => sub { $identity->start($_[0], $dir) });
set_up($node, $endpoint->url, options => "credential_provider 'instance', sts_endpoint_url '"
	  . $identity->url('sts') . "', cache_ttl '1h'", keys => "role_session_name 'super'");
my $golden = arn('golden-linux/1.0.0/1');
my $query = "SELECT name FROM images WHERE arn = '$golden'";
$node->safe_psql('postgres', qq{
	CREATE ROLE analyst LOGIN; CREATE ROLE guest LOGIN; CREATE ROLE unmapped LOGIN;
	CREATE ROLE keyholder LOGIN; CREATE ROLE owner LOGIN; CREATE ROLE stranger LOGIN;
	GRANT USAGE ON SCHEMA imagebuilder TO PUBLIC;
	GRANT CREATE ON SCHEMA public TO analyst, guest, owner;
	GRANT SELECT ON ALL TABLES IN SCHEMA imagebuilder TO analyst, guest, unmapped, keyholder;
	GRANT USAGE ON FOREIGN SERVER aws TO analyst, guest, unmapped, keyholder;
	GRANT USAGE ON FOREIGN DATA WRAPPER imagebuilder_fdw TO owner;
	CREATE USER MAPPING FOR analyst SERVER aws OPTIONS (credential_provider 'instance');
	CREATE USER MAPPING FOR guest SERVER aws;
	CREATE USER MAPPING FOR keyholder SERVER aws OPTIONS ($KEYS);
	CREATE VIEW of_super AS $query;
	CREATE VIEW of_super_as_invoker WITH (security_invoker) AS $query;
	CREATE FUNCTION super_definer() RETURNS text LANGUAGE sql SECURITY DEFINER
		SET search_path = imagebuilder AS \$\$$query\$\$;
	CREATE FUNCTION invoker() RETURNS text LANGUAGE sql
		SET search_path = imagebuilder AS \$\$$query\$\$;
	SET ROLE guest; CREATE VIEW public.of_guest AS $query;
	CREATE FUNCTION public.guest_definer() RETURNS text LANGUAGE sql SECURITY DEFINER
		SET search_path = imagebuilder AS \$\$$query\$\$;
	RESET ROLE;
	SET ROLE analyst; CREATE VIEW public.of_analyst AS $query; RESET ROLE;
	GRANT SELECT ON of_super, of_super_as_invoker, of_guest, of_analyst TO PUBLIC;
	GRANT EXECUTE ON FUNCTION super_definer, invoker, guest_definer TO PUBLIC});

my %mapping = map { $_ => "USER MAPPING FOR $_ SERVER aws OPTIONS" }
  qw(analyst guest unmapped keyholder PUBLIC);
my $aws_role = 'arn:aws:iam::123456789012:role';
my $create_own = 'CREATE SERVER own FOREIGN DATA WRAPPER imagebuilder_fdw';
my $seen = "SELECT count(*) FROM pg_user_mappings WHERE umoptions::text LIKE '%wJalr%'";
# Role, what it does, what comes of it: rows, or an SQLSTATE.
my $may_not = qr/^42501 /;
my @matrix = (
	# Queries, as themselves.
	[ 'postgres', $query, 'golden-linux' ],
	[ 'analyst', $query, 'golden-linux' ],
	[ 'keyholder', $query, 'golden-linux' ],
	[ 'guest', $query,
		qr/^42501 .*permission denied to use the AWS identity.*"guest" is not a superuser/ ],
	[ 'unmapped', $query, qr/^42501 .*permission denied to use the AWS identity/ ],
	[ 'stranger', $query, $may_not ],
	# As a view's or function's owner, and as who calls them.
	[ 'guest', 'SELECT name FROM of_super', 'golden-linux' ],
	[ 'stranger', 'SELECT name FROM of_super', 'golden-linux' ],
	[ 'guest', 'SELECT name FROM of_super_as_invoker', $may_not ],
	[ 'analyst', 'SELECT name FROM of_super_as_invoker', 'golden-linux' ],
	[ 'postgres', 'SELECT name FROM of_guest', $may_not ],
	[ 'analyst', 'SELECT name FROM of_guest', $may_not ],
	[ 'guest', 'SELECT name FROM of_analyst', 'golden-linux' ],
	[ 'guest', 'SELECT super_definer()', 'golden-linux' ],
	[ 'guest', 'SELECT invoker()', $may_not ],
	[ 'postgres', 'SELECT guest_definer()', $may_not ],
	[ 'analyst', 'SELECT guest_definer()', $may_not ],
	# Whoever the session was, and whatever it keeps.
	[ 'postgres', "$query; SET ROLE guest; $query", $may_not ],
	[ 'postgres', "$query; SET SESSION AUTHORIZATION guest; $query", $may_not ],
	[ 'postgres', "PREPARE q AS $query; EXECUTE q; SET ROLE guest; EXECUTE q", $may_not ],
	[ 'postgres', "SET plan_cache_mode = force_generic_plan;
		PREPARE q(text) AS SELECT name FROM images WHERE arn = \$1;
		EXECUTE q('$golden'); SET ROLE guest; EXECUTE q('$golden')", $may_not ],
	[ 'postgres', "SET ROLE analyst; $query; RESET ROLE", 'golden-linux' ],
	# What the mapping says is not theirs to change …
	[ 'analyst', "ALTER $mapping{analyst} (ADD role_arn '$aws_role/Admin')", $may_not ],
	[ 'analyst', "ALTER $mapping{analyst} (SET credential_provider 'environment')", $may_not ],
	[ 'analyst', "ALTER $mapping{analyst} (ADD profile 'admin')", $may_not ],
	[ 'analyst', "ALTER $mapping{analyst} (ADD access_key_id 'x')", $may_not ],
	[ 'guest', "ALTER $mapping{guest} (ADD credential_provider 'instance')", $may_not ],
	[ 'guest', "ALTER $mapping{guest} (ADD credential_provider 'default')", $may_not ],
	[ 'guest', "ALTER $mapping{guest} (ADD profile 'default')", $may_not ],
	[ 'guest', "ALTER $mapping{analyst} (ADD role_session_name 'xx')", $may_not ],
	[ 'guest', 'DROP USER MAPPING FOR analyst SERVER aws', $may_not ],
	[ 'guest', "CREATE $mapping{PUBLIC} (credential_provider 'instance')", $may_not ],
	[ 'unmapped', "CREATE $mapping{unmapped} (credential_provider 'instance')", $may_not ],
	[ 'unmapped', "CREATE $mapping{unmapped} (profile 'default')", $may_not ],
	# … but keys of their own are, and roles for them; a role alone lends nothing.
	[ 'keyholder', "ALTER $mapping{keyholder} (ADD role_arn '$aws_role/Own')", '' ],
	[ 'keyholder', $query, 'golden-linux' ],
	[ 'guest', "ALTER $mapping{guest} (ADD role_arn '$aws_role/Admin')", '' ],
	[ 'guest', $query, $may_not ],
	# Nor can they have the server's requests go elsewhere, or make a server that does.
	(map { [ 'analyst', "ALTER SERVER aws OPTIONS ($_)", $may_not ] }
		"SET endpoint_url 'http://127.0.0.1:1'", "SET sts_endpoint_url 'http://127.0.0.1:1'",
		"ADD proxy 'http://127.0.0.1:1'", "ADD ca_bundle '/tmp/x'", "ADD region 'us-east-1'"),
	(map { [ 'owner', "$create_own OPTIONS ($_)", $may_not ] }
		"endpoint_url 'http://127.0.0.1:1'", "sts_endpoint_url 'http://127.0.0.1:1'",
		"proxy 'http://127.0.0.1:1'", "ca_bundle '/etc/passwd'",
		"credential_provider 'instance'", "credential_provider 'default'"),
	[ 'owner', "$create_own OPTIONS (region 'us-east-1')", '' ],
	[ 'owner', "ALTER SERVER own OPTIONS (ADD credential_provider 'instance')", $may_not ],
	[ 'owner', "ALTER SERVER own OPTIONS (ADD endpoint_url 'http://127.0.0.1:1')", $may_not ],
	[ 'owner', "CREATE USER MAPPING FOR owner SERVER own; CREATE FOREIGN TABLE public.own
		(arn text, name text) SERVER own OPTIONS (table_name 'images')", '' ],
	[ 'owner', "SELECT name FROM public.own WHERE arn = '$golden'", qr/^28000 / ],
	[ 'owner', "CREATE FOREIGN TABLE public.other (arn text) SERVER aws
		OPTIONS (table_name 'images')", $may_not ],
	[ 'owner', 'ALTER FOREIGN DATA WRAPPER imagebuilder_fdw NO VALIDATOR', $may_not ],
	[ 'owner', 'ALTER SERVER own OWNER TO analyst', $may_not ],
	# Nor read what is in another's mapping, or in the kept answers.
	[ 'analyst', $seen, '0' ], [ 'keyholder', $seen, '1' ],
	[ 'analyst', 'SELECT umoptions FROM pg_user_mapping', $may_not ],
	[ 'guest', 'SELECT imagebuilder_fdw_clear_cache() IS NULL', qr/^[tf]$/ ],
	# What a superuser has given, a superuser takes away.
	[ 'postgres', "ALTER $mapping{analyst} (DROP credential_provider)", '' ],
	[ 'analyst', $query, $may_not ],
	[ 'guest', 'SELECT name FROM of_analyst', $may_not ],
	[ 'postgres', "DROP USER MAPPING FOR analyst SERVER aws;
		CREATE $mapping{PUBLIC} (credential_provider 'instance')", '' ],
	[ 'analyst', $query, 'golden-linux' ],
	[ 'unmapped', $query, 'golden-linux' ],
	[ 'guest', $query, $may_not ],
);
for my $case (@matrix)
{
	my ($role, $action, $expected) = @$case;
	# The superuser is called as the system's user is.
	my @user = $role eq 'postgres' ? () : ('-U', $role);
	my ($rc, $stdout, $stderr) = $node->psql('postgres', "\\set VERBOSITY verbose\n$action;",
		extra_params => \@user);
	my $outcome = $rc == 0 && $stderr !~ /ERROR/ ? (split /\n/, $stdout)[-1] // ''
	  : $stderr =~ /ERROR:  (\w{5}): (.*)/s ? "$1 $2" : $stderr;
	$outcome =~ s/\n/ /g;
	my $name = "$role: " . ($action =~ s/\s+/ /gr);
	is_or_like($outcome, $expected, $name);
}

# In one session, with credentials and answers at hand.
my $session = session_of($node);
is($session->query($query), 'golden-linux', 'a superuser asks');
$session->query('SET ROLE guest');
$session->query($query);
like($session->{stderr}, qr/permission denied to use the AWS identity/,
	'nothing of it is lent to another role');
$session->query('RESET ROLE');
$session->{stderr} = '';
$session->quit;

# A configuration that the session has read does not outlive a superuser's rights.
$node->safe_psql('postgres', 'CREATE ROLE chief LOGIN SUPERUSER;
	CREATE USER MAPPING FOR chief SERVER aws;
	ALTER SERVER aws OPTIONS (DROP cache_ttl)');
for my $form ($query, 'EXECUTE q')
{
	$node->safe_psql('postgres', 'ALTER ROLE chief SUPERUSER');
	my $chief = session_of($node, extra_params => [ '-U', 'chief' ]);
	$chief->query("SET search_path = imagebuilder; PREPARE q AS $query");
	is($chief->query($form), 'golden-linux', "$form of a superuser");
	$node->safe_psql('postgres', 'ALTER ROLE chief NOSUPERUSER;
		GRANT SELECT ON ALL TABLES IN SCHEMA imagebuilder TO chief');
	$chief->query($form);
	like($chief->{stderr}, qr/permission denied to use the AWS identity/,
		"$form of what is none any more");
	$chief->{stderr} = '';
	$chief->quit;
}

$identity->stop;
$endpoint->stop;
done_testing();
