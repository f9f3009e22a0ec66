#!/bin/bash
# groups.sh [many|one|both]: consumer groups on three brokers: bench/groups run against a real cluster. GROUPS_COUNT (10000) groups of one member; a
# group of MEMBERS_COUNT (1000) members, with the default group.initial.rebalance.delay.ms of 3 s and with 0. SECONDS_EACH (20) a window of heartbeats.
#
#   PORT=9092 ZOOKEEPER_PORT=2181   brokers at PORT and above
#   BN_BENCH_KAFKA=LIBS             the same against Apache Kafka, whose jars are in LIBS, afterwards, on the same ZooKeeper (chroot /kafka)
#   BN_BENCH_OVERRIDES="--override KEY=VALUE ..."   for our brokers and controllers
set -euo pipefail
tree=$(cd "$(dirname "$0")/.." && pwd)
build=${BARNABAS_BUILD:-$tree/build}
make -s -C "$build" bench/groups
mode=${1:-both}
groups=${GROUPS_COUNT:-10000} members=${MEMBERS_COUNT:-1000} seconds=${SECONDS_EACH:-20}
port=${PORT:-9092} zookeeper_port=${ZOOKEEPER_PORT:-2181} kafka_port=$((${PORT:-9092} + 10))
dir=$(mktemp -d)
kafka=()

stop_kafka() {
    local pid
    for pid in ${kafka[@]+"${kafka[@]}"}; do kill "$pid" 2>/dev/null || true; done
    for pid in ${kafka[@]+"${kafka[@]}"}; do wait "$pid" 2>/dev/null || true; done
    kafka=()
}
finish() {
    stop_kafka
    "$tree/deploy/cluster-stop.sh" --dir "$dir" >/dev/null
    [ -n "${KEEP:-}" ] && echo "kept: $dir" || rm -rf "$dir"
}
trap finish EXIT

zookeeper_says() { # $1 a word of mntr
    exec 3<>"/dev/tcp/127.0.0.1/$zookeeper_port"
    printf mntr >&3
    awk -v word="$1" '$1 == word { print $2 }' <&3
    exec 3>&-
}
tell_zookeeper() { echo "ZooKeeper: $(zookeeper_says zk_znode_count) znodes, about $(zookeeper_says zk_approximate_data_size) bytes of data"; }

# $1 bootstrap, $2 watched, $3 topic for many, $4 topic for one
measure_many() {
    tell_zookeeper
    "$build/bench/groups" many --bootstrap "$1" --watch "$2" --topic many --count "$groups" --seconds "$seconds"
    tell_zookeeper
}
measure_one() { "$build/bench/groups" one --bootstrap "$1" --watch "$2" --topic wide --count "$members"; }
# Topics, and a small group that makes the brokers create __consumer_offsets before anything is measured.
topics() { # $1 bootstrap
    local topic try
    for topic in "many --partitions 1 --replication-factor 3" "wide --partitions 1000 --replication-factor 1"; do
        for try in 1 2 3; do # a broker that has just started may take longer than the command waits
            # shellcheck disable=SC2086
            "$build/barnabas" topic create $topic --if-not-exists --bootstrap-server "$1" >/dev/null && break
            [ "$try" -lt 3 ] || exit 1
        done
    done
    "$build/bench/groups" one --bootstrap "$1" --topic wide --count 20 >/dev/null
}

ours() { # $1 delay in ms, rest: what to measure
    local delay=$1 what name watched=
    shift
    echo "== Barnabas, group.initial.rebalance.delay.ms=$delay, load average $(cut -d' ' -f1 /proc/loadavg)"
    # shellcheck disable=SC2086
    "$tree/deploy/cluster-start.sh" --dir "$dir" --brokers 3 --controllers 2 --port "$port" --zookeeper-port "$zookeeper_port" \
        --override "group.initial.rebalance.delay.ms=$delay" ${BN_BENCH_OVERRIDES:-} >/dev/null
    for name in broker-0 broker-1 broker-2; do watched+="brokers=$(cat "$dir/run/$name.pid"),"; done
    for name in controller-0 controller-1; do watched+="$name=$(cat "$dir/run/$name.pid"),"; done
    watched+="zookeeper=$(cat "$dir/run/zookeeper.pid")"
    [ -e "$dir/topics" ] || topics "127.0.0.1:$port"
    touch "$dir/topics"
    for what in "$@"; do "measure_$what" "127.0.0.1:$port" "$watched"; done
    "$tree/deploy/cluster-stop.sh" --dir "$dir" >/dev/null
}

kafka_start() { # $1 delay
    local i
    for i in 0 1 2; do
        mkdir -p "$dir/kafka/$i"
        cat >"$dir/kafka/$i/server.properties" <<CFG
broker.id=$i
listeners=PLAINTEXT://127.0.0.1:$((kafka_port + i))
log.dirs=$dir/kafka/$i/logs
zookeeper.connect=127.0.0.1:$zookeeper_port/kafka
offsets.topic.replication.factor=3
group.initial.rebalance.delay.ms=$1
CFG
        java -server -Xmx1G -Xms1G -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 \
            -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true -cp "$BN_BENCH_KAFKA/*" kafka.Kafka \
            "$dir/kafka/$i/server.properties" >"$dir/kafka/$i/out" 2>&1 &
        kafka+=($!)
    done
    "$build/barnabas" wait --bootstrap-server "127.0.0.1:$kafka_port" --brokers 3 --timeout 90
}

theirs() { # $1 delay in ms, rest: what to measure
    local delay=$1 what
    shift
    "$tree/deploy/cluster-start.sh" --dir "$dir" --brokers 3 --controllers 2 --port "$port" --zookeeper-port "$zookeeper_port" >/dev/null
    echo "== Apache Kafka, group.initial.rebalance.delay.ms=$delay, load average $(cut -d' ' -f1 /proc/loadavg)"
    kafka_start "$delay"
    [ -e "$dir/kafka.topics" ] || topics "127.0.0.1:$kafka_port"
    touch "$dir/kafka.topics"
    local watched="brokers=${kafka[0]},brokers=${kafka[1]},brokers=${kafka[2]},zookeeper=$(cat "$dir/run/zookeeper.pid")"
    for what in "$@"; do "measure_$what" "127.0.0.1:$kafka_port" "$watched"; done
    stop_kafka
}

all() { # $1 ours or theirs
    [ "$mode" = one ] || "$1" 3000 many
    [ "$mode" = many ] || "$1" 3000 one
    [ "$mode" = many ] || "$1" 0 one
}
all ours
[ -z "${BN_BENCH_KAFKA:-}" ] || all theirs
