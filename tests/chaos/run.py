#!/usr/bin/python3
"""run.py: breaks a real cluster of three brokers under load, again and again, and checks that nothing acknowledged is gone.

    run.py --build DIR [--kinds leader,controller,...] [--rounds N] [--seed S] [--client default|fast|both] [--targets] [--kafka LIBS]

Kinds are those of rounds.py and groups.py, `clients`, and, alone, `znodes` (with --kafka: what differs between the two). Each has a cluster and a directory of its own, stopped by pid and removed unless something
was wrong. With --kafka the same rounds run against Apache Kafka, whose jars are in LIBS. With --targets a missed target is a violation
too. The closing line has the counts; exit 1 on any violation.
"""
import argparse
import pathlib
import random
import signal
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import load  # noqa: E402
import harness  # noqa: E402
from apache import Kafka  # noqa: E402
import znodes  # noqa: E402
import groups  # noqa: E402
from clients import Clients  # noqa: E402
from rounds import KINDS  # noqa: E402

KINDS = {**KINDS, "clients": Clients, **groups.KINDS}
DEFAULT_ROUNDS = {"clients": 2, "leader": 50, "controller": 50, "both": 20, "stop": 5, "follower": 20, "all": 20, "rolling": 5, "delete": 10,
                  "group-coordinator": 5, "group-controller": 5, "group-zookeeper": 1}


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def missed(kind):
    return [f"{name} p{percent} {percentile(kind.figures[name], percent):.1f} > {limit} ms"
            for name, limits in kind.targets.items() if kind.figures.get(name)
            for percent, limit in limits.items() if percentile(kind.figures[name], percent) > limit]


def make_cluster(options, kind):
    overrides = list(kind.overrides) + options.override
    if options.kafka:
        return Kafka(options.kafka, options.build, overrides=overrides)
    return harness.Cluster(options.build, overrides=overrides)


def run_kind(options, name, client):
    """Gives whether all was well."""
    kind_class = KINDS[name]
    rounds = options.rounds or DEFAULT_ROUNDS[name]
    title = f"{'kafka ' if options.kafka else ''}{name}, {client} client, seed {options.seed}"
    cluster = make_cluster(options, kind_class)
    kind = kind_class(cluster, random.Random(f"{options.seed} {name}"), load.FAST if client == "fast" else None, options.rate)
    kind.settle = options.settle
    if options.kafka:
        kind.at_once_ms = 0
    began, line, done, wrong = time.monotonic(), "not checked", 0, None
    print(f"== {title}: {rounds} rounds in {cluster.dir}", flush=True)
    try:
        cluster.start()
        kind.begin()
        for i in range(rounds):
            kind.one(i)
            done += 1
            if options.verbose:
                print(f"   {time.strftime('%H:%M:%S')} round {i}: " + ", ".join(f"{n} {v[-1]:.1f}" for n, v in kind.figures.items()), flush=True)
        line = kind.end()
    except Exception:  # noqa: BLE001 - told, and the next kind runs
        wrong = traceback.format_exc()
    finally:
        kind.abandon()
        try:
            cluster.stop()
        except Exception:  # noqa: BLE001
            wrong = (wrong or "") + traceback.format_exc()
    for what, values in kind.figures.items():
        print(f"   {what}: p50 {percentile(values, 50):.1f}, p90 {percentile(values, 90):.1f}, max {max(values):.1f} ms of {len(values)}")
    late = missed(kind)
    if late:
        print(f"   targets missed: {'; '.join(late)}")
    bad = wrong or (late and options.targets)
    if wrong:
        print(f"VIOLATION in round {done}\n{wrong}\n{cluster.last_words()}\nkept: {cluster.dir}")
    else:
        cluster.remove()
    print(f"{'FAIL' if bad else 'ok  '} {title}: {done} rounds in {time.monotonic() - began:.0f} s; {line}", flush=True)
    return not bad


def told_to_end(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough: `finally` stops the cluster
    sys.exit(143)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, help="the build tree whose programs are tested")
    parser.add_argument("--kinds", default=",".join(KINDS), help="of " + ", ".join(KINDS) + "; or znodes")
    parser.add_argument("--rounds", type=int, default=0, help="instead of each kind's own number")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--client", choices=["default", "fast", "both"], default="both", help="librdkafka's defaults, quick retries, or both in turn")
    parser.add_argument("--settle", type=float, default=0, metavar="SECONDS",
                        help="between rounds: 11 for a single failure as librdkafka's defaults meet it (see FAST in load.py)")
    parser.add_argument("--rate", type=int, default=2000, help="records a second")
    parser.add_argument("--override", action="append", default=[], metavar="KEY=VALUE", help="for every broker and controller")
    parser.add_argument("--targets", action="store_true", help="a missed target is a violation")
    parser.add_argument("--kafka", metavar="LIBS", help="against Apache Kafka, whose jars are in this directory")
    parser.add_argument("--verbose", action="store_true", help="a line per round")
    options = parser.parse_args()
    options.build = str(pathlib.Path(options.build).resolve())
    signal.signal(signal.SIGTERM, told_to_end)
    if options.kinds == "znodes":
        return 0 if znodes.run(harness.Cluster(options.build), options.kafka and Kafka(options.kafka, options.build)) else 1
    clients = ["default", "fast"] if options.client == "both" else [options.client]
    results = [run_kind(options, name, client) for name in options.kinds.split(",") for client in clients]
    print(f"{results.count(True)} passed, {results.count(False)} failed", flush=True)
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
