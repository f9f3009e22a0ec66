#!/usr/bin/python3
"""clients.py: clients nobody here wrote (kcat, a librdkafka program, python3-kafka) at replication factor 3, while a random broker is killed and
started again every few seconds. Nothing that they were told was written is gone; idempotent ones have no duplicate; a consumer that reads
meanwhile sees every offset once. Run as a program it is the python3-kafka producer: `clients.py BOOTSTRAP TOPIC COUNT RATE`.
"""
import pathlib
import signal
import subprocess
import sys
import threading
import time

COUNT, RATE = 100000, 6000


def python_producer(bootstrap, topic, count, rate):
    from kafka import KafkaProducer
    producer = KafkaProducer(bootstrap_servers=bootstrap.split(","), acks="all", retries=1000000, max_in_flight_requests_per_connection=1,
                             linger_ms=5, compression_type="gzip", request_timeout_ms=120000, retry_backoff_ms=20)
    began, sent, failed = time.monotonic(), 0, []
    pause = time.sleep  # the rate
    while sent < count:
        due = min(count, int((time.monotonic() - began) * rate) + 1)
        for i in range(sent, due):
            producer.send(topic, value=b"python %d" % i, partition=i % 3).add_errback(failed.append)
        sent = due
        pause(0.01)
    producer.flush(180)
    producer.close()
    print(f"{count} sent, {len(failed)} failed {failed[:3]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(python_producer(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))

from rounds import Kind  # noqa: E402
from load import send_signals  # noqa: E402
from harness import wait_for  # noqa: E402


class Nemesis(threading.Thread):
    """Kills a random broker, starts it, waits until it is in sync, and does so again, until told to stop."""

    def __init__(self, kind):
        super().__init__(daemon=True)
        self.kind, self.stopped, self.kills, self.wrong = kind, threading.Event(), 0, None

    def run(self):
        kind = self.kind
        try:
            while not self.stopped.wait(kind.rng.uniform(1, 3)):
                send_signals(kind.cluster, [f"broker-{kind.rng.randrange(kind.cluster.brokers)}"], signal.SIGKILL)
                self.kills += 1
                self.stopped.wait(kind.rng.uniform(0, 1))
                kind.restart()
        except Exception as e:  # noqa: BLE001 - told by finish
            self.wrong = e

    def finish(self):
        self.stopped.set()
        self.join()
        if self.wrong:
            raise self.wrong


class Clients(Kind):
    """One round: 100,000 records and more by each client."""

    def spawn(self, name, command, **more):
        out = open(pathlib.Path(self.cluster.dir, f"{name}.out"), "wb")
        return subprocess.Popen(command, stdout=out, stderr=open(pathlib.Path(self.cluster.dir, f"{name}.err"), "wb"), env=self.cluster.env, **more)

    def output(self, name):
        return pathlib.Path(self.cluster.dir, f"{name}.out").read_text(errors="replace")

    def ended(self, name, process, seconds=240):
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            status = "no end in time"
        words = pathlib.Path(self.cluster.dir, f"{name}.err").read_text(errors="replace")
        assert status == 0, f"{name}: {status}: {self.output(name)[-500:]}{words[-2000:]}"

    def feed(self, process):
        began, sent = time.monotonic(), 0
        pause = time.sleep  # the rate
        while sent < COUNT:
            due = min(COUNT, int((time.monotonic() - began) * RATE) + 1)
            process.stdin.write(b"".join(b"kcat %d\n" % i for i in range(sent, due)))
            sent = due
            pause(0.01)
        process.stdin.close()

    def exact(self, text, word):
        """Lines "partition offset word number": offsets one after another, numbers rising within a partition; gives how often each came."""
        offsets, count = {}, {}
        for line in text.splitlines():
            partition, offset, name, number = line.split()
            assert name == word, f"foreign: {line}"
            assert int(offset) == offsets.get(partition, -1) + 1, f"{line} after offset {offsets.get(partition)}"
            offsets[partition] = int(offset)
            count[int(number)] = count.get(int(number), 0) + 1
        return count

    def read(self, topic):
        return self.cluster.run("kcat", "-C", "-b", self.cluster.bootstrap, "-t", topic, "-e", "-q", "-f", "%p %o %s\n", timeout=240).stdout

    def one(self, i):
        kcat, python, rdkafka = f"kcat-{i}", f"python-{i}", f"rdkafka-{i}"
        for topic in (kcat, python):
            self.admin.create(topic, 3, 3, {"min.insync.replicas": "2"})
        bootstrap = self.cluster.bootstrap
        nemesis = Nemesis(self)
        consumer = self.spawn(kcat + ".read", ["kcat", "-C", "-b", bootstrap, "-t", kcat, "-q", "-c", str(COUNT), "-f", "%p %o %s\n"])
        writer = self.spawn(kcat, ["kcat", "-P", "-b", bootstrap, "-t", kcat, "-X", "enable.idempotence=true", "-X", "acks=all"],
                            stdin=subprocess.PIPE)
        pythons = self.spawn(python, [sys.executable, str(pathlib.Path(__file__).resolve()), bootstrap, python, str(COUNT), str(RATE)])
        nemesis.start()
        try:
            self.programs(rdkafka, writer)
            self.ended(kcat, writer)
            self.ended(python, pythons)
        finally:
            for process in (writer, pythons):
                process.kill()
            nemesis.finish()
        wait_for(lambda: consumer.poll() is not None, 60, "the reading kcat")
        self.verdict(kcat, python, nemesis.kills)
        self.whole()

    def programs(self, topic, writer):
        """The librdkafka program again and again, with each codec, while kcat is fed."""
        feeder = threading.Thread(target=self.feed, args=(writer,), daemon=True)
        feeder.start()
        program, codecs, runs = str(pathlib.Path(self.cluster.tools, "tests/cluster/rdkafka_round_trip")), ["none", "gzip", "snappy", "lz4", "zstd"], 0
        while feeder.is_alive() or runs == 0:
            self.admin.create(f"{topic}-{runs}", 3, 3, {"min.insync.replicas": "2"})
            done = self.cluster.run(program, self.cluster.bootstrap, f"{topic}-{runs}", codecs[runs % 5], "30000", timeout=240)
            assert "30000 records" in done.stdout, done.stdout
            runs += 1
        self.figure("librdkafka runs", runs)

    def verdict(self, kcat, python, kills):
        want = set(range(COUNT))
        for what, text in (("read meanwhile", self.output(kcat + ".read")), ("read afterwards", self.read(kcat))):
            count = self.exact(text, "kcat")
            again = sum(n - 1 for n in count.values())
            assert set(count) == want and not again, f"kcat, {what}: {len(want - set(count))} lost, {again} duplicate"
        count = self.exact(self.read(python), "python")
        assert set(count) == want, f"python3-kafka: {len(want - set(count))} lost"
        self.figure("python3-kafka duplicates (not idempotent)", sum(n - 1 for n in count.values()))
        self.figure("kills", kills)
