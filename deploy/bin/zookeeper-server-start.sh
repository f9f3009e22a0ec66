#!/bin/sh
# zookeeper-server-start.sh [-daemon] zookeeper.properties: Debian's ZooKeeper with a small heap, in the foreground; -daemon writes
# logs/zookeeper.out. What the file says wins over what is set here: no admin web server, and four-letter words are answered.
set -eu
. "$(dirname "$0")/barnabas-env.sh"
. "$(dirname "$0")/zookeeper-env.sh"

if [ $# -lt 1 ]; then
    echo "USAGE: $0 [-daemon] zookeeper.properties"
    exit 1
fi
if [ "$1" = -daemon ]; then
    shift
    LOG_DIR=${LOG_DIR:-$home/logs}
    mkdir -p "$LOG_DIR"
    nohup setsid "$0" "$@" >"$LOG_DIR/zookeeper.out" 2>&1 </dev/null &
    exit 0
fi
if [ ! -r "${1:-}" ]; then
    echo "cannot read ${1:-zookeeper.properties}" >&2
    exit 1
fi
zookeeper_options='-Dzookeeper.admin.enableServer=false -Dzookeeper.4lw.commands.whitelist=*'
set -f # the * above is no pattern
run_zookeeper org.apache.zookeeper.server.quorum.QuorumPeerMain "$@"
