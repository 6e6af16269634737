# shellcheck shell=sh
# Keeps a PostgreSQL server for as long as standard input is open, and leaves
# nothing behind. Arguments: folder of the programs, port. The server's key is
# descriptor 3, a file in memory.
set -eu
bin=$1 port=$2 pid=
umask 077
dir=$(mktemp -d "$TMPDIR/tlsbench-postgres-XXXXXX")
clean() {
	if [ -n "$pid" ]; then
		kill -INT "$pid" 2>/dev/null || :
		wait "$pid" || :
	fi
	cd /
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
echo "$dir"
printf '%s\n' "$TLSBENCH_CERT" >server.crt
printf '%s\n' "$TLSBENCH_PASSWORD" >password
unset TLSBENCH_CERT TLSBENCH_PASSWORD
if ! "$bin/initdb" -D "$dir/data" -U tlsbench --auth=scram-sha-256 --pwfile="$dir/password" \
	--encoding=UTF8 --locale=C --no-sync --no-instructions >log 2>&1; then
	tail -n 1 log >&2
	exit 1
fi
rm password
echo 'hostssl all all 127.0.0.1/32 scram-sha-256' >data/pg_hba.conf
# fsync off: nothing here outlives the run. Connections: one a worker and slack.
"$bin/postgres" -D "$dir/data" -c listen_addresses=127.0.0.1 -c "port=$port" -c unix_socket_directories= \
	-c ssl=on -c "ssl_cert_file=$dir/server.crt" -c "ssl_key_file=/dev/fd/3" \
	-c fsync=off -c autovacuum=off -c shared_buffers=16MB -c max_connections=1100 \
	-c log_connections=on -c "log_line_prefix=" </dev/null >log 2>&1 &
pid=$!
echo "$pid"
# shellcheck disable=SC2034 # its end is waited for, not what it says
read -r end || :
