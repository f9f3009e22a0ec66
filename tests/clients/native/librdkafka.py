#!/usr/bin/python3
"""librdkafka.py: librdkafka's own test suite against three brokers.

    librdkafka.py --build BUILD --suite LIBRDKAFKA/tests [--kafka LIBS] [--only 0030,0040-0059] [--jobs N] [--full] [--idempotent]

Each numbered test is a process of its own, so that one which hangs or crashes ends nothing else. limits.txt says what is not run, and why. With
--kafka what has failed is run once more against brokers of Apache Kafka: what fails there as well is the test's or the machine's. What fails only
here is a fault, and the exit is 1. The output of each test stays in the directory that is printed; --keep keeps the servers' directories, too.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent / "cluster"), str(HERE.parent.parent / "chaos")]

import harness  # noqa: E402
from apache import Kafka  # noqa: E402

LIMIT = 900  # seconds for a process; the suite's own limits are below it
VERSION = "3.9.1"  # what the tests take the brokers for: those of later APIs skip themselves
SETTINGS = ["num.partitions=4", "default.replication.factor=3", "offsets.topic.replication.factor=3", "offsets.topic.num.partitions=12"]
SCENARIOS = {"default": "true", "noautocreate": "false"}  # whether topics are made by being asked for
GOOD = ("PASSED", "SKIPPED", "LIMIT")


def limits():
    """{number: (kind, words)}"""
    lines = [line.split("#")[0].split() for line in (HERE / "limits.txt").read_text().splitlines()]
    return {words[0]: (words[1], words[2:]) for words in lines if words}


def numbers_of(options):
    skipped = {number for number, (kind, _) in limits().items() if kind == "skip"}
    found = {path.name[:4] for path in options.suite.glob("0[0-9][0-9][0-9]-*.c*")} - skipped
    ranges = [part.split("-") for part in options.only.split(",")] if options.only else [["0000", "0999"]]
    return sorted(n for n in found if any(r[0] <= n <= r[-1] for r in ranges))


class Suite:
    """One scenario on one cluster."""

    def __init__(self, cluster, options, scenario, logs):
        self.options, self.limits = options, limits()
        self.logs = logs / f"{type(cluster).__name__.lower()}-{scenario}"
        home = self.logs / "home"
        home.mkdir(parents=True)
        (home / "bin").symlink_to(harness.TREE / "deploy/bin")  # tests call kafka-topics.sh
        conf = self.logs / "test.conf"
        conf.write_text(f"bootstrap.servers={cluster.bootstrap}\ntest.topic.random=true\ntest.timeout.multiplier={options.patience}\n")
        self.env = dict(os.environ, RDKAFKA_TEST_CONF=str(conf), TEST_KAFKA_VERSION=VERSION, TEST_SCENARIO=scenario, KAFKA_PATH=str(home),
                        BARNABAS_BUILD=str(options.build), BROKERS=cluster.bootstrap, ZK_ADDRESS=cluster.zookeeper,
                        LD_LIBRARY_PATH=f"{options.suite.parent}/src:{options.suite.parent}/src-cpp")
        self.env.pop("CI", None)  # makes the tests wait longer

    def run(self, number):
        """{name: (state, seconds)} of the tests with that number."""
        kind, words = self.limits.get(number, ("", []))
        if kind != "parts":
            return self.run_part(number, None, " ".join(words))
        found = {}
        for part in words:
            found.update({f"{name}/{part}": result for name, result in self.run_part(number, part, "").items() if result[0] != "SKIPPED"})
        return found

    def run_part(self, number, part, until):
        name = f"{number}-{part}" if part else number
        report, log = self.logs / f"{name}.json", self.logs / f"{name}.log"
        env = dict(self.env, TESTS=number, TEST_REPORT=str(report))
        if part:
            env["SUBTESTS"] = f"do_test_{part}"
        command = [str(self.options.suite / "test-runner"), "-p1", "-L", "-K"] + ([] if self.options.full else ["-Q"])
        with open(log, "wb") as out:
            process = subprocess.Popen(command + (["-P"] if self.options.idempotent else []), cwd=self.options.suite, env=env, stdout=out,
                                       stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
            try:
                process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        try:
            tests = json.loads(report.read_text())["tests"]
        except (OSError, ValueError):
            return {number: ("DIED", 0.0)}
        failures = re.findall(r'### Test "\d.*? failed at .*\n.*', log.read_text(errors="replace"))
        limit = until and failures and all(until in words for words in failures)
        return {name: ("LIMIT" if limit and t["state"] == "FAILED" else t["state"], float(t["duration"]))
                for name, t in tests.items() if name.startswith(number)}


def run(make, numbers, options, logs):
    """{(scenario, test's name): state} of these {scenario: numbers}."""
    results = {}
    for scenario, auto in SCENARIOS.items():
        if not numbers[scenario]:
            continue
        cluster = make(SETTINGS + [f"auto.create.topics.enable={auto}"])
        try:
            cluster.start()
            suite = Suite(cluster, options, scenario, logs)
            with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
                for found in pool.map(suite.run, numbers[scenario]):
                    for name, (state, seconds) in found.items():
                        results[scenario, name] = state
                        if state != "SKIPPED":
                            print(f"{suite.logs.name:22} {name:50} {state:7} {seconds:6.1f} s", flush=True)
        finally:
            cluster.stop()
            if options.keep:
                print(f"servers: {cluster.dir}", flush=True)
            else:
                cluster.remove()
    return results


def bad(results):
    return {key for key, state in results.items() if state not in GOOD}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--suite", type=pathlib.Path, required=True, help="tests/ of a built source tree of librdkafka")
    parser.add_argument("--kafka", type=pathlib.Path, help="Kafka's jars")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--patience", type=float, default=2, help="the tests' time limits are multiplied by it")
    parser.add_argument("--full", action="store_true", help="without the suite's quick mode, which leaves out whole parts")
    parser.add_argument("--idempotent", action="store_true")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    options.build, options.suite = options.build.resolve(), options.suite.resolve()
    logs = pathlib.Path(tempfile.mkdtemp(prefix="librdkafka-"))
    print(f"output: {logs}", flush=True)
    here = run(lambda pairs: harness.Cluster(options.build, overrides=pairs), dict.fromkeys(SCENARIOS, numbers_of(options)), options, logs)
    faults = bad(here)
    if options.kafka and faults:
        again = {scenario: sorted({name[:4] for s, name in faults if s == scenario}) for scenario in SCENARIOS}
        faults -= bad(run(lambda pairs: Kafka(options.kafka, options.build, overrides=pairs), again, options, logs))
    counts = ", ".join(f"{state} {list(here.values()).count(state)}" for state in sorted(set(here.values())))
    print(f"{counts}; of the failures {len(bad(here)) - len(faults)} with Apache Kafka, too; faults: {sorted(n for _, n in faults)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
