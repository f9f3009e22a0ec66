#!/bin/bash
# e2e.sh [RUNS]: produce and fetch end to end, one broker, one partition, replication factor 1, in a network namespace of its own with the reno
# congestion control (the default of some machines slows bulk loopback streams). Each figure is printed as measured, RUNS times (default 5): quote
# medians. Needs root for the namespace.
set -euo pipefail
tree=$(cd "$(dirname "$0")/.." && pwd)
if [ "${BN_BENCH_INSIDE:-}" != yes ]; then
    make -s -C "$tree/build" bench/load
    exec env BN_BENCH_INSIDE=yes unshare --net bash "$0" "$@"
fi
runs=${1:-5}
ip link set lo up
sysctl -qw net.ipv4.tcp_congestion_control=reno
dir=$(mktemp -d)
trap '"$tree/deploy/cluster-stop.sh" --dir "$dir" >/dev/null; rm -rf "$dir"' EXIT
"$tree/deploy/cluster-start.sh" --dir "$dir" --brokers 1 --controllers 1 ${BN_BENCH_OVERRIDES:-} >/dev/null
load=$tree/build/bench/load
bootstrap=127.0.0.1:9092
pid=$(cat "$dir/run/broker-0.pid")

topic() { "$tree/build/barnabas" topic create "$1" --bootstrap-server $bootstrap --partitions 1 --replication-factor 1; }
drop() { "$tree/build/barnabas" topic delete "$1" --bootstrap-server $bootstrap; }

for ((i = 0; i <= runs; i++)); do # the first one warms memory and is not quoted
    [ "$i" = 0 ] && echo "-- warming up" || echo "-- run $i"
    topic "large$i" >/dev/null
    "$load" produce $bootstrap "$pid" "large$i" 2000000 1024 linger.ms=5
    "$load" consume $bootstrap "$pid" "large$i" 2000000
    topic "small$i" >/dev/null
    "$load" produce $bootstrap "$pid" "small$i" 5000000 100 linger.ms=5
    "$load" consume $bootstrap "$pid" "small$i" 5000000
    drop "large$i"
    drop "small$i"
done
grep -E 'VmRSS|VmHWM' "/proc/$pid/status"
