#!/bin/sh
# long.sh: what `make test` leaves out because it takes long.
#
#   long.sh            all parts, one after the other
#   long.sh race fuzz  these parts
#
#   normal     the normal tests
#   race       the same under Go's race detector
#   mutants    every mutant of the detectors and the strategies must be killed;
#              MUTANTS=crash takes those of one detector or strategy
#   sanitize   the rig under AddressSanitizer and UndefinedBehaviorSanitizer
#   headers    the shim's prototypes against OpenSSL's headers, which are fetched
#   kills      KILLS kills of each helper at random moments: nothing may be left
#   fuzz       every fuzz target, FUZZTIME each
#   selftest   the detectors on faults that were made, on the system's OpenSSL and,
#              where it can be fetched, on 1.1.1
#   claims     what the measurement claims of itself; nothing else may run
#   browser    the report page in a real browser (needs chromium)
#   field      shm-match against key-owner, and fixes with and without FIPS, on every
#              line of OpenSSL; the tracer in every packaged daemon and mode; every
#              line of results/TRACKRECORD.md; every command of README and findings;
#              a whole set, short, by .ci/measure.sh
#   soak       the negative control for SOAK with each shared heap: no event, no
#              growth
#
# A part that fails does not stop the others; the exit status is 1 then.
set -u

FUZZTIME=${FUZZTIME:-60s}
SOAK=${SOAK:-15m}
KILLS=${KILLS:-20}
GO=${GO:-go}
PARTS="normal race mutants sanitize headers kills fuzz selftest claims browser field soak"

cd "$(dirname "$0")/.." || exit 1

normal() { $GO vet ./... && $GO test -timeout 40m ./...; }

# The rig is C that takes its process over before Go's runtime, and so the
# detector's, begins: there the race detector is asleep, and the harness is
# watched all the same.
race() { $GO test -race -timeout 60m ./...; }

mutants() { $GO test -timeout 3h -count=1 -run "TestMutants${MUTANTS:+/$MUTANTS}" -v ./workload -mutants; }

# The FIPS module is of a line that the system may not have.
sanitize() {
	bad=0
	$GO run ./cmd/tlsbench openssl fetch 3.5 --neighbours || bad=1
	for name in address undefined; do
		echo "-- $name"
		CGO_CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=$name" CGO_LDFLAGS="-fsanitize=$name" \
			$GO test -tags sanitized -timeout 30m -count=1 -run Sanitize ./workload || bad=1
	done
	return $bad
}

# The headers of 1.1.1 and of 3 have to be there: the test fails without.
headers() { TLSBENCH_FETCH_HEADERS=1 $GO test -count=1 -run TestPrototypes -v ./workload; }

kills() { TLSBENCH_KILLS=$KILLS $GO test -timeout 2h -count=1 -run TestKills -v ./cmd/tlsbench; }

# only_late FILE: whether a target failed by its time alone. Before Go 1.27 one can fail
# when its time is up although it has found nothing (go.dev/issue/75804); what it finds,
# or an input that hangs it, has a line of its own.
only_late() {
	grep -A 1 '^--- FAIL: Fuzz' "$1" | grep -q '^ *context deadline exceeded$' &&
		! grep -qE 'Failing input written|hung or terminated' "$1"
}

fuzz() {
	bad=0
	said=$(mktemp) || return 1
	for package in $($GO list ./...); do
		# A package that does not build has no list, and no targets to try.
		list=$($GO test -list '^Fuzz' "$package") || {
			echo "long.sh: fuzz: $package: $list" >&2
			bad=1
			continue
		}
		for target in $(echo "$list" | grep '^Fuzz'); do
			echo "-- $package $target"
			# Large inputs would be made smaller for all the time there is.
			$GO test -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 10x "$package" >"$said" 2>&1 ||
				only_late "$said" || bad=1
			cat "$said"
		done
	done
	rm -f "$said"
	return $bad
}

# The lines are fetched where they can be.
field() {
	$GO run ./cmd/tlsbench openssl fetch --neighbours
	TLSBENCH_LINES=1 $GO test -timeout 2h -count=1 -run 'OraclesAgree|OwnFixesWithFIPS' -v ./workload &&
		TLSBENCH_LINES=1 $GO test -timeout 30m -count=1 -run TraceDaemon -v ./workload/daemon &&
		TLSBENCH_LINES=1 $GO test -timeout 4h -count=1 -run 'TrackRecord|Documents|Measure' -v ./cmd/tlsbench
}

soak() { TLSBENCH_SOAK=$SOAK $GO test -timeout 5h -count=1 -run TestSoak -v ./workload; }

selftest() {
	program=$(mktemp) || return 1
	bad=0
	$GO build -o "$program" ./cmd/tlsbench || bad=1
	[ $bad = 1 ] || "$program" selftest || bad=1
	if [ $bad = 0 ] && "$program" openssl fetch 1.1.1; then
		"$program" selftest --openssl 1.1.1 || bad=1
	fi
	rm -f "$program"
	return $bad
}

# One package after the other: each wants the machine for itself.
claims() { TLSBENCH_CLAIMS=1 $GO test -p 1 -count=1 -run Claims -timeout 60m -v ./bench ./cmd/tlsbench; }

browser() { ${MAKE:-make} browser GO="$GO"; }

# shellcheck disable=SC2086 # a list of names
[ $# -gt 0 ] || set -- $PARTS
for part in "$@"; do
	case " $PARTS " in
	*" $part "*) ;;
	*)
		echo "long.sh: no part $part: choose from $PARTS" >&2
		exit 2
		;;
	esac
done

failed=""
for part in "$@"; do
	echo "== $part"
	began=$(date +%s)
	"$part" || failed="$failed $part"
	echo "-- $part took $((($(date +%s) - began + 30) / 60)) minutes"
done
[ -z "$failed" ] || {
	echo "long.sh: failed:$failed" >&2
	exit 1
}
