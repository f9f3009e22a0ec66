#!/bin/sh
# kafka-producer-perf-test.sh: Kafka's name for a command of `barnabas`.
here=$(dirname "$(readlink -f "$0")")
. "$here/../libexec/barnabas-env.sh"
exec "$programs/barnabas" kafka-producer-perf-test "$@"
