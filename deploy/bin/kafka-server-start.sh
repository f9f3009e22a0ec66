#!/bin/bash
# kafka-server-start.sh [-daemon] server.properties [--override key=value]...: a broker and, unless BARNABAS_CONTROLLER=no, a controller from the
# same file, so that this alone gives a working broker as it does with Kafka. In the foreground both end together; -daemon writes
# logs/kafkaServer.out. JVM settings in the environment (KAFKA_HEAP_OPTS, KAFKA_OPTS, JMX_PORT) mean nothing here and are ignored.
set -eu
. "$(dirname "$0")/barnabas-env.sh"

if [ $# -lt 1 ]; then
    echo "USAGE: $0 [-daemon] server.properties [--override property=value]*"
    exit 1
fi
export LOG_DIR=${LOG_DIR:-$home/logs}
mkdir -p "$LOG_DIR"

if [ "$1" = -daemon ]; then
    shift
    nohup setsid "$0" "$@" >"$LOG_DIR/kafkaServer.out" 2>&1 </dev/null &
    exit 0
fi

[ "${BARNABAS_CONTROLLER:-yes}" = yes ] || exec "$programs/barnabas-broker" "$@"

"$programs/barnabas-controller" "$@" &
controller=$!
"$programs/barnabas-broker" "$@" &
broker=$!
# The broker leaves first: it tells the controller, and the controller what it decided.
trap 'kill -TERM $broker 2>/dev/null || true' TERM INT
status=0
while kill -0 $broker 2>/dev/null; do
    wait -n $broker $controller && status=0 || status=$?
    kill -0 $controller 2>/dev/null || kill -TERM $broker 2>/dev/null || true
    wait $broker && status=0 || status=$?
done
kill -TERM $controller 2>/dev/null || true
wait $controller || true
exit "$status"
