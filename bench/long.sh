#!/bin/sh
# long.sh: what `make test` leaves out because it takes long.
#
#   long.sh            all parts, one after the other
#   long.sh race fuzz  these parts
#
#   normal     the normal tests
#   race       the same under Go's race detector
#   mutants    every mutant of the detectors and the strategies must be killed
#   sanitize   the rig under AddressSanitizer and UndefinedBehaviorSanitizer
#   headers    the shim's prototypes against OpenSSL's headers, which are fetched
#   fuzz       every fuzz target, FUZZTIME each
#   soak       the negative control for SOAK with each shared heap: no event, no
#              growth
#
# A part that fails does not stop the others; the exit status is 1 then.
set -u

FUZZTIME=${FUZZTIME:-60s}
SOAK=${SOAK:-15m}
GO=${GO:-go}

cd "$(dirname "$0")/.." || exit 1

normal() { $GO vet ./... && $GO test -timeout 15m ./...; }

# The rig is C that takes its process over before Go's runtime, and so the
# detector's, begins: there the race detector is asleep, and the harness is
# watched all the same.
race() { $GO test -race -timeout 60m ./...; }

mutants() { $GO test -tags mutants -timeout 60m -count=1 -run TestMutants -v ./workload; }

sanitize() {
	bad=0
	for name in address undefined; do
		echo "-- $name"
		CGO_CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=$name" CGO_LDFLAGS="-fsanitize=$name" \
			$GO test -tags sanitized -timeout 30m -count=1 -run Sanitize ./workload || bad=1
	done
	return $bad
}

headers() { TLSBENCH_FETCH_HEADERS=1 $GO test -count=1 -run TestPrototypes -v ./workload; }

fuzz() {
	bad=0
	for package in $($GO list ./...); do
		for target in $($GO test -list '^Fuzz' "$package" | grep '^Fuzz'); do
			echo "-- $package $target"
			$GO test -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" "$package" || bad=1
		done
	done
	return $bad
}

soak() { TLSBENCH_SOAK=$SOAK $GO test -timeout 5h -count=1 -run TestSoak -v ./workload; }

[ $# -gt 0 ] || set -- normal race mutants sanitize headers fuzz soak
for part in "$@"; do
	case $part in
	normal | race | mutants | sanitize | headers | fuzz | soak) ;;
	*)
		echo "long.sh: no part $part: choose from normal, race, mutants, sanitize, headers, fuzz, soak" >&2
		exit 2
		;;
	esac
done

failed=""
for part in "$@"; do
	echo "== $part"
	"$part" || failed="$failed $part"
done
[ -z "$failed" ] || {
	echo "long.sh: failed:$failed" >&2
	exit 1
}
