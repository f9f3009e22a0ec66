#!/usr/bin/python3
"""run.py: consumer groups of clients that nobody here wrote, watched from within.

    run.py --build DIR [--kind c,python,kcat,...] [--strategy range,...] [--sizes 1-12] [--rounds N] [--seed S] [--kafka LIBS] [--kafkajs DIR] [--go DIR]

Each kind with each of its strategies is a scenario of its own: a topic of 12 partitions, a group, and rounds of changes. The table at the end has a
line each; exit 1 when a rule of audit.py was broken or a group took too long to settle.
"""
import argparse
import os
import pathlib
import random
import signal
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cluster"), str(HERE.parent / "chaos")]

import harness  # noqa: E402
from apache import Kafka  # noqa: E402
from java import Console, Performance, Verifiable  # noqa: E402
from kinds import Franz, Kafkajs, Kcat, Python, Rdkafka, Sarama  # noqa: E402
from scenario import Scenario, Settings  # noqa: E402

CLASSES = {"c": Rdkafka, "python": Python, "kcat": Kcat, "verifiable": Verifiable, "console": Console, "perf": Performance, "kafkajs": Kafkajs,
           "franz": Franz, "sarama": Sarama}
JAVA = ["verifiable", "console", "perf"]
GO = ["franz", "sarama"]
OVERRIDES = ["group.min.session.timeout.ms=1000", "group.initial.rebalance.delay.ms=200", "barnabas.shards=3"]


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def classes_of(kind, strategy, options):
    """The clients of a kind that know the strategy; `mixed` is all that are at hand."""
    names = [kind] if kind != "mixed" else ["c", "python", "kcat"] + (["verifiable"] if options.kafka else []) + (["kafkajs"] if options.kafkajs else [])
    names += GO if kind == "mixed" and options.go else []
    # Two clients' "sticky" are two formats of what members remember: nobody promises that they mix.
    found = [CLASSES[n] for n in names if strategy in CLASSES[n].strategies]
    return [] if kind == "mixed" and (strategy == "sticky" or len(found) < 2) else found


def scenarios(options):
    kinds = [k for kind in options.kind.split(",") for k in (JAVA if kind == "java" else [kind])]
    for kind in kinds:
        if kind in JAVA and not options.kafka or kind == "kafkajs" and not options.kafkajs or kind in GO and not options.go:
            continue
        for strategy in options.strategy.split(","):
            classes = classes_of(kind, strategy, options)
            if classes:
                yield kind, strategy, classes


def run_one(cluster, kind, strategy, classes, options):
    """A line of the table, and whether all was well."""
    name = f"{kind}-{strategy}-{options.seed}"
    settings = Settings(options.build, cluster.dir, cluster.env, cluster.bootstrap, f"group-{name}", f"topic-{name}", strategy, options.session,
                        options.heartbeat, options.max_poll, options.kafka, options.kafkajs, options.go)
    scenario = Scenario(cluster, settings, classes, options.sizes, random.Random(f"{options.seed} {kind} {strategy}"), options.rate, options.verbose)
    print(f"== {name}: {options.rounds} rounds", flush=True)
    wrong, outcome = [], None
    try:
        outcome = scenario.run(options.rounds)
        wrong = outcome.verdict.wrong
    except Exception:  # noqa: BLE001 - told, and the next scenario runs
        wrong = [traceback.format_exc()]
    for line in wrong[:20]:
        print(f"   VIOLATION {line}", flush=True)
    for line in scenario.story.notes[:20 if wrong else 0]:
        print(f"   note {line[:300]}", flush=True)
    settled = scenario.settled or [float("nan")]
    row = [kind, strategy, str(len(scenario.settled)), str(len(scenario.story.changes)), f"{percentile(settled, 50):.0f}", f"{max(settled):.0f}"]
    row[4:4] = [str(outcome.verdict.records), str(outcome.verdict.again), str(outcome.verdict.outdated)] if outcome else ["-"] * 3
    return row + [f"{os.getloadavg()[0]:.0f}", "FAIL" if wrong else "ok"], not wrong


def sizes(text):
    least, most = text.split("-") if "-" in text else (text, text)
    return int(least), int(most)


def told_to_end(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough: `finally` stops the cluster
    sys.exit(143)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, help="the build tree whose programs are tested")
    parser.add_argument("--kind", default="c,python,kcat,java,kafkajs,franz,sarama,mixed", help="of " + ", ".join(CLASSES) + ", java (three of them), mixed")
    parser.add_argument("--strategy", default="range,roundrobin,sticky,cooperative-sticky")
    parser.add_argument("--sizes", type=sizes, default=(1, 12), metavar="LEAST-MOST", help="members awake")
    parser.add_argument("--rounds", type=int, default=12, help="bursts of changes per kind and strategy")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=300, help="records a second")
    parser.add_argument("--session", type=int, default=4000, metavar="MS")
    parser.add_argument("--heartbeat", type=int, default=500, metavar="MS")
    parser.add_argument("--max-poll", type=int, default=6000, metavar="MS")
    parser.add_argument("--kafka", metavar="LIBS", help="the jars of Apache Kafka 3.9, for Java's members")
    parser.add_argument("--beside", action="store_true", help="against brokers of Apache Kafka (--kafka) instead: what is the client's own?")
    parser.add_argument("--kafkajs", metavar="DIR", help="where `npm install kafkajs` was run")
    parser.add_argument("--go", metavar="DIR", help="where the member of go/ was built")
    parser.add_argument("--override", action="append", default=[], metavar="KEY=VALUE", help="for every broker")
    parser.add_argument("--verbose", action="store_true", help="a line per round")
    options = parser.parse_args()
    options.build = str(pathlib.Path(options.build).resolve())
    return options


def main():
    options = parse()
    signal.signal(signal.SIGTERM, told_to_end)
    if options.beside:
        cluster = Kafka(options.kafka, options.build, overrides=[o for o in OVERRIDES if not o.startswith("barnabas.")] + options.override)
    else:
        cluster = harness.Cluster(options.build, overrides=OVERRIDES + options.override)
    print(f"{cluster.dir}, session {options.session}, heartbeat {options.heartbeat}, max.poll {options.max_poll} ms", flush=True)
    rows, results = [], []
    began = time.monotonic()
    try:
        cluster.start()
        for kind, strategy, classes in scenarios(options):
            row, good = run_one(cluster, kind, strategy, classes, options)
            rows.append(row)
            results.append(good)
    finally:
        cluster.stop()
    if all(results):
        cluster.remove()
    else:
        print(f"kept: {cluster.dir}")
    heading = ["kind", "strategy", "rounds", "changes", "records", "re-read", "by the fenced", "settle p50 ms", "max ms", "load", ""]
    for row in [heading, ["---"] * len(heading), *rows]:
        print("| " + " | ".join(row) + " |")
    print(f"{results.count(True)} passed, {results.count(False)} failed in {time.monotonic() - began:.0f} s", flush=True)
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
