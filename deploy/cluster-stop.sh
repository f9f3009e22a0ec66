#!/bin/bash
# cluster-stop.sh --dir DIR: stops what cluster-start.sh started, in the right order: brokers (they tell the controller and write clean-shutdown
# markers), controllers, ZooKeeper. What is not running is no error.
set -euo pipefail
. "$(dirname "$0")/cluster-lib.sh"

dir=$home/cluster
while [ $# -gt 0 ]; do
    case $1 in
        --dir) dir=${2:?--dir needs a directory}; shift ;;
        *) echo "usage: cluster-stop.sh [--dir DIR]" >&2; exit 2 ;;
    esac
    shift
done
[ -d "$dir/run" ] || { echo "nothing was started in $dir"; exit 0; }

# All of a kind are told at once, then waited for.
for file in "$dir"/run/broker-*.pid; do
    [ -e "$file" ] && alive "$file" barnabas-broker && kill -TERM "$(cat "$file")"
done
for file in "$dir"/run/broker-*.pid; do [ -e "$file" ] && stop_one "$file" barnabas-broker 60; done
for file in "$dir"/run/controller-*.pid; do
    [ -e "$file" ] && alive "$file" barnabas-controller && kill -TERM "$(cat "$file")"
done
for file in "$dir"/run/controller-*.pid; do [ -e "$file" ] && stop_one "$file" barnabas-controller 20; done
stop_one "$dir/run/zookeeper.pid" QuorumPeerMain 20
echo "the cluster in $dir is stopped"
