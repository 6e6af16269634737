# shellcheck shell=sh
# Makes a database in the current folder and becomes its server. Arguments: folder
# of the programs, port. The server's key is descriptor 4, a file in memory.
set -eu
bin=$1 port=$2
trap 'exit 1' INT # when initdb is done, which leaves shared memory if it is cut short
if ! "$bin/initdb" -D "$PWD/data" -U tlsbench --auth=scram-sha-256 --pwfile="$PWD/password" \
	--encoding=UTF8 --locale=C --no-sync --no-instructions >log 2>&1; then
	exit 1
fi
rm password
echo 'hostssl all all 127.0.0.1/32 scram-sha-256' >data/pg_hba.conf
# fsync off: nothing here outlives the run. Connections: one a worker and slack.
exec "$bin/postgres" -D "$PWD/data" -c listen_addresses=127.0.0.1 -c "port=$port" -c unix_socket_directories= \
	-c ssl=on -c "ssl_cert_file=$PWD/server.crt" -c "ssl_key_file=/dev/fd/4" \
	-c fsync=off -c autovacuum=off -c shared_buffers=16MB -c max_connections=1100 \
	-c log_connections=on -c "log_line_prefix=" </dev/null >log 2>&1
