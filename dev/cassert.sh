# shellcheck shell=bash
# PostgreSQL with its assertions checked (--enable-cassert), made from Debian's
# source package and kept for the next time.  Sourced by dev/test.

# apt_sources COMMAND…: apt with the machine's own sources, but of source
# packages; the machine's configuration and lists are not touched.
apt_sources() {
	local command=$1 apt=$work/apt
	shift
	"$command" -q -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts="$apt/sources.list.d" \
		-o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root "$@"
}

# The versions of the source package that are known to apt, the newest first.
source_versions() {
	apt_sources apt-cache showsrc "postgresql-$major" | sed -n 's/^Version: //p' | sort -ruV
}

# fetch_sources: unpacks the newest version that can be had, as
# $work/cassert/source; an archive may no longer have what its index names.
# Without Debian's patches, which have other directories compiled in.
fetch_sources() {
	local file name version
	mkdir -p "$work/apt/sources.list.d" "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/cassert"
	: >"$work/apt/sources.list"
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
		[ -f "$file" ] || continue
		name=$work/apt/sources.list.d/${file##*/}
		sed -E 's/^deb([[:space:]])/deb-src\1/; s/^Types:.*/Types: deb-src/' "$file" >"${name/%sources.list/main.list}"
	done
	# Other sources than Debian's may have no source packages.
	apt_sources apt-get update || true
	cd "$work/cassert" || return
	for version in $(source_versions); do
		if apt_sources apt-get source --download-only "postgresql-$major=$version"; then
			dpkg-source --skip-patches -x postgresql-"$major"_*.dsc source
			return
		fi
		rm -f ./*
	done
	echo "no source package postgresql-$major could be had from apt" >&2
	return 1
}

# make_cassert DIRECTORY: to be installed there.
make_cassert() {
	fetch_sources || return
	chown -R postgres: "$work/cassert"
	cd "$work/cassert/source" || return
	as_postgres CFLAGS='-O1 -g' ./configure --prefix="$1" --enable-cassert --enable-debug --enable-tap-tests \
		--with-openssl --with-icu --without-readline &&
		as_postgres make -s -j "$(nproc)" world-bin &&
		as_postgres make -s DESTDIR="$work/cassert/made" install-world-bin || return
	chown -R root: "$work/cassert/made"
	# At once, or not at all.
	rm -rf "$1.new"
	mv "$work/cassert/made$1" "$1.new" && mv "$1.new" "$1"
}

# use_cassert_postgresql: in the place of the distribution's.
use_cassert_postgresql() {
	local start=$SECONDS directory=/var/cache/imagebuilder_fdw/postgresql-$major-cassert
	[ -d "$directory" ] || is_root ||
		die "PostgreSQL with assertions is not there yet; root can make it: dev/test --cassert unit"
	mkdir -p "${directory%/*}"
	exec 8<"${directory%/*}"
	flock 8
	if [ ! -d "$directory" ]; then
		printf 'making PostgreSQL %s with assertions, to be kept in %s … ' "$major" "$directory"
		(make_cassert "$directory") >"$work/cassert.log" 2>&1 || {
			tail -n 100 "$work/cassert.log" >&2
			die "could not make PostgreSQL with assertions"
		}
		rm -rf "$work/cassert"
		echo "$((SECONDS - start)) s"
	fi
	exec 8<&-
	use_postgresql "$directory/bin/pg_config"
}
