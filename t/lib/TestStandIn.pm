# A program of t/endpoint that runs beside the cluster, until it is stopped or the test
# ends.  By itself it is the base of those that have a module of their own.
package TestStandIn;

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;
use Symbol qw(gensym);
use Test::More;
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(wait_until $SOURCE $PYTHON);

our $SOURCE = abs_path(dirname(__FILE__) . '/../..');
our $PYTHON = '/usr/bin/python3';

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

# Start a program; options are its command line's, beside that of the file to which it
# writes its port once it listens.  It ends at the latest when this process does, and
# with it the pipe that is its standard input.
sub start_program
{
	my ($class, $program, @options) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $self = bless { output => "$dir/out", input => gensym }, $class;

	$self->{run} = IPC::Run::start(
		[ $PYTHON, "$SOURCE/t/endpoint/$program", '--port-file', "$dir/port", @options ],
		'<pipe', $self->{input}, '>', $self->{output}, '2>&1');
	wait_until { -e "$dir/port" } "$program starts"
	  or die "$program did not start: " . slurp_file($self->{output});
	chomp($self->{port} = slurp_file("$dir/port"));
	my $scheme = grep({ $_ eq '--certificate' } @options) ? 'https' : 'http';
	$self->{url} = "$scheme://127.0.0.1:$self->{port}";
	return $self;
}

sub url { return $_[0]->{url} }
sub port { return $_[0]->{port} }

sub stop
{
	my ($self) = @_;
	local $?;
	return unless $self->{run};
	close $self->{input};
	$self->{run}->kill_kill;
	delete $self->{run};
	return;
}

sub DESTROY { $_[0]->stop; return }

1;
