# shellcheck shell=sh
# Becomes a server, and has somebody see to its end. $0: the server's folder;
# arguments: end.sh, the signal that asks the server to end (KILL: it is not
# asked), its command.
#
# Standard input is a pipe whose other end the harness alone holds: the kernel
# closes it when the harness ends, however it does. Descriptor 3 says that the
# folder is made, and stays open until nothing is left.
umask 077
trap : HUP INT QUIT TERM PIPE
exec 9<&0 </dev/null
mkdir "$0" || exit 1
echo >&3
# The folder is filled by now, or else whoever fills it is gone.
if ! { read -r filled <&9 && [ -n "$filled" ] && cd "$0"; }; then
	rm -rf "$0"
	exit 1
fi
end=$1 stop=$2
shift 2
# What waits is in the server's group, whose number is not another's meanwhile,
# and hears none of what the group is sent.
(
	trap '' HUP INT QUIT TERM PIPE
	{ cat <&9; exec setsid sh -c "$end" "$0" "$stop" $$; } >/dev/null 2>&1 &
)
exec "$@" 3>&- 9<&-
