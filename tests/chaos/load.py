"""load.py: the producer and the checker (producer.c, checker.c) as a test handles them, replicas compared byte for byte, signals and their times.
"""
import hashlib
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cluster"))

from harness import wait_for  # noqa: E402

# The last one because rounds follow one another more quickly than librdkafka forgets that a broker had refused it: its back-off doubles with every
# connection made within 10 s, up to 10 s.
FAST = {"reconnect.backoff.max.ms": "50", "reconnect.backoff.ms": "10", "topic.metadata.refresh.fast.interval.ms": "10", "retry.backoff.ms": "1"}


class Load:
    """One producer. Its log is read as it grows; `recent` holds what was acknowledged since mark()."""

    def __init__(self, cluster, topic, partitions, rate=2000, properties=None, records=0, ident="p0"):
        self.cluster, self.topic, self.partitions, self.id = cluster, topic, partitions, ident
        self.path = pathlib.Path(cluster.dir, f"{topic}.{ident}.acks")
        self.tools = pathlib.Path(cluster.tools) / "tests/chaos"
        self.acknowledged, self.failed, self.recent, self.cut = 0, [], [], ""
        self.path.write_text("")
        command = [str(self.tools / "producer"), "-b", cluster.bootstrap, "-t", topic, "-l", str(self.path), "-p", str(partitions), "-r",
                   str(rate), "-i", ident, "-n", str(records)]
        for key, value in (properties or {}).items():
            command += ["-X", f"{key}={value}"]
        self.errors = open(f"{self.path}.err", "w", encoding="utf-8")
        self.process = subprocess.Popen(command, stdout=self.errors, stderr=self.errors, env=cluster.env)
        self.file = open(self.path, encoding="ascii")

    def read(self):
        """Takes in what was logged since the last look."""
        lines = (self.cut + self.file.read()).split("\n")
        self.cut = lines.pop()
        for line in lines:
            if line.startswith("!"):
                self.failed.append(line)
                continue
            _, partition, _, began, acked = line.split()
            self.acknowledged += 1
            self.recent.append((int(partition), int(began), int(acked)))

    def mark(self):
        self.read()
        self.recent = []

    def next_ack(self, partitions, since_ns, seconds):
        """When a record handed over after since_ns, for one of the partitions, was first acknowledged; ns. Only a leader that was alive
        then can have done so."""
        deadline = time.monotonic() + seconds
        pause = time.sleep  # the times are in the log: when it is looked at does not matter
        while True:
            self.read()
            found = [acked for p, began, acked in self.recent if p in partitions and began >= since_ns]
            if found:
                return min(found)
            if self.process.poll() is not None:
                raise AssertionError(f"the producer ended with {self.process.returncode}: {self.words()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"no acknowledgement on {self.topic} {sorted(partitions)} for {seconds} s")
            pause(0.005)

    def flowing(self, seconds=60):
        """Every partition has something acknowledged that was handed over after now."""
        now = time.monotonic_ns()
        for p in range(self.partitions):
            self.next_ack({p}, now, seconds)

    def slowest_ms(self):
        """The longest that any record acknowledged since mark() was under way."""
        self.read()
        return max(((acked - began) / 1e6 for _, began, acked in self.recent), default=0.0)

    def words(self):
        self.errors.flush()
        return pathlib.Path(self.errors.name).read_text(errors="replace")[-2000:]

    def stop(self):
        """Ends it and waits for what is in flight. A record that failed is a violation, whatever it failed of."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.finish()

    def finish(self):
        status = self.process.wait(180)
        self.read()
        self.errors.close()
        self.file.close()
        words = pathlib.Path(self.errors.name).read_text(errors="replace")
        assert status == 0 and not self.failed, f"the producer ended with {status}, {len(self.failed)} failed {self.failed[:3]}\n{words}"

    def abandon(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def check(self, seconds=30, others=()):
        """Reads the topic back, which others may have written to as well; gives the checker's line of counts."""
        done = subprocess.run([str(self.tools / "checker"), self.cluster.bootstrap, self.topic, str(self.partitions), str(seconds),
                               *(f"{load.id}={load.path}" for load in (self, *others))], capture_output=True, text=True, timeout=900, env=self.cluster.env, check=False)
        assert done.returncode == 0, f"the checker of {self.topic} gave {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
        return done.stdout.strip().splitlines()[-1]


def digest(directory):
    """(bytes of whole batches, their hash) of a partition directory, whatever its files are cut into and preallocated to."""
    total, sha = 0, hashlib.sha1()
    for path in sorted(directory.glob("*.log")):
        data, at = path.read_bytes(), 0
        while at + 61 <= len(data):
            length = int.from_bytes(data[at + 8:at + 12], "big")
            if length == 0 or at + 12 + length > len(data):
                break
            sha.update(data[at:at + 12 + length])
            total += 12 + length
            at += 12 + length
    return total, sha.hexdigest()


def compare_replicas(cluster, topic, partitions, brokers):
    """Every replica holds the same bytes. The load has ended; followers get a moment to fetch the rest."""
    for p in range(partitions):
        directories = [pathlib.Path(cluster.dir, f"data/broker-{b}/{topic}-{p}") for b in brokers]

        def same():
            return len({digest(d) for d in directories}) == 1
        try:
            wait_for(same, 20, "equal replicas")
        except AssertionError as e:
            raise AssertionError(f"replicas of {topic}-{p} differ: {[(d.parent.name, *digest(d)) for d in directories]}") from e


def send_signals(cluster, names, signum):
    """Signals them all at once; (ns of the signal, ns of the last one's end). SIGSTOP has no end to wait for."""
    descriptors = [os.pidfd_open(cluster.pid(name)) for name in names]
    began = time.monotonic_ns()
    for descriptor in descriptors:
        signal.pidfd_send_signal(descriptor, signum)
    for descriptor in descriptors:
        if signum in (signal.SIGKILL, signal.SIGTERM) and not select.select([descriptor], [], [], 90)[0]:
            raise AssertionError(f"{names} did not end within 90 s of signal {signum}")
        os.close(descriptor)
    return began, time.monotonic_ns()
