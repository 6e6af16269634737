#!/bin/sh
# lint.sh: the C files and the shell scripts, for `make lint`.
#
#   lint.sh          everything
#   lint.sh format   writes the C files as clang-format wants them
#
# The settings (.clang-format, .clang-tidy, .cppcheck-suppressions) belong to the
# versions below. Another version is used too, but what it finds is shown and
# does not fail: it may ask for what ours forbids. With LINT_STRICT=1, as in CI,
# another version fails: nothing would have been checked.
#
# shellcheck disable=SC2016,SC2317 # sh -c's own variables; functions that check calls
set -u

LLVM=19
CPPCHECK=2.10

cd "$(dirname "$0")/.." || exit 1
failed=0

c_files() { git ls-files --cached --others --exclude-standard '*.c'; }
c_and_headers() { git ls-files --cached --others --exclude-standard '*.c' '*.h'; }
includes="-Istrategies -Iworkload/rig"
defines="-D_GNU_SOURCE"

# The tool in the pinned version where there is one, else as it is found.
llvm() {
	command -v "$1-$LLVM" || command -v "$1" || echo "$1"
}

# pinned VERSION WANTED NAME: 0 if it is the pinned one, else says so.
pinned() {
	case $1 in
	"$2" | "$2".*) return 0 ;;
	esac
	if [ "${LINT_STRICT:-}" = 1 ]; then
		echo "lint: $3 is version ${1:-unknown}, and LINT_STRICT wants $2" >&2
	else
		echo "lint: $3 is version ${1:-unknown}, the settings are for $2: what it finds does not count" >&2
	fi
	return 1
}

version_of() {
	"$@" --version | sed -n 's/.*[Vv]ersion \([0-9.]*\).*/\1/p; s/^Cppcheck \([0-9.]*\).*/\1/p' | head -1
}

# check NAME PINNED COMMAND...: PINNED is "yes" when its findings count.
check() {
	name=$1 counts=$2
	shift 2
	[ "$counts" = yes ] || [ "${LINT_STRICT:-}" != 1 ] || failed=1
	if ! "$@"; then
		echo "lint: $name is not content" >&2
		[ "$counts" != yes ] || failed=1
	fi
}

yes_if() { if "$@"; then echo yes; else echo no; fi; }

format=$(llvm clang-format)
if [ "${1:-}" = format ]; then
	c_and_headers | xargs "$format" -i
	exit
fi
tidy=$(llvm clang-tidy)

# As the rig, as a strategy in the program, and in the object that the field
# preloads. The public header must please a user's own file as well.
compile() {
	warnings="-Wall -Wextra -Wshadow -Wconversion -Werror"
	own=$(mktemp) || return 1
	echo '#include "strategy.h"' >"$own"
	for file in $(c_files); do
		case $file in
		workload/rig/*) set -- -std=c11 -D_GNU_SOURCE ;;
		workload/daemon/*) set -- -std=gnu11 -D_GNU_SOURCE -fPIC ;;
		*/testdata/*) set -- -std=gnu11 -fPIC ;; # a user's own
		*) set -- -std=c11 -D_GNU_SOURCE ;;
		esac
		# shellcheck disable=SC2086 # lists of flags
		"${CC:-cc}" "$@" $warnings $includes -O2 -c -o /dev/null "$file" || failed=1
		case $file in strategies/*)
			# shellcheck disable=SC2086
			"${CC:-cc}" -std=gnu11 -fPIC $warnings $includes -O2 -c -o /dev/null "$file" || failed=1
			;;
		esac
	done
	# shellcheck disable=SC2086
	"${CC:-cc}" -std=c11 -Wpedantic $warnings -Istrategies -x c -c -o /dev/null "$own" || failed=1
	rm -f "$own"
}

run_tidy() {
	# shellcheck disable=SC2086
	c_files | xargs -P "$(nproc)" -n 6 sh -c 'flags=$1; tidy=$2; shift 2; "$tidy" --quiet "$@" -- $flags 2>/dev/null' \
		tidy "-std=gnu11 $defines $includes" "$tidy"
}

run_cppcheck() {
	# shellcheck disable=SC2046,SC2086
	cppcheck --quiet --error-exitcode=1 --enable=warning,style,performance,portability \
		--std=c11 --library=posix,gnu,./.cppcheck.cfg --suppressions-list=.cppcheck-suppressions \
		--template='{file}:{line}: {severity}: {message} [{id}]' $defines -D__x86_64__ $includes $(c_files)
}

compile
check clang-format "$(yes_if pinned "$(version_of "$format")" $LLVM clang-format)" \
	sh -c 'xargs "$0" --dry-run -Werror' "$format" <<LIST
$(c_and_headers)
LIST
check clang-tidy "$(yes_if pinned "$(version_of "$tidy")" $LLVM clang-tidy)" run_tidy
check cppcheck "$(yes_if pinned "$(version_of cppcheck)" $CPPCHECK cppcheck)" run_cppcheck
# shellcheck disable=SC2046 # a list of files
check shellcheck yes shellcheck $(git ls-files --cached --others --exclude-standard '*.sh') .ci/run
exit $failed
