# shellcheck shell=sh
# Ends a server and removes its folder. $0: the folder; arguments: the signal
# that asks it to, its process, which leads its group. It runs in a session of
# its own, so that it outlives the group.
stop=$1 server=$2
cd / || exit 1
alive() {
	stat=
	read -r stat <"/proc/$server/stat" || return 1
	case ${stat##*) } in [ZX]*) return 1 ;; esac
}
# Asked more than once: a shell that is just about to become the server loses a
# signal. Then every two seconds only: a server that is asked while it ends may
# begin to end again, and never come to it. Half a minute is what a database may
# take to end on a busy machine.
n=0
while [ "$stop" != KILL ] && [ "$n" -lt 300 ] && alive; do
	if [ "$n" -lt 3 ] || [ $((n % 20)) -eq 0 ]; then
		kill -s "$stop" "$server"
	fi
	sleep 0.1
	n=$((n + 1))
done
n=0
while kill -s KILL -- "-$server" && [ "$n" -lt 10 ]; do
	sleep 0.05
	n=$((n + 1))
done
rm -rf "$0" || { sleep 1; rm -rf "$0"; }
