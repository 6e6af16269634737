# shellcheck shell=sh
# Makes a database in the current folder and becomes its server. Arguments: folder
# of the programs, port. The server's key is descriptor 4, a file in memory.
# mariadb-install-db needs a client's package; this is what it does of use here.
set -eu
bin=$1 port=$2 share=$1/../share
[ -d "$share/mysql" ] || share=/usr/share
set -- --no-defaults --datadir="$PWD/data" --tmpdir="$PWD" --lc-messages-dir="$share/mysql/english" \
	--innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=8M
mkdir data
# Two tables of Kamailio's, for its module that loads one when it starts. Nobody but
# this user may connect, and only with TLS.
{
	printf 'create database mysql;\nuse mysql;\n'
	cat "$share/mysql/mysql_system_tables.sql" "$share/mysql/mysql_system_tables_data.sql"
	cat <<SQL
DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';
DELETE FROM mysql.proxies_priv;
FLUSH PRIVILEGES;
CREATE DATABASE tlsbench;
CREATE USER tlsbench@'127.0.0.1' IDENTIFIED BY '$(cat password)' REQUIRE SSL;
GRANT ALL ON tlsbench.* TO tlsbench@'127.0.0.1';
USE tlsbench;
CREATE TABLE version (table_name varchar(32) NOT NULL PRIMARY KEY, table_version int unsigned NOT NULL DEFAULT 0);
INSERT INTO version VALUES ('htable', 2);
CREATE TABLE htable (id int unsigned AUTO_INCREMENT PRIMARY KEY, key_name varchar(64), key_type int, value_type int, key_value varchar(128), expires int);
INSERT INTO htable (key_name, key_type, value_type, key_value, expires) VALUES ('a', 0, 0, 'b', 0);
SQL
} | "$bin/mariadbd" "$@" --bootstrap --skip-networking >log 2>&1
rm password
# Connections: some for each process of a daemon, and slack.
exec "$bin/mariadbd" "$@" --port="$port" --bind-address=127.0.0.1 --socket="$PWD/socket" --pid-file="$PWD/pid" --skip-name-resolve \
	--ssl-cert="$PWD/server.crt" --ssl-key=/dev/fd/4 --max-connections=1100 --connect-timeout=60 </dev/null >log 2>&1
