# shellcheck shell=sh
# zookeeper-env.sh: how to run Debian's ZooKeeper classes; sourced by the scripts that do. run_zookeeper replaces the shell by one of them;
# its log goes to stderr from WARN up. ZOOKEEPER_JARS is the class path of another installation.
jars=/usr/share/java
java=${JAVA_HOME:+$JAVA_HOME/bin/}java

if [ -z "${ZOOKEEPER_JARS:-}" ] && [ ! -e "$jars/zookeeper.jar" ]; then
    echo "ZooKeeper is not installed: apt-get install zookeeper" >&2
    exit 1
fi
if ! command -v "$java" >/dev/null; then
    echo "Java is not installed: apt-get install default-jre-headless" >&2
    exit 1
fi

run_zookeeper() {
    # shellcheck disable=SC2086 # several options in one variable
    exec "$java" ${KAFKA_HEAP_OPTS:--Xms64m -Xmx512m} -XX:+UseSerialGC -Dzookeeper.jmx.log4j.disable=true \
        -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true \
        -Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.util.ServiceUtils=off \
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=[yyyy-MM-dd HH:mm:ss,SSS]" ${KAFKA_OPTS:-} \
        -cp "${ZOOKEEPER_JARS:-$jars/zookeeper.jar:$jars/slf4j-simple.jar}" "$@"
}
