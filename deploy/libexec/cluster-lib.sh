# shellcheck shell=bash
# cluster-lib.sh: what cluster-start.sh and cluster-stop.sh share. Sourced after barnabas-env.sh, with `dir` set by use_dir.

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# Takes the cluster's directory, which exists, and its lock: one start or stop at a time.
use_dir() {
    dir=$(cd "$1" && pwd -P)
    exec 9>"$dir/run/lock"
    flock -n 9 || { echo "waiting for another start or stop of $dir" >&2; flock 9; }
}

# Is the process of this name alive, and still ours? A pid may have been given to another process since: ours has its configuration file
# among its arguments. $1 the name: zookeeper, controller-0, broker-0.
alive() {
    [ -s "$dir/run/$1.pid" ] || return 1
    printf '%s\n' "$dir/config/$1.properties" | grep -zFxq -f - "/proc/$(<"$dir/run/$1.pid")/cmdline" 2>/dev/null
}

# Is it on its way out? Then its arguments are gone already, but not all of its threads, and its port is still taken. $1 the name.
ending() {
    local pid='' tasks
    read -r pid 2>/dev/null <"$dir/run/$1.pid" || true
    [[ $pid =~ ^[0-9]+$ ]] || return 1
    [ -z "$(tr -d '\0' 2>/dev/null <"/proc/$pid/cmdline")" ] || return 1
    tasks=("/proc/$pid/task"/*)
    [ -e "${tasks[0]}" ] && { [ ${#tasks[@]} -gt 1 ] || ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null; }
}

# One that was stopped by SIGSTOP hears of it too.
tell() {
    if alive "$1"; then
        kill -TERM "$(<"$dir/run/$1.pid")" 2>/dev/null || true
        kill -CONT "$(<"$dir/run/$1.pid")" 2>/dev/null || true
    fi
}

# Waits for the end of a process that was told to stop. $1 its name, $2 when (as SECONDS tells time) SIGKILL is due. False: not even that ended it.
await_end() {
    local deadline=$2 killed=no
    while alive "$1" || ending "$1"; do
        if ((SECONDS > deadline)); then
            if [ $killed = yes ]; then
                echo "$1 (pid $(<"$dir/run/$1.pid")) does not die" >&2
                return 1
            fi
            echo "$1 (pid $(<"$dir/run/$1.pid")) did not stop in time: killing it" >&2
            ! alive "$1" || kill -KILL "$(<"$dir/run/$1.pid")" 2>/dev/null || true
            killed=yes
            deadline=$((SECONDS + 10))
        fi
        sleep 0.05 # nothing tells a shell of the end of a process that is not its child
    done
    rm -f "$dir/run/$1.pid"
}

# The names of a kind that have a pid file. $1 the kind.
names() {
    local file
    for file in "$dir/run/$1"*.pid; do
        [ -e "$file" ] && basename "$file" .pid
    done
    return 0
}
