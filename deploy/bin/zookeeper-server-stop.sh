#!/bin/sh
# zookeeper-server-stop.sh: SIGTERM (or $SIGNAL) to every ZooKeeper of this user; returns at once, as Kafka's does. Whatever arguments
# tutorials add are ignored.
pids=$(pgrep -u "$(id -u)" -f '^[^ ]*java .*org\.apache\.zookeeper\.server\.quorum\.QuorumPeerMain')
if [ -z "$pids" ]; then
    echo "No zookeeper server to stop"
    exit 1
fi
# shellcheck disable=SC2086 # a list of pids
kill -s "${SIGNAL:-TERM}" $pids
