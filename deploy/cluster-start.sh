#!/bin/bash
# cluster-start.sh: ZooKeeper, controllers and brokers on this machine. Idempotent: what runs stays, what is missing or has died is started
# again with its data. Options are kept in DIR/cluster.settings for later starts.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
lib=$here/../libexec
[ -e "$lib/cluster-lib.sh" ] || lib=$here/libexec
. "$lib/barnabas-env.sh"
. "$lib/cluster-lib.sh"

usage() {
    cat <<'TXT'
usage: cluster-start.sh [options]
  --dir DIR              data, logs, configs and pids (default: cluster/ in the tree)
  --brokers N            broker i has broker.id i, from 0 (default 3)
  --controllers N        how many controllers; one is active (default 2)
  --port P               broker i listens on P+i (default 9092)
  --zookeeper-port P     (default 2181)
  --override KEY=VALUE   for every broker and controller; any number; kept for later starts
What runs already stays as it is: new overrides reach it when it is stopped and started again.
TXT
}

# The options are read into `given` first, since those of earlier starts, in the directory, come before them.
declare -A given=()
new_overrides=()
while [ $# -gt 0 ]; do
    case $1 in
        --dir | --brokers | --controllers | --port | --zookeeper-port)
            [ -n "${2:-}" ] || fail "$1 needs a value"
            given[${1#--}]=$2
            shift ;;
        --override)
            [[ ${2:-} == [!=]*=* ]] || fail "--override needs KEY=VALUE, not '${2:-}'"
            new_overrides+=("$2")
            shift ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
done
number() { # $1 the option, $2 its value, $3 the least, $4 the most
    if [[ ! $2 =~ ^[0-9]{1,5}$ ]] || ((10#$2 < $3 || 10#$2 > $4)); then fail "--$1 must be a number from $3 to $4, not '$2'"; fi
}

# First the checks that need no directory, so that a mistake leaves nothing behind.
for option in brokers controllers; do number $option "${given[$option]:-1}" 1 1000; done
for option in port zookeeper-port; do number $option "${given[$option]:-1}" 1 65535; done
[ -x "$programs/barnabas-broker" ] || fail "no programs in $programs: run deploy/build.sh first, or set BARNABAS_BUILD"
dir=${given[dir]:-$home/cluster}
[[ $dir != *,* ]] || fail "'$dir' has a comma, which separates directories in log.dirs: choose another"
mkdir -p "$dir/run" "$dir/config" "$dir/logs" "$dir/data"
use_dir "$dir"

brokers=3 controllers=2 port=9092 zookeeper_port=2181
settings=$dir/cluster.settings
overrides=$dir/overrides.properties
# shellcheck disable=SC1090 # written below
[ -f "$settings" ] && . "$settings"
running=$(for name in $(names zookeeper) $(names controller-) $(names broker-); do if alive "$name"; then echo "$name"; fi; done)

# A port can change only between a stop and a start.
for option in port zookeeper-port; do
    old=${option//-/_}
    [ -z "$running" ] || [ "${given[$option]:-${!old}}" = "${!old}" ] ||
        fail "--$option ${given[$option]}: the cluster in $dir is running with ${!old}; stop it first: cluster-stop.sh --dir '$dir'"
done
brokers=${given[brokers]:-$brokers} controllers=${given[controllers]:-$controllers}
port=${given[port]:-$port} zookeeper_port=${given[zookeeper-port]:-$zookeeper_port}
((port + brokers - 1 <= 65535)) || fail "--port $port leaves no ports for $brokers brokers"
if ((zookeeper_port >= port && zookeeper_port < port + brokers)); then fail "--zookeeper-port $zookeeper_port is a broker's port"; fi
printf 'brokers=%s controllers=%s port=%s zookeeper_port=%s\n' "$brokers" "$controllers" "$port" "$zookeeper_port" >"$settings"

touch "$overrides"
for pair in ${new_overrides[@]+"${new_overrides[@]}"}; do
    while IFS= read -r line; do
        [ "${line%%=*}" = "${pair%%=*}" ] || printf '%s\n' "$line"
    done <"$overrides" >"$overrides.new"
    printf '%s\n' "$pair" >>"$overrides.new"
    mv "$overrides.new" "$overrides"
done

# Starts a program in the background, its output into logs/, its pid into run/. $1 name, $2 the port it will listen on or nothing, rest: the command.
launched=()
taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
launch() {
    local name=$1 listens=$2
    shift 2
    await_end "$name" $((SECONDS + 10)) || true # of the one before, when it was killed just now
    if [ -n "$listens" ] && taken "$listens"; then
        fail "$name cannot start: port $listens is in use by a program that is not of this cluster"
    fi
    mkdir -p "$dir/logs/$name"
    LOG_DIR=$dir/logs/$name nohup setsid "$@" "$dir/config/$name.properties" >"$dir/logs/$name.out" 2>&1 </dev/null 9>&- &
    echo $! >"$dir/run/$name.pid"
    launched+=("$name")
}

# Waits for readiness; when a program that was just started ends instead, or time is up, says what it said last. Arguments: the command that waits.
await() {
    local waiter ended='' status=0 name
    "$@" 9>&- &
    waiter=$!
    wait -n -p ended || status=$?
    [ "$ended" = "$waiter" ] && [ $status -eq 0 ] && return 0
    kill "$waiter" 2>/dev/null || true
    for name in "${launched[@]}"; do
        alive "$name" && continue
        tail -n 5 "$dir/logs/$name.out" >&2
        fail "$name ended when it should have started; its output: $dir/logs/$name.out"
    done
    fail "not ready in time; see $dir/logs"
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
autopurge.purgeInterval=1
4lw.commands.whitelist=*
CFG
    alive zookeeper || launch zookeeper "$zookeeper_port" "$scripts/zookeeper-server-start.sh"
    await "$programs/barnabas" wait --zookeeper "127.0.0.1:$zookeeper_port" --timeout 30
}

start_controller() {
    local name=controller-$1
    { printf 'controller.id=%s\nzookeeper.connect=127.0.0.1:%s\ncontroller.host=127.0.0.1\n' "$1" "$zookeeper_port"
      cat "$overrides"; } >"$dir/config/$name.properties"
    alive "$name" || launch "$name" "" "$programs/barnabas-controller"
}

start_broker() {
    local name=broker-$1
    { cat <<CFG
broker.id=$1
listeners=PLAINTEXT://127.0.0.1:$((port + $1))
log.dirs=$dir/data/$name
zookeeper.connect=127.0.0.1:$zookeeper_port
offsets.topic.replication.factor=$((brokers < 3 ? brokers : 3))
CFG
      cat "$overrides"; } >"$dir/config/$name.properties"
    alive "$name" || launch "$name" "$((port + $1))" "$programs/barnabas-broker"
}

start_zookeeper
for ((i = 0; i < controllers; i++)); do start_controller "$i"; done
bootstrap=
for ((i = 0; i < brokers; i++)); do
    start_broker "$i"
    bootstrap=$bootstrap${bootstrap:+,}127.0.0.1:$((port + i))
done
await "$programs/barnabas" wait --bootstrap-server "$bootstrap" --brokers "$brokers" --timeout 60

if [ -n "$running" ] && [ ${#new_overrides[@]} -gt 0 ]; then
    echo "the overrides reach what was already running when it is stopped and started again:" "${running//$'\n'/ }"
fi
cat <<TXT
cluster of $brokers brokers and $controllers controllers is ready
  bootstrap servers  $bootstrap
  zookeeper          127.0.0.1:$zookeeper_port
  configs, data      $dir/config $dir/data
  logs, pids         $dir/logs $dir/run
  stop it with       $here/cluster-stop.sh --dir '$dir'
TXT
