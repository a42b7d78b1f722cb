# A wall clock that tests move, so that nobody waits for credentials to expire:
# the server's, under LD_PRELOAD, and with --clock that of the stand-ins.
#
# Everybody's clock is ahead of the machine's by the seconds that one file says.
# It only goes forward, by hours: how long a test takes makes no difference.
package TestClock;

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use TestEndpoint;

sub new
{
	my ($class) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $self = bless { file => "$dir/ahead", ahead => 0 }, $class;

	# The wrapper reads the wall clock with time(); PostgreSQL's own timers do not.
	# pg_ctl must keep the machine's: the server writes its own start down by that.
	$self->{library} = compile("$dir/clock", '
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static int is_server;
__attribute__((constructor)) static void look_who(void)
{
	is_server = strcmp(program_invocation_short_name, "postgres") == 0;
}
time_t time(time_t *where)
{
	int saved = errno;
	struct timespec now;
	char ahead[32] = "";
	int file = is_server ? open("' . $self->{file} . '", O_RDONLY) : -1;
	clock_gettime(CLOCK_REALTIME, &now);
	if (file >= 0)
	{
		if (read(file, ahead, sizeof(ahead) - 1) > 0)
			now.tv_sec += atol(ahead);
		close(file);
	}
	errno = saved;
	if (where)
		*where = now.tv_sec;
	return now.tv_sec;
}
');
	$self->advance(0);
	return $self;
}

# What LD_PRELOAD is to name.
sub library { return $_[0]->{library} }

# The options of a stand-in that is to have the same time.
sub options { return ('--clock', $_[0]->{file}) }

# The file that says by how many seconds everybody is ahead.
sub file { return $_[0]->{file} }

sub advance
{
	my ($self, $seconds) = @_;
	$self->{ahead} += $seconds;
	append_to_file("$self->{file}.new", "$self->{ahead}\n");
	rename "$self->{file}.new", $self->{file} or die $!;
	return;
}

1;
