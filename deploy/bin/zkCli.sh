#!/bin/sh
# zkCli.sh [-server host:port[/chroot]] [command arguments...]: ZooKeeper's own command line; localhost:2181 when nothing is said.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../libexec/zookeeper-env.sh"
run_zookeeper org.apache.zookeeper.ZooKeeperMain "$@"
