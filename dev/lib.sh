# shellcheck shell=bash
# What dev/test, dev/demo, dev/bench and dev/package share: packages, a private copy
# of the tree, a private cluster.  Sourced by bash; everything made lives in $work, and
# goes with it.  Root installs the packages that are missing, and runs all else
# as the user postgres; another user runs all as himself, and is told which
# packages root must install.

set -eu
umask 022
# LANG too: the TAP tests drop LC_ALL before initdb.
export LANG=C.UTF-8 LC_ALL=C.UTF-8 PATH="$PATH:/usr/sbin:/sbin"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

is_root() {
	[ "$(id -u)" = 0 ]
}

# as_postgres COMMAND…: without root's rights, with which neither PostgreSQL nor
# its tests run.
as_postgres() {
	"${unprivileged[@]}" "$@"
}

# give_to_postgres PATH…: to the user that as_postgres runs commands as.
give_to_postgres() {
	! is_root || chown -R postgres: "$@"
}

# show_unless LOG COMMAND…: its output only if it fails.
show_unless() {
	local log=$1
	shift
	"$@" >"$log" 2>&1 || {
		cat "$log" >&2
		return 1
	}
}

# ---- packages --------------------------------------------------------------

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The major version of PostgreSQL: $PG_MAJOR, else the newest that is installed
# to build and to run, else the distribution's.
pg_major() {
	local major
	if [ -n "${PG_MAJOR:-}" ]; then
		echo "$PG_MAJOR"
		return
	fi
	for major in $(dpkg-query -W -f '${Package}\n' 'postgresql-server-dev-[0-9]*' 2>/dev/null |
		sed 's/.*-//' | sort -rn); do
		if is_installed "postgresql-server-dev-$major" && is_installed "postgresql-$major"; then
			echo "$major"
			return
		fi
	done
	apt-cache show --no-all-versions postgresql | sed -n 's/^Depends:.*postgresql-\([0-9]*\).*/\1/p'
}

missing() {
	local package
	for package; do
		is_installed "$package" || echo "$package"
	done
}

# replace FILE: its new text from standard input, until put_back FILE.
replace() {
	# A run that was killed may have left its own file there.
	[ ! -e "$1" ] || grep -q imagebuilder_fdw "$1" || mv "$1" "$1.kept"
	cat >"$1"
}

put_back() {
	rm -f "$1"
	[ ! -e "$1.kept" ] || mv "$1.kept" "$1"
}

# apt_get ARGUMENT…: one run of these programs at a time; packages that are
# installed neither make a cluster nor start a service.
apt_get() (
	export DEBIAN_FRONTEND=noninteractive
	policy=/usr/sbin/policy-rc.d
	clusters=/etc/postgresql-common/createcluster.conf
	made=''
	restore() {
		put_back "$policy"
		put_back "$clusters"
		[ ! "$made" ] || rm -f "$clusters.ucf-dist"
		rmdir --ignore-fail-on-non-empty "${clusters%/*}"
	}
	exec 9</etc/apt
	flock 9
	[ -e "$clusters.ucf-dist" ] || made=yes
	mkdir -p "${clusters%/*}"
	trap restore EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\n# imagebuilder_fdw\nexit 101\n' | replace "$policy"
	chmod 755 "$policy"
	printf '# imagebuilder_fdw\ncreate_main_cluster = false\n' | replace "$clusters"
	apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends "$@" 9<&-
)

# The packages of PostgreSQL $major, of the distribution's version if that is
# not known; none, if $PG_CONFIG names another PostgreSQL.
postgresql_packages() {
	if [ -n "${PG_CONFIG:-}" ]; then
		return
	elif [ -n "${major:-}" ]; then
		echo "postgresql-$major" "postgresql-server-dev-$major"
	else
		echo postgresql postgresql-server-dev-all
	fi
}

# install_packages PACKAGE…: these, and what building takes; without root's
# rights says which are missing, and ends.  Sets $major, and makes this run's own
# copy of PostgreSQL.
install_packages() {
	local wanted start=$SECONDS
	set -- gcc libc6-dev make libcurl4-openssl-dev libjson-c-dev libssl-dev "$@"
	major=$(pg_major 2>/dev/null || true)
	# shellcheck disable=SC2046
	wanted=$(missing $(postgresql_packages) "$@")
	if [ -n "$wanted" ] && ! is_root; then
		die "packages are missing; as root run
apt-get install $(echo $wanted)"
	elif [ -n "$wanted" ]; then
		printf 'installing packages … '
		show_unless "$work/apt.log" apt_get update
		major=$(pg_major)
		[ -n "$major" ] || die "no package postgresql is known to apt"
		# shellcheck disable=SC2046
		show_unless "$work/apt.log" apt_get install $(missing $(postgresql_packages) "$@")
		echo "$((SECONDS - start)) s"
	fi
	give_to_postgres "$work"
	export TMPDIR=$work
	use_postgresql "${PG_CONFIG:-/usr/lib/postgresql/$major/bin/pg_config}"
}

# ---- PostgreSQL ------------------------------------------------------------

# use_postgresql PG_CONFIG: a copy of that installation, in $work, so that what
# is installed for this run is nowhere else.  PostgreSQL's programs find all
# other files by the way to them from their own.  Sets $pg_config and $bindir.
use_postgresql() {
	local config=$1 copy=$work/postgresql directory
	rm -rf "$copy"
	for directory in "$("$config" --pkglibdir)" "$("$config" --sharedir)"; do
		mkdir -p "$copy$directory"
		cp -as "$directory/." "$copy$directory"
		find "$copy$directory" -name 'imagebuilder_fdw*' -prune -exec rm -rf {} +
	done
	for directory in "$("$config" --includedir)" "$("$config" --includedir-server)"; do
		mkdir -p "$copy${directory%/*}"
		[ -e "$copy$directory" ] || ln -s "$directory" "$copy$directory"
	done
	directory=$("$config" --bindir)
	mkdir -p "$copy$directory"
	cp -aL "$directory/." "$copy$directory"
	bindir=$copy$directory
	pg_config=$bindir/pg_config
	[ "$("$pg_config" --pkglibdir)" = "$copy$("$config" --pkglibdir)" ] || die "$config cannot be moved"
}

# ---- the copy, and what is built of it --------------------------------------

# copy_tree: the sources, without what was built there, as $work/src.
copy_tree() {
	mkdir "$work/src"
	tar -C "$root" -cf - --exclude=./.git --exclude='*.o' --exclude='*.bc' --exclude='*.so' \
		--exclude=./results --exclude='./regression.*' --exclude=./tmp_check --exclude=__pycache__ . | tar -C "$work/src" -xf -
	find "$work/src/test/unit" -type f -perm -u+x ! -name '*.*' -delete
	give_to_postgres "$work/src"
}

# build DIRECTORY [MAKE'S ARGUMENTS]
build() {
	local directory=$1
	shift
	as_postgres make -s -C "$directory" -j "$(nproc)" PG_CONFIG="$pg_config" "$@"
}

install_extension() {
	make -s -C "$work/src" PG_CONFIG="$pg_config" "$@" install
}

# ---- the cluster -----------------------------------------------------------

# start_cluster [ENCODING]: $work/data, at a socket in $work only.
start_cluster() {
	rm -rf "$work/data"
	as_postgres "$bindir/initdb" -D "$work/data" -U postgres -A trust -E "${1:-UTF8}" \
		--locale="$([ "${1:-UTF8}" = UTF8 ] && echo C.UTF-8 || echo C)" --no-sync || return
	as_postgres "$bindir/pg_ctl" -D "$work/data" -l "$work/server.log" -w -s \
		-o "-c listen_addresses='' -c unix_socket_directories='$work' -c fsync=off" start
}

# What this run has left: the library that it built, where PostgreSQL's packages
# have theirs; its files of apt_get(), while no other run uses these; processes.
left_behind() {
	find /usr/lib/postgresql -name imagebuilder_fdw.so -exec cmp -s {} "$work/src/imagebuilder_fdw.so" \; -print 2>/dev/null || true
	(
		flock 9
		grep -ls imagebuilder_fdw /usr/sbin/policy-rc.d /etc/postgresql-common/createcluster.conf || true
	) 9</etc/apt
	# All that this run starts has its directory in the environment.
	env -i grep -lsFz "$work" /proc/[0-9]*/environ || true
}

# Ends every server whose data is below $work, by the pid that it left there.
stop_servers() {
	local file pid
	find "$work" -name postmaster.pid 2>/dev/null | while read -r file; do
		pid=$(head -n 1 "$file" 2>/dev/null) || continue
		kill -QUIT "$pid" 2>/dev/null || continue
		for _ in $(seq 100); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
	done
}

# ---- the end ---------------------------------------------------------------

jobs_started=()		# process groups to end, each at its own number

# start COMMAND…: in the background and a process group of its own; sets $job.
start() {
	setsid "$@" &
	job=$!
	jobs_started[job]=$job
}

# end_jobs GROUP…: all that is left of these, in 10 seconds at most.
end_jobs() {
	local group
	for group; do
		kill -- "-$group" 2>/dev/null || true
	done
	for group; do
		wait "$group" 2>/dev/null || true
		for _ in $(seq 100); do
			kill -0 -- "-$group" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL -- "-$group" 2>/dev/null || true
		unset "jobs_started[$group]"
	done
}

clean_up() {
	trap '' HUP INT TERM
	end_jobs "${jobs_started[@]}"
	stop_servers
	cd /
	rm -rf "$work"
}

[ -e /etc/debian_version ] || die "knows Debian's packages only; see doc/install.md for other systems"
work=$(mktemp -d /tmp/imagebuilder_fdw.XXXXXX)
unprivileged=(env HOME="$work")
! is_root || unprivileged=(setpriv --reuid postgres --regid postgres --init-groups -- "${unprivileged[@]}")
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
cd "$work"
