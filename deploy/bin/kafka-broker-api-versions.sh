#!/bin/sh
# kafka-broker-api-versions.sh: Kafka's name for a command of `barnabas`.
here=$(dirname "$(readlink -f "$0")")
. "$here/../libexec/barnabas-env.sh"
exec "$programs/barnabas" kafka-broker-api-versions "$@"
