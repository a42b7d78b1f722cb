# A server that sends what a case says, byte for byte: see endpoint/wire.py.
package TestWire;

use strict;
use warnings FATAL => 'all';

use JSON::PP qw(encode_json);
use PostgreSQL::Test::Utils;
use Symbol qw(gensym);
use TestEndpoint;

# Start one; options are the command line's.
sub new
{
	my ($class, @options) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $self = bless { dir => "$dir/cases", input => gensym }, $class;

	mkdir $self->{dir} or die $!;
	$self->{run} = IPC::Run::start([ $TestEndpoint::PYTHON, "$SOURCE/t/endpoint/wire.py",
			'--port-file', "$dir/port", '--cases', $self->{dir}, @options ],
		'<pipe', $self->{input}, '>', "$dir/out", '2>&1');
	wait_until { -e "$dir/port" } 'the server starts'
	  or die 'the server did not start: ' . slurp_file("$dir/out");
	chomp($self->{port} = slurp_file("$dir/port"));
	return $self;
}

# What is sent to whoever asks for a name, or has a proxy CONNECT to it.
sub add
{
	my ($self, $name, %case) = @_;
	open my $file, '>', "$self->{dir}/$name" or die $!;
	print $file encode_json(\%case);
	close $file or die $!;
	return;
}

# How many connections it has taken.
sub connections { return scalar(() = slurp_file("$_[0]{dir}/../out") =~ /^connected$/mg) }

# On how many connections a flood of TLS messages has begun.
sub floods { return scalar(() = slurp_file("$_[0]{dir}/../out") =~ /^flooding$/mg) }

sub stop
{
	my ($self) = @_;
	local $?;
	$self->{run}->kill_kill if $self->{run};
	delete $self->{run};
	return;
}

sub DESTROY { $_[0]->stop; return }

1;
