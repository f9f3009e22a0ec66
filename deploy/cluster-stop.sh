#!/bin/bash
# cluster-stop.sh [--dir DIR]: stops what cluster-start.sh started, in the right order: brokers (they tell the controller and write clean-shutdown
# markers), controllers, ZooKeeper. What is not running is no error. One that does not end keeps none of the others running; it is told at the end.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
lib=$here/../libexec
[ -e "$lib/cluster-lib.sh" ] || lib=$here/libexec
. "$lib/barnabas-env.sh"
. "$lib/cluster-lib.sh"

dir=$home/cluster
while [ $# -gt 0 ]; do
    case $1 in
        --dir) dir=${2:?--dir needs a directory}; shift ;;
        -h | --help) echo "usage: cluster-stop.sh [--dir DIR]"; exit 0 ;;
        *) echo "usage: cluster-stop.sh [--dir DIR]" >&2; exit 2 ;;
    esac
    shift
done
[ -d "$dir/run" ] || { echo "nothing was started in $dir"; exit 0; }
use_dir "$dir"

# All of a kind are told at once, and have the same time. $1 the kind, $2 seconds before SIGKILL.
left=()
stop_kind() {
    local name until=$((SECONDS + $2))
    for name in $(names "$1"); do tell "$name"; done
    for name in $(names "$1"); do await_end "$name" "$until" || left+=("$name"); done
}
stop_kind broker- 60
stop_kind controller- 20
stop_kind zookeeper 20
[ ${#left[@]} -eq 0 ] || fail "still running: ${left[*]}"
echo "the cluster in $dir is stopped"
