#!/bin/sh
# kafka-log-dirs.sh: Kafka's name for a command of `barnabas`.
here=$(dirname "$(readlink -f "$0")")
. "$here/../libexec/barnabas-env.sh"
exec "$programs/barnabas" kafka-log-dirs "$@"
