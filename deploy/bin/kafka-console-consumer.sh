#!/bin/sh
# kafka-console-consumer.sh: Kafka's name for a command of `barnabas`.
. "$(dirname "$0")/barnabas-env.sh"
exec "$programs/barnabas" kafka-console-consumer "$@"
