#!/bin/sh
# kafka-consumer-groups.sh: Kafka's name for a command of `barnabas`.
here=$(dirname "$(readlink -f "$0")")
. "$here/../libexec/barnabas-env.sh"
exec "$programs/barnabas" kafka-consumer-groups "$@"
