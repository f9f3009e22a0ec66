#!/bin/sh
# kafka-server-stop.sh: SIGTERM (or $SIGNAL) to every broker of this installation; returns at once, as Kafka's does. Whatever arguments
# tutorials add are ignored. A controller that kafka-server-start.sh started beside a broker goes when that broker is gone.
here=$(dirname "$(readlink -f "$0")")
. "$here/../libexec/barnabas-env.sh"

pids=$(pids_of "$programs/barnabas-broker")
if [ -z "$pids" ]; then
    echo "No kafka server to stop"
    exit 1
fi
# shellcheck disable=SC2086 # a list of pids
kill -s "${SIGNAL:-TERM}" $pids
