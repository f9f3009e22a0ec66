#!/bin/bash
# e2e.sh [RUNS]: produce, fetch and latency end to end: one broker, one partition, replication factor 1, acks=1, in a network namespace of its own
# with the reno congestion control (the default of some machines slows bulk loopback streams). One round warms up, RUNS (default 5) are counted;
# each line is printed as measured, and at the end the median of each figure with its least and greatest. Needs root for the namespace.
#
# Memory is warm: topics are deleted at once, so that the page cache fills memory which this machine has used a moment ago. On virtual machines
# memory that was never touched, or was given back to the host, costs several times what the broker does.
#
#   BN_BENCH_OVERRIDES="--override KEY=VALUE ..."   for our broker
#   BN_BENCH_BESIDE="BOOTSTRAP COMMAND ..."         another broker, run by COMMAND in the foreground, measured in turns with ours: a line of ours, then one
#                                                   of the other's. Our ZooKeeper is at 127.0.0.1:2181; give the other a chroot of its own.
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
beside=
finish() {
    [ -z "$beside" ] || { kill "$beside" && wait "$beside"; } || true
    "$tree/deploy/cluster-stop.sh" --dir "$dir" >/dev/null
    rm -rf "$dir"
}
trap finish EXIT
# shellcheck disable=SC2086
"$tree/deploy/cluster-start.sh" --dir "$dir" --brokers 1 --controllers 1 --override log.segment.delete.delay.ms=100 \
    ${BN_BENCH_OVERRIDES:-} >/dev/null
tool=$tree/build/barnabas
declare -A bootstrap=([ours]=127.0.0.1:9092) pid=([ours]=$(cat "$dir/run/broker-0.pid"))
brokers=ours
if [ -n "${BN_BENCH_BESIDE:-}" ]; then
    # shellcheck disable=SC2086
    set -- $BN_BENCH_BESIDE
    bootstrap[other]=$1
    shift
    "$@" >"$dir/other.out" 2>&1 &
    beside=$! brokers="ours other"
    pid[other]=$beside
    "$tool" wait --bootstrap-server "${bootstrap[other]}" --timeout 60
fi

topic() { "$tool" topic "$1" "$2" --bootstrap-server "${bootstrap[$who]}" "${@:3}" >/dev/null; }
# $1 what it is called, $2 produce, consume or latency, rest: that one's arguments.
measure() {
    printf '%s %s: ' "$who" "$1"
    "$tree/build/bench/load" "$2" "${bootstrap[$who]}" "${pid[$who]}" "${@:3}"
}
# One kind of work for every broker, on a topic of its own. $1 topic, then what measure takes, with + between several.
work() {
    local name=$1
    shift
    for who in $brokers; do
        topic create "$name" --partitions 1 --replication-factor 1
        local one=()
        for word in "$@" +; do
            if [ "$word" = + ]; then
                measure "${one[0]}" "${one[1]}" "$name" "${one[@]:2}"
                one=()
            else
                one+=("$word")
            fi
        done
        topic delete "$name"
        sleep 0.5
    done
}

for ((i = 0; i <= runs; i++)); do
    [ "$i" = 0 ] && echo "-- warming up" || echo "-- run $i, load average $(cut -d' ' -f1 /proc/loadavg)"
    work "large$i" produce-1KiB produce 1000000 1024 acks=1 linger.ms=5 + fetch-1KiB consume 1000000
    work "middle$i" produce-1KiB-in-16KiB-batches produce 500000 1024 acks=1 linger.ms=5 batch.size=16384
    work "small$i" produce-100B produce 5000000 100 acks=1 linger.ms=5 + fetch-100B consume 5000000
    work "latency$i" latency-100B latency 500 10 100 acks=1 linger.ms=0
done | tee "$dir/lines"

echo "-- medians (least-greatest) of $runs runs"
sed '1,/^-- run 1/d; /^--/d' "$dir/lines" |
    sed -E 's|^(\S+ \S+): latency .*p50 (\S+) ms, p99 (\S+) ms.*brokers (\S+) of.*|\1 p50-ms \2 p99-ms \3 broker-cores \4|
            s|^(\S+ \S+): .*: (\S+) records/s, (\S+) MB/s.*= (\S+) per GB = (\S+) per million|\1 records/s \2 MB/s \3 CPU-s/GB \4 CPU-s/million \5|' |
    awk '{ for (i = 3; i < NF; i += 2) print $1, $2, $i, $(i + 1) }' | sort -k1,3 -k4n |
    awk 'function tell() { if (n) printf "%-8s %-30s %-15s %10s  (%s-%s)\n", who[1], who[2], who[3], v[int((n + 1) / 2)], v[1], v[n] }
         { key = $1 " " $2 " " $3; if (key != last) { tell(); n = 0; split(key, who, " "); last = key } v[++n] = $4 }
         END { tell() }'
for who in $brokers; do echo "$who: $(grep -E 'VmRSS' "/proc/${pid[$who]}/status" | tr -s '\t ' ' ')"; done
