#!/bin/sh
# measure.sh: measures a published data set, or goes on with one.
#
#	sh .ci/measure.sh FOLDER
#
# What is timed comes first, one file after the other on a quiet machine; then what
# is only counted, some files at once. A file that is there already is resumed, which
# takes no time where it is finished; so the same command goes on after an
# interruption. Trials that could not be carried out stop nothing, and are in the
# file; the exit status is 1 then. FOLDER is named after day and machine, such as
# 2026-11-29-epyc-2core.
set -eu

folder=${1:?usage: measure.sh FOLDER}
tlsbench=${TLSBENCH:-bin/tlsbench}
seed=${SEED:-20261129}
lines=system,1.1.1,3.5,3.6,4.0
command=run

mkdir -p "$folder"
running= # a line for each process: its id, and the file that it writes
status=0

# An interrupt from the keyboard does not reach what runs in a script's background.
# shellcheck disable=SC2046,SC2317 # a list of process ids; called by trap
stop() {
	trap - INT TERM HUP
	kill $(echo "$running" | cut -d ' ' -f 1) 2>/dev/null || :
	wait
	exit 130
}
trap stop INT TERM HUP

# start FILE FLAG...: begins to measure a file, or goes on with it.
start() {
	file=$folder/$1
	shift
	echo "$file" >&2
	if [ -e "$file" ]; then
		set -- $command --resume "$file"
	else
		set -- $command --seed "$seed" "$@" -o "$file"
	fi
	"$tlsbench" "$@" >/dev/null &
	running="$running$! $file
"
}

# finish waits for all that was started.
finish() {
	while read -r process file; do
		[ -z "$process" ] || wait "$process" || failed "$file" $?
	done <<-END
		$running
	END
	running=
}

failed() {
	echo "measure.sh: $1: exit status $2" >&2
	status=1
}

measure() {
	start "$@"
	finish
}

# probe FILE FLAG...: what each strategy makes of each key.
probe() {
	file=$folder/$1
	shift
	[ ! -e "$file" ] || return 0
	echo "$file" >&2
	"$tlsbench" probe --openssl "$lines" "$@" --json >"$file.part" &
	running=$!
	if wait $!; then mv "$file.part" "$file"; else failed "$file" $?; fi
	running=
}

# What is timed: duets, forks, throughput, numbers of workers; and the method held
# against itself.
measure duets.txt --openssl "$lines" --measure duet --load memory
measure fork-warm.txt --measure fork --workers 1 --rounds 50 --fork-pairs 60 \
	--strategy clear-0-15,hwm,thread-stop,pointer-match,shm-match,key-owner
measure fork-lines.txt --openssl "$lines" --measure fork --workers 1 --rounds 12 --fork-pairs 60
measure cost-lines.txt --openssl "$lines" --measure handshake --rounds 12 --duration 500ms
measure scaling.txt --measure handshake --workers 1,2,4,8 --rounds 6 --duration 500ms \
	--strategy none,clear-0-15,hwm,thread-stop,key-owner
measure fork-memory.txt --measure fork --workers 1 --rounds 6 --fork-pairs 15 --strategy hwm,key-owner \
	--fork-memory 16,64,256,1024 --huge-pages off,on
measure fork-keys.txt --measure fork --workers 1 --rounds 6 --fork-pairs 40 \
	--strategy clear-0-15:n=1000,hwm:scan=1000,key-owner --fork-keys 0,32,128,512
measure fork-workers.txt --measure fork --workers 1,16,64 --rounds 6 --fork-pairs 40 --strategy hwm,key-owner
measure aa-duets.txt --measure duet --load memory --strategy key-owner --duet-pairs 400

# What is counted, and may run next to other work, in three processes at a time:
# inherited memory that processes share; lives with every hazard until the verdict of
# each cell, which takes some hours and can be ended earlier (--resume FILE --rounds N);
# and the same strategies in the daemons.
for shard in 1 2 3; do
	start sharing-$shard.txt --openssl "$lines" --hazard all --load memory --measure sharing --rounds 1 --shard $shard/3
done
finish
for shard in 1 2 3; do
	start hazards-$shard.txt --openssl "$lines" --hazard all --load memory --measure corruption --rounds auto \
		--duration 100ms --shard $shard/3
done
finish
command=field
for shard in 1 2 3; do
	start field-$shard.txt --hazard plain,python,python:before=1,provider-state,provider-state:when=after,mariadb \
		--rounds 3 --shard $shard/3
done
finish
start field-fips.txt --hazard fips --mem-safety 1 --rounds 10 --duration 5s --rig-time 1s
command=run
# More lives alone, on both loads.
start plain.txt --openssl "$lines" --load memory --measure corruption --rounds 30 --duration 100ms
start plain-tcp.txt --load tcp --measure corruption --rounds 60 --duration 300ms
finish
# What OpenSSL's own FIPS module keeps for itself, in longer lives: its generator is drawn from seldom.
measure fips.txt --openssl 3.5,3.6,4.0 --hazard fips --strategy none,thread-stop,hwm,shm-match,key-owner \
	--load memory --measure corruption --rounds 5 --duration 6s --workers 2 --check-rate 1

probe probe.json
probe probe-foreign-before.json --hazard foreign-before

exit $status
