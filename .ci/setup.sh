#!/bin/sh
# setup.sh: what the suite needs besides Go, make and git. It installs what is
# missing with the system's package manager when it may, and otherwise stops
# with the one line to type.
#
#   setup.sh           a C compiler and OpenSSL's shared libraries
#   setup.sh hazards   and what tests need: the neighbours of the real hazards,
#                      OpenSSL's headers
#   setup.sh lint      and what lint.sh runs, in the versions named there, and
#                      OpenSSL's headers
set -eu

need=""

has_library() {
	# The loader's cache, or the usual folders where there is no ldconfig.
	/sbin/ldconfig -p 2>/dev/null | grep -q "$1" ||
		find /lib /lib64 /usr/lib /usr/lib64 /usr/local/lib -name "$1*" 2>/dev/null | grep -q .
}

want() { # want PACKAGE-NAME CHECK...
	package=$1
	shift
	"$@" >/dev/null 2>&1 || need="$need $package"
}

# The first of the named packages that the archive has.
first_package() {
	for name in "$@"; do
		if apt-cache show "$name" >/dev/null 2>&1; then
			echo "$name"
			return
		fi
	done
	echo "$1"
}

has_header() {
	echo "#include <$1>" | "${CC:-cc}" -E -o /dev/null - 2>/dev/null
}

compile() {
	echo '#include <pthread.h>
int main(void){return 0;}' | "${CC:-cc}" -x c -o /dev/null - 2>/dev/null
}

# The version that lint.sh names; any other will do where that cannot be had.
has_llvm() {
	command -v "$1-19" || "$1" --version | grep -q 'version 19\.' ||
		{ command -v "$1" && ! apt-cache show "$1-19"; }
}

want compiler compile
want libssl has_library libssl.so
if [ "${1:-}" = lint ]; then
	want clang-format has_llvm clang-format
	want clang-tidy has_llvm clang-tidy
	want cppcheck command -v cppcheck
	want shellcheck command -v shellcheck
	want openssl-headers has_header openssl/ssl.h
fi
if [ "${1:-}" = hazards ]; then
	want libpython has_library libpython3
	want libcurl has_library libcurl.so.4
	want libpq has_library libpq.so.5
	want libmariadb has_library libmariadb.so.3
	want openssl-headers has_header openssl/ssl.h
	want mariadb sh -c 'command -v mariadbd || ls /usr/sbin/mariadbd'
	want nginx sh -c 'command -v nginx || ls /usr/sbin/nginx'
	want postgresql sh -c 'command -v postgres || ls /usr/lib/postgresql/*/bin/postgres'
fi
[ -n "$need" ] || exit 0

apt_packages() {
	for what in $need; do
		case $what in
		compiler) echo gcc libc6-dev ;;
		clang-format) first_package clang-format-19 clang-format ;;
		clang-tidy) first_package clang-tidy-19 clang-tidy ;;
		cppcheck | shellcheck) echo "$what" ;;
		libssl) first_package libssl3t64 libssl3 libssl1.1 ;;
		libpython) first_package libpython3.13 libpython3.12 libpython3.11 libpython3.10 libpython3.9 ;;
		libcurl) first_package libcurl4t64 libcurl4 ;;
		libpq) echo libpq5 ;;
		libmariadb) echo libmariadb3 ;;
		openssl-headers) echo libssl-dev ;;
		nginx) echo nginx-light ;;
		postgresql) echo postgresql ;;
		mariadb) echo mariadb-server-core ;;
		esac
	done | tr '\n' ' '
}

if ! command -v apt-get >/dev/null 2>&1; then
	echo "missing:$need; install it with this system's package manager" >&2
	exit 1
fi
if [ "$(id -u)" = 0 ]; then
	as_root=""
elif sudo -n true 2>/dev/null; then
	as_root="sudo -n"
else
	echo "missing:$need; type: sudo apt-get install $(apt_packages)" >&2
	exit 1
fi
$as_root apt-get update -qq
# Tests start servers of their own, on loopback. The packages' services, one of
# which listens everywhere, are neither started now nor at the next start.
services=$(for what in $need; do
	case $what in nginx | postgresql | mariadb) echo "$what" ;; esac
done)
has_systemd() { [ -n "$services" ] && [ -d /run/systemd/system ]; }
# shellcheck disable=SC2086 # a list of services
if has_systemd; then $as_root systemctl --quiet mask $services; fi
# shellcheck disable=SC2046 # a list of packages
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(apt_packages) >/dev/null
# shellcheck disable=SC2086
if has_systemd; then
	$as_root systemctl --quiet unmask $services
	$as_root systemctl --quiet disable $services 2>/dev/null || true # one without a service of its own
fi
