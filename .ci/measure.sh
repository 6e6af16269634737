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
failed=$(mktemp)
trap 'rm -f "$failed"' EXIT

# What is measured next to other files runs in a shell of its own: so a file tells
# of failures, and no variable.
measure() {
	file=$folder/$1
	shift
	echo "$file" >&2
	if [ -e "$file" ]; then
		set -- $command --resume "$file"
	else
		set -- $command --seed "$seed" "$@" -o "$file"
	fi
	status=0
	"$tlsbench" "$@" >/dev/null || status=$?
	[ $status != 130 ] || exit 130
	[ $status = 0 ] || echo "$file: exit status $status" >>"$failed"
}

# probe FILE FLAG...: what each strategy makes of each key.
probe() {
	file=$folder/$1
	shift
	[ ! -e "$file" ] || return 0
	echo "$file" >&2
	"$tlsbench" probe --openssl "$lines" "$@" --json >"$file.part"
	mv "$file.part" "$file"
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
	measure sharing-$shard.txt --openssl "$lines" --hazard all --load memory --measure sharing --rounds 1 --shard $shard/3 &
done
wait
for shard in 1 2 3; do
	measure hazards-$shard.txt --openssl "$lines" --hazard all --load memory --measure corruption --rounds auto \
		--duration 100ms --shard $shard/3 &
done
wait
command=field
for shard in 1 2 3; do
	measure field-$shard.txt --hazard plain,python,python:before=1,provider-state,provider-state:when=after,mariadb \
		--rounds 3 --shard $shard/3 &
done
wait
measure field-fips.txt --hazard fips --mem-safety 1 --rounds 10 --duration 5s --rig-time 1s &
command=run
# More lives alone, on both loads.
measure plain.txt --openssl "$lines" --load memory --measure corruption --rounds 30 --duration 100ms &
measure plain-tcp.txt --load tcp --measure corruption --rounds 60 --duration 300ms
# What OpenSSL's own FIPS module keeps for itself, in longer lives: its generator is drawn from seldom.
measure fips.txt --openssl 3.5,3.6,4.0 --hazard fips --strategy none,thread-stop,hwm,shm-match,key-owner \
	--load memory --measure corruption --rounds 5 --duration 6s --workers 2 --check-rate 1
wait

probe probe.json
probe probe-foreign-before.json --hazard foreign-before

[ ! -s "$failed" ] || {
	sed 's/^/measure.sh: /' "$failed" >&2
	exit 1
}
