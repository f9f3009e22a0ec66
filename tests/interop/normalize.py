#!/usr/bin/env python3
"""normalize.py [--own]: makes the output of RunTools.java comparable: ids, rates and the usage texts and stack traces that Kafka's
tools print behind an error go. --own also levels what is known to differ between kafka-topics.sh of Kafka and of Barnabas:
  * Kafka describes topics and configs in the order of a hash map, Barnabas by name: lines and configs are sorted;
  * Kafka 3.9 says Topic 'Optional[x]' where it means 'x';
  * Barnabas puts its name before what it says of a command line that it cannot read;
  * Kafka 3.9 prints some tables of consumer groups without ends of lines, a member's assignment without the names of its topics, and what
    stood in the stack trace as part of a line; Barnabas warns of a bounded offset where Kafka logs it.
Kafka's coordinators make __consumer_offsets when somebody looks for one, at a time of their own: what is said of it goes. A broker that serves
DescribeTopicPartitions has no way to have Kafka's tool print N/A for ELR."""
import json
import re
import sys

own = "--own" in sys.argv[1:]
text = sys.stdin.read()
text = re.sub(r"(?m)^Option  .*Description[^\n]*\n(?:(?!exit \d).*\n)*", "", text)
text = re.sub(r"(?m)^(?:\tat |Caused by: |\t\.\.\. \d+ more|java\.\S+Exception|joptsimple\.|SLF4J: ).*\n", "", text)
text = re.sub(r'"(timestamp|avg_throughput)":[\d.]+', r'"\1":N', text)
text = text.replace("\tElr: \tLastKnownElr: ", "\tElr: N/A\tLastKnownElr: N/A")
text = re.sub(r"(?m)^(?:\t?Topic: )?__consumer_offsets\b.*\n", "", text)
text = re.sub(r"(?m)^Dynamic configs for topic __consumer_offsets are:\n(?:  .*\n)*", "", text)
text = re.sub(r'(?m)^\{"timestamp":.*\}$', lambda m: json.dumps(json.loads(re.sub(r":N(?=[,}])", ":0", m.group())), sort_keys=True), text)
text = re.sub(r'"size":\d+', '"size":N', text)
text = re.sub(r'"logDir":"[^"]*"', '"logDir":"DIR"', text)
text = re.sub(r"TopicId: [\w-]{22}", "TopicId: ID", text)
text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
text = re.sub(r"\bcat-[0-9a-f-]{36}", "cat-ID", text)
text = re.sub(r"\d+ records sent, .* (?:max latency\.)\n", "", text)  # the lines every five seconds
text = re.sub(r"(\d+ records sent), .*", r"\1", text)
text = re.sub(r"(?m)^((?:Partition:\d+\t)?(?:Offset:\d+\t)?)[A-Z]{200}$", r"\1RECORD", text)


def configs(match):
    return "Configs: " + ",".join(sorted(re.split(r",(?=[a-z.]+=)", match.group(1))))


if own:
    text = re.sub(r"(?m)^kafka-[a-z-]+: (?=.*(?:recognized|requires|required))", "", text)
    text = re.sub(r"(?m)^(?:No key separator found|org\.apache\.kafka\.\S+Exception|\tSuppressed).*\n", "", text)
    text = re.sub(r"'Optional\[(.*?)\]'", r"'\1'", text)
    text = re.sub(r"Configs: (.+)", configs, text)
    text = re.sub(r"(?m)^(?:com\.fasterxml\.| at \[Source|WARN New offset ).*\n", "", text)
    text = text.replace("java.util.concurrent.ExecutionException: ", "")
    text = re.sub(r"(org\.apache\.kafka\.common\.errors\.\w+): [^.\n]*\.", r"\1: TEXT.", text)
    text = re.sub(r"\b[\w.-]+(\([\d,]+\))", r"\1", text)
    text = re.sub(r"(?m)^GROUP +TOPIC +PARTITION  NEW-OFFSET.*$", lambda m: "\n".join(re.findall(r".{1,88}", m.group())), text)
    text = re.sub(r"(?m)^(TOPIC +PARTITION +STATUS) +(\S.*)$",
                  lambda m: m.group(1) + "\n" + re.sub(r"(Successful +|: TEXT\.)(?=\S)", r"\1\n", m.group(2)), text)
    text = re.sub(r"\('(.*)'\) was successful", lambda m: "('" + ", ".join(sorted(m.group(1).split(", "))) + "') was successful", text)
    text = re.sub(r"(?m) +$", "", text)
for case in re.split(r"(?m)^(?=### )", text):
    lines = [line for line in case.split("\n") if line or not own]
    if own and lines and re.search("--describe|--reset-offsets", lines[0]):
        lines[1:] = sorted(lines[1:])
    print("\n".join(lines), end="\n" if own else "")
