#!/bin/bash
# quickstart.sh: from a bare Debian 12 to a running cluster with records in it. Safe to run twice.
set -euo pipefail
tree=$(cd "$(dirname "$0")/.." && pwd)
cd "$tree"

step() { printf '\n== %s\n' "$*"; }

step "packages"
deploy/install-packages.sh build run

step "build"
deploy/build.sh

step "a cluster of three brokers"
deploy/cluster-start.sh "$@"
dir=$tree/cluster port=9092 zookeeper_port=2181 brokers=3
for ((i = 1; i <= $#; i++)); do
    [ "${!i}" = --dir ] && { j=$((i + 1)); dir=${!j}; }
done
# shellcheck disable=SC1091
. "$dir/cluster.settings"
bootstrap=127.0.0.1:$port,127.0.0.1:$((port + 1)),127.0.0.1:$((port + 2))
barnabas=$tree/build/barnabas
((brokers >= 3)) || { echo "quickstart.sh: a topic with 3 replicas needs 3 brokers, and this cluster has $brokers" >&2; exit 1; }
znode() { "$barnabas" zk get --zookeeper "127.0.0.1:$zookeeper_port" "$1"; }

step "a topic"
topic=quickstart-$(date +%s)
deploy/bin/kafka-topics.sh --bootstrap-server "$bootstrap" --create --topic "$topic" --partitions 3 --replication-factor 3 --config min.insync.replicas=2
deploy/bin/kafka-topics.sh --bootstrap-server "$bootstrap" --describe --topic "$topic"

step "every line of LICENSE and the docs, the first half"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat LICENSE docs/*.md | grep -v '^$' | nl -w1 -s' ' >"$work/in"
lines=$(wc -l <"$work/in")
head -n $((lines / 2)) "$work/in" >"$work/first"
tail -n +$((lines / 2 + 1)) "$work/in" >"$work/second"
produce() { "$barnabas" produce --bootstrap-server "$bootstrap" --topic "$topic" --request-required-acks all; }
produce <"$work/first"

step "kill -9 of the leader of partition 0"
state=/brokers/topics/$topic/partitions/0/state
before=$(znode "$state")
leader=$(sed 's/.*"leader":\(-*[0-9]*\).*/\1/' <<<"$before")
echo "before  $before"
killed=$(date +%s%N)
kill -KILL "$(<"$dir/run/broker-$leader.pid")"
while after=$(znode "$state") && [[ $after == *"\"leader\":$leader,"* || $after == *'"leader":-1,'* ]]; do :; done
echo "after   $after"
echo "broker $leader is dead, and another leads: seen after $((($(date +%s%N) - killed) / 1000000)) ms"
produce <"$work/second"

step "its restart"
deploy/cluster-start.sh "$@" >/dev/null
for partition in 0 1 2; do # it catches up, and is in sync again
    while ! znode "/brokers/topics/$topic/partitions/$partition/state" | grep -q '"isr":\[[0-9]*,[0-9]*,[0-9]*\]'; do :; done
done
echo "now     $(znode "$state")"

step "every line came through"
"$barnabas" consume --bootstrap-server "$bootstrap" --topic "$topic" --from-beginning --until-end >"$work/out"
sort "$work/in" >"$work/in.sorted"
sort "$work/out" >"$work/out.sorted"
cmp "$work/in.sorted" "$work/out.sorted"
echo "$lines lines went in, the same $lines lines came out"

step "what ZooKeeper holds"
for path in /brokers/ids /controller /controller_epoch /cluster/id "/brokers/topics/$topic" "/brokers/topics/$topic/partitions/0/state"; do
    printf '%-60s ' "$path"
    case $path in
        /brokers/ids) "$barnabas" zk ls --zookeeper "127.0.0.1:$zookeeper_port" "$path" | tr '\n' ' ' && echo ;;
        *) znode "$path" ;;
    esac
done

step "done"
cat <<TXT
The cluster is running. Try:
  deploy/bin/kafka-console-producer.sh --bootstrap-server $bootstrap --topic $topic
  deploy/bin/kafka-console-consumer.sh --bootstrap-server $bootstrap --topic $topic --from-beginning
Stop it with:
  deploy/cluster-stop.sh --dir '$dir'
TXT
