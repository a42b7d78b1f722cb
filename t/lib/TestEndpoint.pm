# A cluster with the wrapper, and the endpoint it asks: what the tests share.
package TestEndpoint;

use strict;
use warnings FATAL => 'all';

use Exporter qw(import);
use File::Basename qw(basename);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TestStandIn qw(wait_until $SOURCE $PYTHON);

use parent -norequire, 'TestStandIn';

our @EXPORT = qw(needs wait_until arn name_query in_list certificate compile hanging_port
	new_cluster set_up make_server mapping set_mapping session_of in_session attempt is_or_like
	compare run_tap $SOURCE $KEYS);

our $ACCOUNT = '123456789012';
# The options of a user mapping whose keys the endpoint knows.
our $KEYS =
  "access_key_id 'AKIDEXAMPLE', secret_access_key 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'";

# Skip the whole test, with this reason, where what it needs is not installed;
# by the names of Debian's packages.
sub needs
{
	my %program = (awscli => 'aws', binutils => 'nm', 'dpkg-dev' => 'dpkg-parsechangelog',
		iproute2 => 'ip', pgxnclient => 'pgxn',
		map { $_ => $_ } qw(gcc git make nginx openssl tinyproxy unzip));
	my @missing = grep {
		my $package = $_;
		$package =~ /^python3-(.*)/
		  ? system("$PYTHON -c 'import $1' 2>/dev/null") != 0
		  : !grep { -x "$_/$program{$package}" } qw(/usr/bin /usr/sbin)
	} @_;
	plan skip_all => 'needs ' . join(', ', @missing) if @missing;
	return;
}

# The ARN of an image in the fixtures' own Region and, but for another one, account.
sub arn
{
	my ($image, $account) = @_;
	$account //= $ACCOUNT;
	return "arn:aws:imagebuilder:us-east-1:$account:image/$image";
}

# The query for that image's name, in the table "images" or one like it.
sub name_query
{
	my ($image, $table) = @_;
	$table //= 'images';
	return "SELECT name FROM $table WHERE arn = '" . arn($image) . "'";
}

# What follows IN, for ARNs.
sub in_list { return "('" . join("', '", @_) . "')" }

# Start an endpoint; options are its command line's.
sub new
{
	my ($class, @options) = @_;
	return $class->start_program('endpoint.py', '--until-eof', @options);
}

sub control
{
	my ($self, $method, $path, $body) = @_;
	return decode_json($self->control_over_tls($method, $path)) if $self->{url} =~ /^https/;
	my $response = HTTP::Tiny->new->request($method, "$self->{url}/-/$path",
		{ defined $body ? (content => $body) : () });
	die "$method $path: $response->{status} $response->{content}" unless $response->{success};
	return decode_json($response->{content});
}

# HTTP::Tiny speaks TLS with modules alone that need not be installed; Python does.
sub control_over_tls
{
	my ($self, $method, $path) = @_;
	my ($stdout, $stderr) = run_command([ $PYTHON, '-c', 'import ssl, sys, urllib.request as r
print(r.urlopen(r.Request(sys.argv[2], method=sys.argv[1]),
                context=ssl._create_unverified_context()).read().decode())',
		$method, "$self->{url}/-/$path" ]);
	return $stdout || die "$method $path: $stderr";
}

sub counters { return $_[0]->control('GET', 'counters') }
sub requests { return $_[0]->counters->{requests} }
sub reset_counters { return $_[0]->control('POST', 'reset') }

# From now on an ARN answers with just that body.
sub put
{
	my ($self, $arn, $body) = @_;
	$arn =~ s/([^A-Za-z0-9])/sprintf('%%%02X', ord $1)/ge;
	return $self->control('PUT', "responses?arn=$arn", $body);
}

# The access key ids that requests were signed with since the counters were reset.
sub signers { return keys %{ $_[0]->counters->{by_key} } }

# A certificate of 127.0.0.1 that signed itself, in STEM.pem, and its key in STEM.key;
# returns the options with which a stand-in has it.
sub certificate
{
	my ($stem) = @_;
	PostgreSQL::Test::Utils::system_or_bail(
		qw(openssl req -x509 -newkey rsa:2048 -nodes -days 30 -addext subjectAltName=IP:127.0.0.1),
		'-subj', '/CN=' . basename($stem), '-keyout', "$stem.key", '-out', "$stem.pem");
	return ('--certificate', "$stem.pem", '--key', "$stem.key");
}

# Make a shared library of C code, which may include PostgreSQL's headers, with further
# options of gcc; returns its file, STEM.so.
sub compile
{
	my ($stem, $code, @options) = @_;
	my ($includes) = run_command([ $ENV{PG_CONFIG} // 'pg_config', '--includedir-server' ]);
	append_to_file("$stem.c", $code);
	PostgreSQL::Test::Utils::system_or_bail(qw(gcc -D_GNU_SOURCE -shared -fPIC),
		"-I$includes", '-o', "$stem.so", "$stem.c", @options);
	return "$stem.so";
}

# The port of a listener whose queue is full: connections to it hang.
my @queue;
sub hanging_port
{
	my %address = (LocalAddr => '127.0.0.1', Proto => 'tcp');
	my $full = IO::Socket::INET->new(Listen => 1, %address) or die $!;
	push @queue, $full, map { IO::Socket::INET->new(PeerAddr => '127.0.0.1',
			PeerPort => $full->sockport, Proto => 'tcp', Blocking => 0) } 1 .. 8;
	return $full->sockport;
}

# A running cluster with the extension; "conf" is added to its configuration, and
# "start" starts it otherwise than as it is, being given it.
sub new_cluster
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
	$node->append_conf('postgresql.conf', $options{conf}) if $options{conf};
	$options{start} ? $options{start}->($node) : $node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION imagebuilder_fdw')
	  unless $options{without_extension};
	return $node;
}

# Server "aws", keys, and all tables in the schema imagebuilder.
sub set_up
{
	my ($node, $url, %arguments) = @_;
	my $database = $arguments{database} // 'postgres';
	my $options = $arguments{options} ? ", $arguments{options}" : '';
	my $keys = $arguments{keys} // $KEYS;
	$node->safe_psql($database, qq{
		CREATE SERVER aws FOREIGN DATA WRAPPER imagebuilder_fdw
			OPTIONS (endpoint_url '$url'$options);
		CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS ($keys);
		CREATE SCHEMA imagebuilder;
		IMPORT FOREIGN SCHEMA imagebuilder FROM SERVER aws INTO imagebuilder;
		ALTER DATABASE $database SET search_path = imagebuilder, public;
		CREATE FUNCTION public.attempt(command text) RETURNS text LANGUAGE plpgsql AS \$\$
		DECLARE message text; state text; detail text; hint text; result text;
		BEGIN
			EXECUTE command INTO result;
			RETURN coalesce('found ' || result, 'nothing');
		EXCEPTION WHEN OTHERS OR query_canceled THEN
			GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE,
				detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
			RETURN concat_ws(' | ', state, message, detail, hint);
		END \$\$;
	});
	return;
}

# A server with these options, a mapping, and the table "images" there, named as the server is.
sub make_server
{
	my ($node, $name, $options, $keys) = @_;
	$keys //= $KEYS;
	$node->safe_psql('postgres', qq{
		CREATE SERVER "$name" FOREIGN DATA WRAPPER imagebuilder_fdw OPTIONS ($options);
		CREATE USER MAPPING FOR CURRENT_USER SERVER "$name" OPTIONS ($keys);
		CREATE FOREIGN TABLE public."$name" (arn text, name text, response jsonb) SERVER "$name"
			OPTIONS (table_name 'images')});
	return;
}

# The statements that put options into a user mapping, in the place of all others.
sub mapping
{
	my ($options, $user, $server) = @_;
	my $mapping = 'FOR ' . ($user // 'CURRENT_USER') . ' SERVER ' . ($server // 'aws');
	return "DROP USER MAPPING IF EXISTS $mapping; CREATE USER MAPPING $mapping OPTIONS ($options)";
}
sub set_mapping { my $node = shift; $node->safe_psql('postgres', mapping(@_)); return }

# A session that errors do not end.
sub session_of
{
	my ($node, %options) = @_;
	return $node->background_psql('postgres', on_error_stop => 0, %options);
}

# What a statement of a session prints, errors included.
sub in_session
{
	my ($session, $sql) = @_;
	$session->{stderr} = '';
	my $out = $session->query($sql);
	return $out . $session->{stderr};
}

# What a command comes to: "found …", "nothing", or an error's SQLSTATE,
# message, detail and hint.
sub attempt
{
	my ($node, $command) = @_;
	return $node->safe_psql('postgres', "SELECT attempt(\$attempt\$$command\$attempt\$)");
}

# One test: that the value is what is expected, or matches it if that is a pattern.
sub is_or_like
{
	my ($got, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ref $expected ? like($got, $expected, $name) : is($got, $expected, $name);
}

# Run a program of t/endpoint; each line of its TAP becomes a test.
sub run_tap
{
	my ($program, @arguments) = @_;
	my $tests = 0;
	my ($stdout, $stderr) = ('', '');
	my $ok = IPC::Run::run([ $PYTHON, "$SOURCE/t/endpoint/$program", @arguments ],
		'>', \$stdout, '2>', \$stderr);
	for (split /\n/, $stdout)
	{
		if (/^(not )?ok \d+(?: - )?(.*)/) { ok(!$1, $2); $tests++; }
		elsif (/^# (.*)/) { $ok ? note($1) : diag($1); }
	}
	ok($ok && $tests > 0, $program) or diag($stderr);
	return;
}

# Run a mode of compare.py.
sub compare
{
	my ($node, $endpoint, @arguments) = @_;
	my @shared = $ENV{IMAGEBUILDER_SHARED} ? ('--shared', $ENV{IMAGEBUILDER_SHARED}) : ();
	run_tap('compare.py', '--psql', $node->connstr('postgres'), '--endpoint', $endpoint->url,
		'--schema', 'imagebuilder', @shared, @arguments);
	return;
}

# The endpoint is written with it.
needs('python3-botocore');

1;
