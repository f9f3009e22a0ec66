#!/bin/sh
# kafka-topics.sh: Kafka's name for a command of `barnabas`.
. "$(dirname "$0")/barnabas-env.sh"
exec "$programs/barnabas" kafka-topics "$@"
