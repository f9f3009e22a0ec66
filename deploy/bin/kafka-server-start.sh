#!/bin/bash
# kafka-server-start.sh [-daemon] server.properties [--override key=value]...: a broker and, unless BARNABAS_CONTROLLER=no, a controller from the
# same file, so that this alone gives a working broker as it does with Kafka. In the foreground both end together, and the exit code is the
# broker's, or the controller's when it was the first to go; -daemon writes logs/kafkaServer.out. LOG_DIR is where the logs go. There is no JVM:
# KAFKA_HEAP_OPTS, KAFKA_OPTS and JMX_PORT are ignored.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../libexec/barnabas-env.sh"

usage() {
    echo "USAGE: $0 [-daemon] server.properties [--override property=value]*"
    exit 1
}

daemon=no
if [ "${1:-}" = -daemon ]; then
    daemon=yes
    shift
fi
[ $# -ge 1 ] || usage
file=$(find_file "$1")
shift
if [ ! -r "$file" ]; then
    echo "$0: cannot read $file" >&2
    exit 1
fi
if [ ! -x "$programs/barnabas-broker" ]; then
    echo "$0: no programs in $programs: run deploy/build.sh first, or set BARNABAS_BUILD" >&2
    exit 1
fi
export LOG_DIR=${LOG_DIR:-$home/logs}
mkdir -p "$LOG_DIR"

if [ $daemon = yes ]; then
    nohup setsid "$here/kafka-server-start.sh" "$file" "$@" >"$LOG_DIR/kafkaServer.out" 2>&1 </dev/null &
    exit 0
fi
[ "${BARNABAS_CONTROLLER:-yes}" = yes ] || exec "$programs/barnabas-broker" "$file" "$@"

# Sessions of their own: a terminal's Ctrl-C comes to this script alone, which then stops them in the right order: the broker leaves first,
# since it tells the controller. Should this script be killed outright, they get a SIGTERM.
setsid setpriv --pdeathsig TERM "$programs/barnabas-controller" "$file" "$@" &
controller=$!
setsid setpriv --pdeathsig TERM "$programs/barnabas-broker" "$file" "$@" &
broker=$!
trap 'kill -TERM $broker 2>/dev/null || true' TERM INT HUP

# Waits for the end of $1, however many signals come meanwhile.
wait_for() {
    wait "$1" || true
    while kill -0 "$1" 2>/dev/null; do wait "$1" || true; done
}

# The first of the two to go decides the exit code. A signal ends `wait -n` early, with neither gone.
first=
while [ -z "${first:-}" ]; do
    wait -n -p first $broker $controller && code=0 || code=$?
done
if [ "$first" = "$controller" ]; then
    echo "$0: the controller ended with exit code $code; the broker is stopped" >&2
    kill -TERM $broker 2>/dev/null || true
    wait_for $broker
    [ "$code" -ne 0 ] || code=1
else
    kill -TERM $controller 2>/dev/null || true
    wait_for $controller
fi
exit "$code"
