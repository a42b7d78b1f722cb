# A cluster with the wrapper, and the endpoint it asks: what the tests share.
package TestEndpoint;

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use HTTP::Tiny;
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

our @EXPORT = qw(needs wait_until arn new_cluster set_up attempt fault_of compare run_tap $SOURCE);

our $SOURCE = abs_path(dirname(__FILE__) . '/../..');
our $PYTHON = '/usr/bin/python3';
our $ACCOUNT = '123456789012';

# Skip the whole test, with this reason, where what it needs is not installed;
# by the names of Debian's packages.
sub needs
{
	my %program = (awscli => 'aws', binutils => 'nm', iproute2 => 'ip', map { $_ => $_ } qw(gcc make nginx openssl tinyproxy));
	my @missing = grep {
		my $package = $_;
		$package =~ /^python3-(.*)/
		  ? system("$PYTHON -c 'import $1' 2>/dev/null") != 0
		  : !grep { -x "$_/$program{$package}" } qw(/usr/bin /usr/sbin)
	} @_;
	plan skip_all => 'needs ' . join(', ', @missing) if @missing;
	return;
}

# Wait until a block is true, and return what it is.  The limit is PostgreSQL's
# own for tests: it ends what hangs, and decides nothing else.
sub wait_until (&$)
{
	my ($condition, $what) = @_;
	my $limit = time + $PostgreSQL::Test::Utils::timeout_default;
	my $result;
	until ($result = $condition->())
	{
		if (time > $limit)
		{
			diag("waited in vain: $what");
			last;
		}
		sleep 0.05;
	}
	return $result;
}

# The ARN of an image in the fixtures' own Region and account.
sub arn
{
	my ($image) = @_;
	return "arn:aws:imagebuilder:us-east-1:$ACCOUNT:image/$image";
}

# Start an endpoint; options are its command line's.
sub new
{
	my ($class, @options) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $in = '';
	my $self = bless { port_file => "$dir/port", in => \$in, out => '' }, $class;

	# It ends at the latest when this process does, and with it the pipe.
	$self->{run} = IPC::Run::start(
		[ $PYTHON, "$SOURCE/t/endpoint/endpoint.py", '--until-eof',
			'--port-file', $self->{port_file}, @options ],
		'<pipe', \*{ $self->{stdin} = \do { local *FH } }, '>', "$dir/endpoint.log", '2>&1');
	wait_until { -e $self->{port_file} } 'the endpoint starts'
	  or die 'the endpoint did not start: ' . slurp_file("$dir/endpoint.log");
	chomp($self->{port} = slurp_file($self->{port_file}));
	my $scheme = grep({ $_ eq '--certificate' } @options) ? 'https' : 'http';
	$self->{url} = "$scheme://127.0.0.1:$self->{port}";
	return $self;
}

sub url { return $_[0]->{url} }
sub port { return $_[0]->{port} }

sub stop
{
	my ($self) = @_;
	return unless $self->{run};
	close $self->{stdin};
	$self->{run}->kill_kill;
	delete $self->{run};
	return;
}

sub DESTROY { $_[0]->stop; return }

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

# A running cluster with the extension.
sub new_cluster
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ], %options);
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION imagebuilder_fdw');
	return $node;
}

# Server "aws", keys, and all tables in the schema imagebuilder.
sub set_up
{
	my ($node, $url, %arguments) = @_;
	my $database = $arguments{database} // 'postgres';
	my $options = $arguments{options} ? ", $arguments{options}" : '';
	my $keys = $arguments{keys}
	  // "access_key_id 'AKIDEXAMPLE', secret_access_key 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'";
	$node->safe_psql($database, qq{
		CREATE SERVER aws FOREIGN DATA WRAPPER imagebuilder_fdw OPTIONS (endpoint_url '$url'$options);
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

# What a command comes to: "found …", "nothing", or an error's SQLSTATE,
# message, detail and hint.
sub attempt
{
	my ($node, $command) = @_;
	return $node->safe_psql('postgres', "SELECT attempt(\$attempt\$$command\$attempt\$)");
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
