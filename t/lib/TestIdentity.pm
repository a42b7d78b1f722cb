# Where credentials come from, as identity.py stands in for it: STS, IMDS and a
# container's endpoint.
package TestIdentity;

use strict;
use warnings FATAL => 'all';

use HTTP::Tiny;
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Utils;
use TestEndpoint;

use parent -norequire, 'TestStandIn';

our ($WEB_TOKEN) =
  slurp_file("$SOURCE/t/endpoint/identity.py") =~ /^WEB_IDENTITY_TOKEN = "([^"]+)"/m;

# Start them; options are the command line's.
sub new
{
	my ($class, @options) = @_;
	my $issued = PostgreSQL::Test::Utils::tempdir() . '/issued';
	my $self = $class->start_program('identity.py', '--until-eof', '--issued', $issued, @options);
	$self->{issued} = $issued;
	$self->{ports} = decode_json($self->port);
	$self->{tls} = grep { $_ eq '--certificate' } @options;
	return $self;
}

# The URL of "sts", "imds" or "container".
sub url
{
	my ($self, $service) = @_;
	my $scheme = $service eq 'sts' && $self->{tls} ? 'https' : 'http';
	return "$scheme://127.0.0.1:$self->{ports}{$service}";
}

sub control
{
	my ($self, $method, $path) = @_;
	my $url = $self->url($self->{tls} ? 'imds' : 'sts');
	my $response = HTTP::Tiny->new->request($method, "$url/-/$path");
	die "$method $path: $response->{status} $response->{content}" unless $response->{success};
	return decode_json($response->{content} || '{}');
}

sub counters { return $_[0]->control('GET', 'counters') }
sub secrets { return @{ $_[0]->control('GET', 'secrets') } }

# From the start again, with these settings.
sub reset_to
{
	my ($self, %settings) = @_;
	$self->control('POST', 'reset');
	$self->control('POST', 'set?' . join '&', map { "$_=$settings{$_}" } keys %settings)
	  if %settings;
	return;
}

# Start a server, perhaps again, in an environment with these variables, and no
# other of AWS's.
sub start
{
	my ($self, $node, $home, %variables) = @_;
	local %ENV = map { $_ => $ENV{$_} } grep { !/^AWS_/ } keys %ENV;
	%ENV = (%ENV, HOME => $home, AWS_EC2_METADATA_SERVICE_ENDPOINT => $self->url('imds'),
		%variables);
	$node->stop if $node->{_pid};
	$node->start;
	return;
}

1;
