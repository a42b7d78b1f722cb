# A server that sends what a case says, byte for byte: see endpoint/wire.py.
package TestWire;

use strict;
use warnings FATAL => 'all';

use JSON::PP qw(encode_json);
use PostgreSQL::Test::Utils;
use TestEndpoint;

use parent -norequire, 'TestStandIn';

# Start one; options are the command line's.
sub new
{
	my ($class, @options) = @_;
	my $cases = PostgreSQL::Test::Utils::tempdir();
	my $self = $class->start_program('wire.py', '--cases', $cases, @options);
	$self->{dir} = $cases;
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
sub connections { return scalar(() = slurp_file($_[0]{output}) =~ /^connected$/mg) }

# On how many connections a flood of TLS messages has begun.
sub floods { return scalar(() = slurp_file($_[0]{output}) =~ /^flooding$/mg) }

1;
