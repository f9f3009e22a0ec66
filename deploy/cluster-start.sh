#!/bin/bash
# cluster-start.sh: ZooKeeper, controllers and brokers on this machine. Idempotent: what runs stays, what is missing or has died is started
# again with its data. Options are kept in DIR/cluster.settings for later starts.
set -euo pipefail
. "$(dirname "$0")/cluster-lib.sh"

usage() {
    cat <<'TXT'
usage: cluster-start.sh [options]
  --dir DIR              data, logs, configs and pids (default: cluster/ in the tree)
  --brokers N            broker i has broker.id i, from 0 (default 3)
  --controllers N        how many controllers; one is active (default 2)
  --port P               broker i listens on P+i (default 9092)
  --zookeeper-port P     (default 2181)
  --override KEY=VALUE   for every broker and controller; any number; kept for later starts
TXT
}

dir=$home/cluster
for ((i = 1; i <= $#; i++)); do # --dir first: the kept settings are in it
    [ "${!i}" = --dir ] && { j=$((i + 1)); dir=${!j:-}; }
done
[ -n "$dir" ] || fail "--dir needs a directory"
mkdir -p "$dir/run" "$dir/config" "$dir/logs" "$dir/data"
dir=$(cd "$dir" && pwd)

brokers=3 controllers=2 port=9092 zookeeper_port=2181
settings=$dir/cluster.settings
overrides=$dir/overrides.properties
# shellcheck disable=SC1090
[ -f "$settings" ] && . "$settings"
touch "$overrides"

while [ $# -gt 0 ]; do
    case $1 in
        --dir) shift ;;
        --brokers) brokers=${2:?--brokers needs a number}; shift ;;
        --controllers) controllers=${2:?--controllers needs a number}; shift ;;
        --port) port=${2:?--port needs a port}; shift ;;
        --zookeeper-port) zookeeper_port=${2:?--zookeeper-port needs a port}; shift ;;
        --override)
            [[ ${2:-} == ?*=* ]] || fail "--override needs KEY=VALUE, not '${2:-}'"
            { grep -v "^${2%%=*}=" "$overrides" || true; echo "$2"; } >"$overrides.new"
            mv "$overrides.new" "$overrides"
            shift ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
done
for n in "$brokers" "$controllers" "$port" "$zookeeper_port"; do
    [[ $n =~ ^[0-9]+$ ]] || fail "'$n' is not a number"
done
printf 'brokers=%s controllers=%s port=%s zookeeper_port=%s\n' "$brokers" "$controllers" "$port" "$zookeeper_port" >"$settings"
[ -x "$programs/barnabas-broker" ] || fail "no programs in $programs: run deploy/build.sh first, or set BARNABAS_BUILD"

# Starts a program in the background, its output into logs/, its pid into run/. $1 name, rest: the command.
launch() {
    local name=$1
    shift
    LOG_DIR=$dir/logs/$name nohup setsid "$@" >"$dir/logs/$name.out" 2>&1 </dev/null &
    echo $! >"$dir/run/$name.pid"
}

# Waits for readiness, or says what the process said last. $1 name, rest: the command that waits.
await() {
    local name=$1
    shift
    "$@" && return 0
    tail -n 5 "$dir/logs/$name.out" >&2
    fail "$name is not ready (its output: $dir/logs/$name.out)"
}

start_zookeeper() {
    mkdir -p "$dir/data/zookeeper"
    cat >"$dir/config/zookeeper.properties" <<CFG
dataDir=$dir/data/zookeeper
clientPort=$zookeeper_port
clientPortAddress=127.0.0.1
tickTime=1000
minSessionTimeout=6000
maxSessionTimeout=60000
maxClientCnxns=0
admin.enableServer=false
4lw.commands.whitelist=*
CFG
    alive "$dir/run/zookeeper.pid" QuorumPeerMain ||
        launch zookeeper "$scripts/zookeeper-server-start.sh" "$dir/config/zookeeper.properties"
    await zookeeper "$programs/barnabas" wait --zookeeper "127.0.0.1:$zookeeper_port" --timeout 30
}

start_controller() {
    local name=controller-$1
    mkdir -p "$dir/logs/$name"
    { printf 'controller.id=%s\nzookeeper.connect=127.0.0.1:%s\ncontroller.host=127.0.0.1\n' "$1" "$zookeeper_port"
      cat "$overrides"; } >"$dir/config/$name.properties"
    alive "$dir/run/$name.pid" barnabas-controller ||
        launch "$name" "$programs/barnabas-controller" "$dir/config/$name.properties"
}

start_broker() {
    local name=broker-$1
    mkdir -p "$dir/logs/$name"
    { cat <<CFG
broker.id=$1
listeners=PLAINTEXT://127.0.0.1:$((port + $1))
log.dirs=$dir/data/$name
zookeeper.connect=127.0.0.1:$zookeeper_port
CFG
      cat "$overrides"; } >"$dir/config/$name.properties"
    alive "$dir/run/$name.pid" barnabas-broker || launch "$name" "$programs/barnabas-broker" "$dir/config/$name.properties"
}

start_zookeeper
for ((i = 0; i < controllers; i++)); do start_controller "$i"; done
bootstrap=
for ((i = 0; i < brokers; i++)); do
    start_broker "$i"
    bootstrap=$bootstrap${bootstrap:+,}127.0.0.1:$((port + i))
done
await "broker-0" "$programs/barnabas" wait --bootstrap-server "$bootstrap" --brokers "$brokers" --timeout 60

cat <<TXT
cluster of $brokers brokers and $controllers controllers is ready
  bootstrap servers  $bootstrap
  zookeeper          127.0.0.1:$zookeeper_port
  configs, data      $dir/config $dir/data
  logs, pids         $dir/logs $dir/run
  stop it with       $here/cluster-stop.sh --dir $dir
TXT
