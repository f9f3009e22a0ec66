#!/bin/bash
# compare.sh: does to a Barnabas broker and to an Apache Kafka broker what Kafka's own command-line tools do, and prints every difference in
# what the tools print, in ZooKeeper and in the files. Starts both with ZooKeepers of their own on loopback and stops them. Not part of
# `make check`: it needs Kafka's jars (kafka_2.13, kafka-tools and what they depend on) and a JDK.
#
#   groups     Kafka's kafka-consumer-groups and ours, on both, with a member that is there
#   topics     Kafka 3.9's kafka-topics against both; then Barnabas' own kafka-topics.sh against Kafka's
#   tools      the other tools: Kafka's on Kafka, ours on Kafka and on Barnabas
#   old        Kafka 2.8's kafka-topics --zookeeper against both (with --kafka28), and a kcat that fills what it made
#   configs    Kafka 3.9's kafka-configs against both (2.8's with --zookeeper: old-configs), and configs.py: what tools do not ask
#   admin      admin.py: the other administrative calls, with what is wrong and what is right
#   swap       swap.py: one data directory and one ZooKeeper, opened by both in turns
#   takeover   takeover.py: Kafka's kafka-consumer-groups while the coordinator's broker is killed
#   data       Kafka's producer, consumer and offset tools against both; every znode of both; Kafka's DumpLogSegments over all that
#              Barnabas has written, then over what it recovers after a kill
# Exit status 0: no difference but the ones that normalize.py and docs/ZNODES.md explain.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$here/../.." && pwd)

usage() {
    cat <<'TXT'
usage: compare.sh --kafka DIR [--kafka28 DIR] [--dir DIR] [--only STAGE] [--port P]
  --kafka DIR    the jars of Apache Kafka 3.9
  --kafka28 DIR  the jars of Apache Kafka 2.8, for its --zookeeper tools
  --dir DIR      where data and outputs go, emptied first (default: a new one under /tmp)
  --only STAGE   groups, topics, tools, old, configs, admin, data, swap or takeover
  --port P       P to P+9 are used (default 28092)
TXT
}

kafka='' kafka28='' work='' only='' port=28092
while [ $# -gt 0 ]; do
    case $1 in
        --kafka) kafka=${2:?}; shift ;;
        --kafka28) kafka28=${2:?}; shift ;;
        --dir) work=${2:?}; shift ;;
        --only) only=${2:?}; shift ;;
        --port) port=${2:?}; shift ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
done
[ -n "$kafka" ] || { usage >&2; exit 2; }
ls "$kafka"/kafka-tools-*.jar >/dev/null || exit 2
case $only in '' | groups | topics | tools | old | configs | admin | data | swap | takeover) ;; *) usage >&2; exit 2 ;; esac
[ -n "$work" ] || work=$(mktemp -d /tmp/barnabas-compare.XXXXXX)
rm -rf "$work/barnabas" "$work/kafka" "$work/zookeeper"
mkdir -p "$work/kafka" "$work/zookeeper"
work=$(readlink -f "$work")
ours=127.0.0.1:$port theirs=127.0.0.1:$((port + 1))
our_zookeeper=127.0.0.1:$((port + 2)) their_zookeeper=127.0.0.1:$((port + 3))
export BARNABAS_BUILD=${BARNABAS_BUILD:-$tree/build}
wait_for=("$BARNABAS_BUILD/barnabas" wait --timeout 180)
pids=()
differences=0

# shellcheck disable=SC2317 # the trap calls it
stop_all() {
    "$tree/deploy/cluster-stop.sh" --dir "$work/barnabas" >/dev/null || true
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    wait
}
trap stop_all EXIT

start_barnabas() {
    "$tree/deploy/cluster-start.sh" --dir "$work/barnabas" --brokers 1 --controllers 1 --port "$port" \
        --zookeeper-port "${our_zookeeper#*:}" --override group.initial.rebalance.delay.ms=0 \
        --override offsets.topic.replication.factor=1 >/dev/null
}

start_kafka() {
    printf 'clientPort=%s\ndataDir=%s\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\ntickTime=1000\n' \
        "${their_zookeeper#*:}" "$work/zookeeper" >"$work/zookeeper.cfg"
    java -Dlog4j.configuration="file:$here/log4j.properties" -cp "$kafka/*" \
        org.apache.zookeeper.server.quorum.QuorumPeerMain "$work/zookeeper.cfg" >"$work/zookeeper.out" 2>&1 &
    pids+=($!)
    "${wait_for[@]}" --zookeeper "$their_zookeeper"
    cat >"$work/kafka.properties" <<CFG
broker.id=0
listeners=PLAINTEXT://$theirs
log.dirs=$work/kafka
zookeeper.connect=$their_zookeeper
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
CFG
    java -Xmx512M -Dlog4j.configuration="file:$here/log4j.properties" -cp "$kafka/*" kafka.Kafka \
        "$work/kafka.properties" >"$work/kafka.out" 2>&1 &
    pids+=($!)
    "${wait_for[@]}" --bootstrap-server "$theirs" --brokers 1
}

# Runs a file of cases with Kafka's tools, here, where the files that they name are. $1 jars, $2 cases, $3 bootstrap server, $4 ZooKeeper.
tools() {
    (cd "$here" && java -Dlog4j.configuration="file:$here/log4j.properties" -cp "$1/*" RunTools.java "$2" "$3" "$4")
}

# One call of our tools that stand for Kafka's classes. $1 class, $2 arguments with @B@, $3 bootstrap server.
own_tool() { (cd "$here" && eval "$tree/deploy/bin/kafka-run-class.sh $1 ${2//@B@/$3}" </dev/null 2>&1); }

# Waits as RunTools.java does. $1 until or gone, $2 what, $3 bootstrap server, $4 ZooKeeper.
own_wait() {
    local class arguments=$2
    for _ in {1..600}; do
        if [ "$1" = gone ]; then
            if ! "$BARNABAS_BUILD/barnabas" zk get "$2" --zookeeper "$4" >/dev/null 2>&1; then return; fi
        else
            arguments=${2#*\' }
            class=${arguments%% *}
            local wanted=${2#\'}
            if own_tool "$class" "${arguments#* }" "$3" | grep -qzP -- "${wanted%%\'*}"; then return; fi
        fi
        sleep 0.1
    done
    echo "### waited in vain: $2"
}

# The same file of cases with our own tools. $1 cases, $2 bootstrap server, $3 ZooKeeper.
own_tools() {
    local name class arguments
    while IFS=$'\t' read -r name class arguments; do
        case $name in '' | \#*) continue ;; esac
        case $class in until | gone) own_wait "$class" "$arguments" "$2" "$3"; continue ;; esac
        local status=0
        echo "### $name: $arguments"
        own_tool "$class" "$arguments" "$2" || status=$?
        echo "exit $status"
    done <"$1"
}

# Kafka's tools on both clusters, then ours on both. $1 what, $2 cases, $3 the option of normalize.py.
own_sides() {
    both_sides "$1" "$kafka" "$2"
    own_tools "$2" "$theirs" "$their_zookeeper" >"$work/$1-on-kafka.raw" 2>&1
    own_tools "$2" "$ours" "$our_zookeeper" >"$work/$1-on-barnabas.raw" 2>&1
    "$here/normalize.py" "$3" <"$work/$1.kafka.raw" >"$work/$1.kafka"
    for side in kafka barnabas; do
        "$here/normalize.py" "$3" <"$work/$1-on-$side.raw" >"$work/$1-on-$side"
        compare "$1-on-$side" "$work/$1.kafka" "$work/$1-on-$side"
    done
}

# $1 what, $2 Kafka's, $3 ours, both normalized already.
compare() {
    local cases
    cases=$(grep -c '^### ' "$3" || true)
    if diff -u --label kafka "$2" --label barnabas "$3" >"$work/$1.diff"; then
        echo "== $1: the same ($cases cases, $(wc -l <"$3") lines)"
    else
        echo "== $1: different"
        cat "$work/$1.diff"
        differences=1
    fi
}

# A file of cases with Kafka's tools on both sides. $1 what, $2 jars, $3 cases.
both_sides() {
    tools "$2" "$3" "$theirs" "$their_zookeeper" >"$work/$1.kafka.raw" 2>&1 &
    local other=$!
    tools "$2" "$3" "$ours" "$our_zookeeper" >"$work/$1.barnabas.raw" 2>&1
    wait "$other"
    for side in kafka barnabas; do "$here/normalize.py" <"$work/$1.$side.raw" >"$work/$1.$side"; done
    compare "$1" "$work/$1.kafka" "$work/$1.barnabas"
}

# What a client without a tool asks of both. $1 what, $2 the program.
protocol() {
    "$here/$2" "$theirs" 0 >"$work/$1.kafka"
    "$here/$2" "$ours" 0 >"$work/$1.barnabas"
    compare "$1" "$work/$1.kafka" "$work/$1.barnabas"
}

# What docs/ZNODES.md explains: our own znodes, the groups', the further keys of /controller, the second copy of a topic's id, the spare producer ids.
znodes() {
    java -Dlog4j.configuration="file:$here/log4j.properties" -cp "$kafka/*" "$here/DumpZnodes.java" "$1" |
        sed -E -e '\#^/(barnabas|consumers/)#d' -e '\#^/[a-z]+/topics/__consumer_offsets#d' -e '\#^/controller E #s#,"host":.*\}#}#' \
            -e '\#^/latest_producer_id_block P v[12] #s#v. .*"block_start".*#v1 {...}#' \
            -e '\#/partitions P v0 #s#\{"version":1,"topic_id":"ID"\}#null#'
}

# Every file of Barnabas' through DumpLogSegments; a complaint is any line that none of these patterns knows. $1 what.
dump_files() {
    local data=$work/barnabas/data/broker-0 file
    for file in "$data"/*-[0-9]*/*.{log,index,timeindex,snapshot,txnindex}; do
        [ -f "$file" ] || continue
        local dump=$'\tkafka.tools.DumpLogSegments\t--files '$file
        case $file in
            */__consumer_offsets*.log) echo "log$dump --offsets-decoder --deep-iteration"; echo "shallow$dump" ;;
            *.log) echo "log$dump --print-data-log --deep-iteration"; echo "shallow$dump" ;;
            *index) echo "index$dump"; echo "sane$dump --index-sanity-check"; echo "true$dump --verify-index-only" ;;
            *) echo "state$dump" ;;
        esac
    done >"$work/$1.cases"
    tools "$kafka" "$work/$1.cases" - - >"$work/$1.out" 2>&1
    grep -avE -e '^(### |Dumping |Log starting offset: |exit 0$)' -e '^\| offset: [0-9]+ ' -e '^offset: [0-9]+ position: ' \
        -e '^timestamp: -?[0-9]+ offset: ' -e '^baseOffset: .* isvalid: true$' -e '^producerId: [0-9]+ ' \
        -e 'passed sanity check\.$' -e '\.index is empty\.$' "$work/$1.out" >"$work/$1.complaints" || true
    if [ -s "$work/$1.complaints" ]; then
        echo "== $1: complaints"
        sort "$work/$1.complaints" | uniq -c | head -n 50
        differences=1
    else
        echo "== $1: no complaint ($(wc -l <"$work/$1.cases") dumps, $(grep -ac '^| offset' "$work/$1.out") records)"
    fi
}

# The topics of groups.cases on one side, filled, and a member of `live`. $1 bootstrap server.
start_member() {
    local tool=$BARNABAS_BUILD/barnabas
    "$tool" topic create walked --partitions 3 --replication-factor 1 --bootstrap-server "$1" >/dev/null
    "$tool" topic create alone --partitions 1 --replication-factor 1 --bootstrap-server "$1" >/dev/null
    "$tool" topic create spare --partitions 2 --replication-factor 1 --bootstrap-server "$1" >/dev/null
    for topic in walked alone; do seq 60 | kcat -q -b "$1" -t "$topic" -p 0 -P; done
    seq 4 | kcat -q -b "$1" -t spare -p 0 -P
    seq 1 | kcat -q -b "$1" -t spare -p 1 -P
    kcat -q -b "$1" -G live -X client.id=cat walked >/dev/null 2>&1 &
    members+=($!)
    for _ in {1..300}; do
        if "$tool" group list --state stable --bootstrap-server "$1" 2>/dev/null | grep -q '^live '; then return; fi
        sleep 0.1
    done
    echo "== groups: no member of $1 joined"
}

case $only in
    swap | takeover) ;; # start what they need
    *) start_barnabas; start_kafka ;;
esac

wants() { [ -z "$only" ] || [ "$only" = "$1" ]; }

if wants groups; then # the first, since consumers of the others would be listed
    members=()
    for server in "$theirs" "$ours"; do start_member "$server"; done
    own_sides groups "$here/groups.cases" --own
    kill -TERM "${members[@]}"
    for server in "$theirs" "$ours"; do
        for topic in walked alone spare; do "$BARNABAS_BUILD/barnabas" topic delete "$topic" --bootstrap-server "$server" >/dev/null; done
    done
fi

if wants topics; then
    both_sides topics "$kafka" "$here/topics.cases"
    own_tools "$here/topics.cases" "$ours" "$our_zookeeper" >"$work/own.barnabas.raw"
    "$here/normalize.py" --own <"$work/topics.kafka.raw" >"$work/own.kafka"
    "$here/normalize.py" --own <"$work/own.barnabas.raw" >"$work/own.barnabas"
    compare own "$work/own.kafka" "$work/own.barnabas"
fi

if wants tools; then own_sides tools "$here/tools.cases" --own; fi

if wants old && [ -n "$kafka28" ]; then
    both_sides old "$kafka28" "$here/old-topics.cases"
    for server in "$theirs" "$ours"; do
        printf 'a\nb\n' | kcat -q -b "$server" -t old -p 4 -P
        [ "$(kcat -q -b "$server" -t old -p 4 -C -e | tr '\n' ' ')" = "a b " ] || { echo "== old: kcat lost records"; differences=1; }
    done
fi

if wants configs; then
    both_sides configs "$kafka" "$here/configs.cases"
    if [ -n "$kafka28" ]; then both_sides old-configs "$kafka28" "$here/old-configs.cases"; fi
    protocol protocol configs.py
fi

if wants admin; then protocol admin admin.py; fi

if wants data; then
    both_sides data "$kafka" "$here/data.cases"
    for server in "$theirs" "$ours"; do printf 'a\n' | kcat -q -b "$server" -t made.by.itself -P; done
    znodes "$their_zookeeper" >"$work/znodes.kafka"
    znodes "$our_zookeeper" >"$work/znodes.barnabas"
    compare znodes "$work/znodes.kafka" "$work/znodes.barnabas"
    broker=$(cat "$work/barnabas/run/broker-0.pid")
    kill -KILL "$broker"
    timeout 10 tail --pid="$broker" -f /dev/null
    dump_files files-after-a-kill
    start_barnabas
    "$tree/deploy/cluster-stop.sh" --dir "$work/barnabas" >/dev/null
    dump_files files-after-recovery
    gone=$(find "$work/barnabas/data/broker-0" -maxdepth 1 -name 'vanishing-*' ! -name '*-delete')
    [ -z "$gone" ] || { echo "== files: $gone should have gone"; differences=1; }
fi

if wants swap; then
    echo "== swap"
    TMPDIR=$work BARNABAS_TEST_PORTS=$((port + 4))-$((port + 9)) "$here/swap.py" --kafka "$kafka" || differences=1
fi

if wants takeover; then
    echo "== takeover"
    TMPDIR=$work BARNABAS_TEST_PORTS=$((port + 4))-$((port + 9)) "$here/takeover.py" --kafka "$kafka" || differences=1
fi

echo "outputs are in $work"
exit $differences
