# cluster-lib.sh: what cluster-start.sh and cluster-stop.sh share. Sourced with $0 of the caller.

# Where the programs are: an installed tree (bin/ and config/ side by side) or a source tree (deploy/ and build/).
here=$(cd "$(dirname "$0")" && pwd)
if [ -x "$here/barnabas-broker" ]; then
    home=$(dirname "$here")
    programs=$here
    scripts=$here
else
    home=$(dirname "$here")
    programs=${BARNABAS_BUILD:-$home/build}
    scripts=$here/bin
fi

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# Is the process of this pid file alive, and still the program it was? $1 pid file, $2 a word of its command line.
alive() {
    [ -s "$1" ] || return 1
    tr '\0' ' ' 2>/dev/null <"/proc/$(cat "$1")/cmdline" | grep -q -- "$2"
}

# Stops the process of a pid file and waits for its end. $1 pid file, $2 a word of its command line, $3 seconds before SIGKILL.
stop_one() {
    if alive "$1" "$2"; then
        pid=$(cat "$1")
        kill -TERM "$pid"
        if ! timeout "$3" tail -s 0.05 --pid="$pid" -f /dev/null; then
            echo "$(basename "$1" .pid) (pid $pid) did not stop in $3 s: killing it" >&2
            kill -KILL "$pid" 2>/dev/null || true
            timeout 10 tail -s 0.05 --pid="$pid" -f /dev/null || fail "pid $pid does not die"
        fi
    fi
    rm -f "$1"
}
