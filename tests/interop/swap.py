#!/usr/bin/env python3
"""swap.py --kafka DIR [--seed N] [--turns N]: one data directory and one ZooKeeper, opened by a Barnabas broker and an Apache Kafka broker in
turns, after a clean stop and after a kill -9 amid writing and cleaning. Each writes compacted topics in every codec, with deletions, headers and a
group's commits, and cleans them; the next one must read every record that stayed, with its offset, time and headers, and go on cleaning what the
other has cleaned. Prints a line a turn; exit status 0: nothing was lost. Ports: BARNABAS_TEST_PORTS=FIRST-LAST.
"""
import argparse
import os
import pathlib
import random
import re
import signal
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent / "cluster"))
from harness import Cluster, wait_for  # noqa: E402

KEYS = 60
SETTINGS = ["log.cleaner.backoff.ms=200", "offsets.topic.num.partitions=2", "offsets.topic.segment.bytes=20000", "offsets.topic.replication.factor=1",
            "group.initial.rebalance.delay.ms=0", "log.retention.check.interval.ms=1000", "log.segment.delete.delay.ms=500", "zookeeper.session.timeout.ms=6000"]
CONFIGS = ["cleanup.policy=compact", "segment.bytes=30000", "min.cleanable.dirty.ratio=0.01", "file.delete.delay.ms=500"]
TOPICS = {"kept": [], "marked": ["delete.retention.ms=100"], "packed": ["compression.type=lz4"], "timed": ["message.timestamp.type=LogAppendTime"]}
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


class Turns:
    def __init__(self, jars, seed):
        build = os.environ.get("BARNABAS_BUILD", here.parent.parent / "build")
        self.cluster = Cluster(build, brokers=1, controllers=1, overrides=SETTINGS)
        self.jars, self.rng, self.kafka, self.commits = jars, random.Random(seed), None, 0
        self.newest = {topic: {} for topic in TOPICS}
        self.rows = {topic: [] for topic in TOPICS}

    @property
    def data(self):
        return pathlib.Path(self.cluster.dir, "data", "broker-0")

    @property
    def server(self):
        return self.cluster.bootstrap

    def start(self, who):
        if who == "barnabas":
            self.cluster.start()
            return
        d = pathlib.Path(self.cluster.dir)
        lines = ["broker.id=0", f"listeners=PLAINTEXT://{self.server}", f"log.dirs={self.data}", f"zookeeper.connect={self.cluster.zookeeper}"]
        (d / "kafka.properties").write_text("\n".join(lines + SETTINGS) + "\n")
        with open(d / "kafka.out", "ab") as out:
            self.kafka = subprocess.Popen(["java", "-Xmx512M", f"-Dlog4j.configuration=file:{d}/log4j.properties", "-cp", f"{self.jars}/*", "kafka.Kafka",
                                           str(d / "kafka.properties")], stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        self.cluster.run("barnabas", "wait", "--bootstrap-server", self.server, "--brokers", "1", "--timeout", "90")

    def stop(self, who, signum):
        if who == "barnabas":
            for name in "broker-0", "controller-0":
                self.cluster.kill(name, signum)
        else:
            self.kafka.send_signal(signum)
            self.kafka.wait(90)
            self.kafka = None
        wait_for(lambda: not self.cluster.zk_children("/brokers/ids") and "controller" not in self.cluster.zk_children("/"), 60,
                 f"the end of {who}'s sessions, which the next one must not find")

    def kcat(self, *args, stdin=None):
        return self.cluster.run("kcat", "-b", self.server, *args, stdin=stdin).stdout

    def write(self, turn, topic, codec, count=1500):
        """Many values of few keys."""
        pairs = [(f"k{self.rng.randrange(KEYS)}", f"{turn}-{codec}-{i}-{'v' * 40}") for i in range(count)]
        self.kcat("-P", "-t", topic, "-K", ":", "-z", codec, "-H", f"turn={turn}", "-X", "acks=all", "-X", "enable.idempotence=true",
                  "-X", "batch.size=4000", stdin="".join(f"{key}:{value}\n" for key, value in pairs))
        self.newest[topic].update(pairs)

    def delete(self, topic, gone):
        self.kcat("-P", "-t", topic, "-K", ":", "-Z", "-X", "acks=all", stdin="".join(f"{key}:\n" for key in gone))
        self.newest[topic].update(dict.fromkeys(gone))

    def read(self, topic, *options):
        out = self.kcat("-C", "-t", topic, "-p", "0", "-o", "beginning", "-e", "-q", "-f", "%o %k %S %T %h %s\\n", *options)
        rows = [line.split(" ", 5) for line in out.splitlines()]
        return [(int(r[0]), r[1], None if r[2] == "-1" else r[5], int(r[3]), r[4]) for r in rows]

    def cleaned(self, topic):
        """Whether all is that can be: up to the active segment."""
        path = self.data / "cleaner-offset-checkpoint"
        found = re.search(rf"^{topic} 0 (\d+)$", path.read_text() if path.exists() else "", re.M)
        return found and int(found.group(1)) == max(int(p.stem) for p in self.data.glob(f"{topic}-0/*.log"))

    def check(self, topic, before):
        """What is read now: of the rows before, those that stayed are the same; each key's last one is there, unless it is a deletion."""
        rows = self.read(topic)
        offsets = [row[0] for row in rows]
        assert offsets == sorted(set(offsets)), f"{topic}: offsets do not ascend"
        new = {row for row in set(rows) - set(before) if before and row[0] <= before[-1][0]}
        assert not new, f"{topic}: {len(new)} records are other ones: {sorted(new)[:3]}; they were {[r for r in before if r[0] == min(new)[0]]}"
        last = {key: value for _, key, value, *_ in rows}
        for key, value in self.newest[topic].items():
            assert last.get(key) == value, f"{topic}: {key} is {last.get(key)} instead of {value}"
        assert set(last) <= set(self.newest[topic]), f"{topic}: keys that nobody wrote: {set(last) - set(self.newest[topic])}"
        return rows

    def commit(self):
        """The group's commits go on from those that the other one knew."""
        said = self.cluster.run("kafka-consumer-groups.sh", "--bootstrap-server", self.server, "--describe", "--group", "g", check=False).stdout
        found = re.search(r"^g +kept +0 +(\d+) ", said, re.M)
        assert (int(found.group(1)) if found else 0) == self.commits, f"committed was {self.commits}: {said}"
        for _ in range(3):
            self.commits += 10
            self.cluster.run("kafka-consumer-groups.sh", "--bootstrap-server", self.server, "--reset-offsets", "--group", "g", "--topic", "kept:0",
                             "--to-offset", str(self.commits), "--execute")

    def dump(self, who):
        """Kafka's own tool over every file, in one run."""
        files = sorted(str(p) for p in self.data.glob("*-?/*.log"))
        done = subprocess.run(["java", f"-Dlog4j.configuration=file:{self.cluster.dir}/log4j.properties", "-cp", f"{self.jars}/*",
                               "kafka.tools.DumpLogSegments", "--deep-iteration", "--files", ",".join(files)], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 and "isvalid: false" not in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout.count("isvalid: true"), done.stdout.count("deleteHorizonMs: OptionalLong[")

    def turn(self, number, who, signum):
        self.start(who)
        if number == 0:
            for topic, more in TOPICS.items():
                options = [word for pair in CONFIGS + more for word in ("--config", pair)]
                self.cluster.topic(topic, 1, 1, *options)
        else:
            wait_for(lambda: self.kcat("-L").count("partition 0, leader 0,") >= len(TOPICS) + 1, 60, f"{who} to lead all topics")
            self.rows = {topic: self.check(topic, self.rows[topic]) for topic in TOPICS}
        for topic in TOPICS:
            self.delete(topic, [f"gone-{number}-{n}" for n in range(4)])
            for codec in CODECS:
                self.write(number, topic, codec)
            self.delete(topic, [f"k{n}" for n in self.rng.sample(range(KEYS), 8)])
        self.commit()
        for topic in TOPICS:
            wait_for(lambda: self.cleaned(topic), 60, f"{topic} to be cleaned")
        self.rows = {topic: self.check(topic, []) for topic in TOPICS}
        if signum == signal.SIGKILL:  # what comes now is found without having been read before
            for topic in TOPICS:  # Kafka is not killed amid a cleaning: between its files and its checkpoint (broker/log/README.md)
                self.write(number, topic, self.rng.choice(CODECS), 1500 if who == "barnabas" else 30)
        self.stop(who, signum)
        dumped = self.dump(who)
        assert dumped[1] > 0, "no deletion has a horizon"
        how = "killed" if signum == signal.SIGKILL else "stopped"
        ends = {topic: rows[-1][0] + 1 for topic, rows in self.rows.items()}
        print(f"turn {number}: {who}, {how}: {sum(map(len, self.rows.values()))} records stayed of {sum(ends.values())}; {dumped[0]} batches, "
              f"{dumped[1]} with a delete horizon", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kafka", required=True)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--turns", type=int, default=8)
    given = options.parse_args()
    turns = Turns(given.kafka, given.seed)
    pathlib.Path(turns.cluster.dir, "log4j.properties").write_text((here / "log4j.properties").read_text())
    try:
        for number in range(given.turns):
            signum = signal.SIGKILL if number % 4 >= 2 else signal.SIGTERM
            turns.turn(number, ["barnabas", "kafka"][number % 2], signum)
    except BaseException:
        print(f"data and logs are kept in {turns.cluster.dir}", file=sys.stderr)
        raise
    finally:
        if turns.kafka:
            turns.kafka.kill()
            turns.kafka.wait()
        turns.cluster.stop()
    turns.cluster.remove()


main()
