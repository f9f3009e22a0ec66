#!/bin/sh
# kafka-run-class.sh CLASS [arguments...]: the command of `barnabas` that does what this class of Kafka's does. There are no other classes here.
here=$(dirname "$(readlink -f "$0")")
. "$here/../libexec/barnabas-env.sh"

if [ $# -lt 1 ]; then
    echo "USAGE: $0 [-daemon] [-name servicename] [-loggc] classname [opts]"
    exit 1
fi
class=$1
shift
case ${class##*.} in
    GetOffsetShell) command=kafka-get-offsets ;;
    DumpLogSegments) command=kafka-dump-log ;;
    TopicCommand) command=kafka-topics ;;
    ConfigCommand) command=kafka-configs ;;
    ConsoleProducer) command=kafka-console-producer ;;
    ConsoleConsumer) command=kafka-console-consumer ;;
    ProducerPerformance) command=kafka-producer-perf-test ;;
    ConsumerPerformance) command=kafka-consumer-perf-test ;;
    ConsumerGroupCommand) command=kafka-consumer-groups ;;
    LogDirsCommand) command=kafka-log-dirs ;;
    DeleteRecordsCommand) command=kafka-delete-records ;;
    LeaderElectionCommand) command=kafka-leader-election ;;
    BrokerApiVersionsCommand) command=kafka-broker-api-versions ;;
    ClusterTool) command=kafka-cluster ;;
    Kafka) exec "$scripts/kafka-server-start.sh" "$@" ;;
    *)
        echo "$0: there is no $class here: Barnabas has no JVM; 'barnabas help' lists what there is" >&2
        exit 1 ;;
esac
exec "$programs/barnabas" "$command" "$@"
