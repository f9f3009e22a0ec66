#!/bin/sh
# zookeeper-server-start.sh [-daemon] zookeeper.properties: Debian's ZooKeeper with a small heap (KAFKA_HEAP_OPTS and KAFKA_OPTS are heeded), in the
# foreground; -daemon writes logs/zookeeper.out. What the file says wins over what is set here: no admin web server, and the four-letter words
# that cost nothing are answered.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../libexec/barnabas-env.sh"
. "$here/../libexec/zookeeper-env.sh"

daemon=no
if [ "${1:-}" = -daemon ]; then
    daemon=yes
    shift
fi
if [ $# -lt 1 ]; then
    echo "USAGE: $0 [-daemon] zookeeper.properties"
    exit 1
fi
file=$(find_file "$1")
if [ ! -r "$file" ]; then
    echo "$0: cannot read $file" >&2
    exit 1
fi
if [ $daemon = yes ]; then
    LOG_DIR=${LOG_DIR:-$home/logs}
    mkdir -p "$LOG_DIR"
    nohup setsid "$here/zookeeper-server-start.sh" "$file" >"$LOG_DIR/zookeeper.out" 2>&1 </dev/null &
    exit 0
fi
# The mark is how zookeeper-server-stop.sh knows its own.
run_zookeeper "-Dbarnabas.zookeeper=$home" -Dzookeeper.admin.enableServer=false \
    -Dzookeeper.4lw.commands.whitelist=srvr,stat,ruok,mntr,conf,cons,isro org.apache.zookeeper.server.quorum.QuorumPeerMain "$file"
