# shellcheck shell=bash
# barnabas.bash: completion of `barnabas` and of Kafka's script names for bash: commands, options (asked of the program itself, so they are always
# its own) and, where a bootstrap server is on the line, names of topics. Source it, or install it where bash-completion looks.

# Prints the value that the line gives for an option. $1 the option's name.
_barnabas_value() {
    local i
    for ((i = 1; i < COMP_CWORD; i++)); do
        [ "${COMP_WORDS[i]}" != "--$1" ] || { echo "${COMP_WORDS[i + 1]:-}"; return; }
    done
}

_barnabas_topics() {
    local servers
    servers=$(_barnabas_value bootstrap-server)
    [ -z "$servers" ] || timeout 2 "$1" "$2" --list --bootstrap-server "${servers//\\/}" 2>/dev/null
}

_barnabas_groups() {
    local servers
    servers=$(_barnabas_value bootstrap-server)
    [ -z "$servers" ] || timeout 2 "$@" --bootstrap-server "${servers//\\/}" 2>/dev/null
}

_barnabas() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]} words=
    local -a command=("$program")
    if [ "${program##*/}" = barnabas ]; then
        if [ "$COMP_CWORD" -eq 1 ]; then
            mapfile -t COMPREPLY < <(compgen -W "$("$program" help 2>/dev/null | sed -n 's/^  \([a-z-]*\) .*/\1/p') help version" -- "$word")
            return
        fi
        command+=("${COMP_WORDS[1]}")
    fi
    case $before in
        --topic)
            if [ "${program##*/}" = barnabas ]; then words=$(_barnabas_topics "$program" kafka-topics); else
                words=$(_barnabas_topics "$(dirname "$(command -v "$program")")/kafka-topics.sh" --list); fi ;;
        --group)
            if [ "${program##*/}" = barnabas ]; then words=$(_barnabas_groups "$program" group list); else
                words=$(_barnabas_groups "$(dirname "$(command -v "$program")")/kafka-consumer-groups.sh" --list); fi ;;
        --format) words="text json" ;;
        --entity-type) words="topics brokers" ;;
        --election-type) words="preferred unclean" ;;
        --compression-codec) words="none gzip snappy lz4 zstd" ;;
        --isolation-level) words="read_committed read_uncommitted" ;;
        --*config | --*file | --files) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        *) words=$("${command[@]}" --help 2>/dev/null | sed -n 's/^  \(--[a-z.-]*\).*/\1/p') ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _barnabas barnabas kafka-topics.sh kafka-configs.sh kafka-get-offsets.sh kafka-dump-log.sh kafka-log-dirs.sh kafka-delete-records.sh \
    kafka-leader-election.sh kafka-cluster.sh kafka-consumer-groups.sh kafka-broker-api-versions.sh kafka-console-producer.sh kafka-console-consumer.sh \
    kafka-producer-perf-test.sh kafka-consumer-perf-test.sh
