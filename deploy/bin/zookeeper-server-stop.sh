#!/bin/sh
# zookeeper-server-stop.sh: SIGTERM (or $SIGNAL) to every ZooKeeper that zookeeper-server-start.sh of this installation started; returns at once,
# as Kafka's does. Whatever arguments tutorials add are ignored.
here=$(dirname "$(readlink -f "$0")")
. "$here/../libexec/barnabas-env.sh"

# The mark is one whole argument. It comes on standard input: grep's own command line must not hold it.
# shellcheck disable=SC2062 # a pattern for the shell, not for grep
pids=$(printf '%s\n' "-Dbarnabas.zookeeper=$home" | grep -lzFx -f - /proc/[0-9]*/cmdline 2>/dev/null | tr -dc '0-9\n')
if [ -z "$pids" ]; then
    echo "No zookeeper server to stop"
    exit 1
fi
# shellcheck disable=SC2086 # a list of pids
kill -s "${SIGNAL:-TERM}" $pids
