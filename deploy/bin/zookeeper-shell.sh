#!/bin/sh
# zookeeper-shell.sh host:port[/chroot] [command arguments...]: Debian's ZooKeeper shell, with one command or interactive.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../libexec/zookeeper-env.sh"

if [ $# -lt 1 ]; then
    echo "USAGE: $0 zookeeper_host:port[/path] [-zk-tls-config-file file] [args...]"
    exit 1
fi
server=$1
shift
if [ "${1:-}" = -zk-tls-config-file ]; then
    echo "$0: TLS to ZooKeeper is not supported here; use a private network or a tunnel" >&2
    exit 1
fi
run_zookeeper org.apache.zookeeper.ZooKeeperMain -server "$server" "$@"
