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
dir=$tree/cluster port=9092 zookeeper_port=2181
for ((i = 1; i <= $#; i++)); do
    [ "${!i}" = --dir ] && { j=$((i + 1)); dir=${!j}; }
done
# shellcheck disable=SC1091
. "$dir/cluster.settings"
bootstrap=127.0.0.1:$port
barnabas=$tree/build/barnabas

step "a topic"
topic=quickstart-$(date +%s)
deploy/bin/kafka-topics.sh --bootstrap-server "$bootstrap" --create --topic "$topic" --partitions 3 --replication-factor 1
deploy/bin/kafka-topics.sh --bootstrap-server "$bootstrap" --describe --topic "$topic"

step "every line of LICENSE and the docs through produce and consume"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat LICENSE docs/*.md | grep -v '^$' | nl -w1 -s' ' >"$work/in"
lines=$(wc -l <"$work/in")
"$barnabas" produce --bootstrap-server "$bootstrap" --topic "$topic" <"$work/in"
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
        *) "$barnabas" zk get --zookeeper "127.0.0.1:$zookeeper_port" "$path" ;;
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
