"""test_compaction.py: a compacted topic of small segments: kcat writes many values of few keys, brokers are killed in the midst of it, and
every replica ends with the last value of each key at the offset that it was given, while its files are a fraction of what was written.
"""
import json
import pathlib
import random
import re
import subprocess
import threading
import time

from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from harness import wait_for

KEYS = 100
CLUSTER = {"overrides": ["barnabas.shards=3", "log.cleaner.backoff.ms=200", "log.cleaner.threads=2", "log.retention.check.interval.ms=500",
                         "log.segment.delete.delay.ms=500", "replica.high.watermark.checkpoint.interval.ms=500",
                         "offsets.topic.segment.bytes=20000", "offsets.topic.num.partitions=3"]}
TOPIC = ["--config", "cleanup.policy=compact", "--config", "segment.bytes=100000", "--config", "min.cleanable.dirty.ratio=0.01",
         "--config", "file.delete.delay.ms=500"]


def kcat(cluster, *args, stdin=None, check=True, timeout=120):
    return cluster.run("kcat", "-b", cluster.bootstrap, *args, stdin=stdin, check=check, timeout=timeout)


def produce(cluster, topic, lines, *options):
    kcat(cluster, "-P", "-t", topic, "-K", ":", "-X", "acks=all", "-X", "enable.idempotence=true", "-X", "message.timeout.ms=90000", "-X", "batch.size=8000",
         *options,
         stdin="".join(line + "\n" for line in lines).encode())


def read(cluster, topic, *options):
    """[(offset, key, value or None)] in order."""
    out = kcat(cluster, "-C", "-t", topic, "-p", "0", "-o", "beginning", "-e", "-q", "-f", "%o %k %S %s\\n", *options).stdout
    rows = [line.split(" ", 3) for line in out.splitlines()]
    return [(int(r[0]), r[1], None if int(r[2]) < 0 else r[3]) for r in rows]


def dump(cluster, directory):
    """The records of a directory's files, as (offset, key, value): what any reader would find there."""
    rows = []
    for path in sorted(pathlib.Path(directory).glob("*.log")):
        done = cluster.run("barnabas", "dump-log", "--files", str(path), "--print-data-log", check=False)
        # Exit code 1 and "Non-consecutive offsets": so says Kafka's tool of a compacted log, too.
        assert "isvalid: false" not in done.stdout and "ismatch" not in done.stderr, done.stdout[-3000:] + done.stderr
        rows += re.findall(r"offset: (\d+) .*?key: (\S+) payload: (\S+)", done.stdout)
    return [(int(o), k, v) for o, k, v in rows]


def cleaned_to(cluster, broker, topic):
    path = pathlib.Path(cluster.dir, "data", f"broker-{broker}", "cleaner-offset-checkpoint")
    text = path.read_text() if path.exists() else ""
    found = re.search(rf"^{topic} 0 (\d+)$", text, re.M)
    return int(found.group(1)) if found else 0


def size(directory):
    return sum(p.stat().st_size for p in pathlib.Path(directory).glob("*.log"))


def newest_of(rows):
    last = {}
    for offset, key, value in rows:
        last[key] = (offset, value)
    return last


def check_replicas(cluster, topic, written, end):
    """All three replicas: the last value of each key, ascending offsets, and not much else."""
    # One that has just returned may have been stopped short of the end, else: it wouldn't be in sync, and nothing would be wrong.
    state = f"/brokers/topics/{topic}/partitions/0/state"
    wait_for(lambda: len(json.loads(cluster.zk(state))["isr"]) == cluster.brokers, 60, "everybody in sync")
    for broker in range(cluster.brokers):
        directory = pathlib.Path(cluster.dir, "data", f"broker-{broker}", f"{topic}-0")
        wait_for(lambda: cleaned_to(cluster, broker, topic) > end * 0.9, 60, f"broker {broker} to clean up to {end}")
        wait_for(lambda: size(directory) < 600000, 30, f"broker {broker}'s files to shrink")
    cluster.stop()  # so that no file is replaced while it is read
    replicas = [dump(cluster, pathlib.Path(cluster.dir, "data", f"broker-{broker}", f"{topic}-0")) for broker in range(cluster.brokers)]
    cluster.start()
    for broker, rows in enumerate(replicas):
        assert [r[0] for r in rows] == sorted({r[0] for r in rows}), f"broker {broker}: offsets do not ascend"
        assert {k: v for k, (_, v) in newest_of(rows).items()} == written, f"broker {broker} has other values"


def test_last_values_on_every_replica(cluster):
    cluster.topic("last", 1, 3, *TOPIC)
    written, codecs = {}, ["none", "gzip", "snappy", "lz4", "zstd"]
    for part in range(5):
        lines = []
        for i in range(20000):
            key, value = f"k{i % KEYS}", f"v{part}-{i}"
            lines.append(f"{key}:{value}")
            written[key] = value
        produce(cluster, "last", lines, "-z", codecs[part])
    check_replicas(cluster, "last", written, 100000)
    rows = read(cluster, "last")
    assert {k: v for k, (_, v) in newest_of(rows).items()} == written
    assert len(rows) < 20000, f"{len(rows)} records are left of 100000"
    # A fetch in the gap in front of them goes on with the next record there is.
    for offset in (1, rows[0][0] // 2, rows[0][0] - 1):
        got = kcat(cluster, "-C", "-t", "last", "-p", "0", "-o", str(offset), "-c", "1", "-q", "-f", "%o").stdout
        assert int(got) == rows[0][0], (offset, got, rows[0])


def test_tombstones_go_and_new_values_stay(cluster):
    cluster.topic("tomb", 1, 3, *TOPIC, "--config", "delete.retention.ms=100", "--config", "segment.bytes=20000")
    produce(cluster, "tomb", [f"k{i % KEYS}:{'x' * 50}{i}" for i in range(3000)])
    produce(cluster, "tomb", [f"k{i}:" for i in range(50)], "-Z")

    def gone():
        produce(cluster, "tomb", [f"k{50 + i % 50}:{'y' * 50}{i}" for i in range(1000)])
        return not [k for _, k, _ in read(cluster, "tomb") if int(k[1:]) < 50]

    wait_for(gone, 60, "the tombstones to go")
    assert len({k for _, k, _ in read(cluster, "tomb")}) == 50


def test_killed_in_the_midst(cluster):
    """Brokers die at any moment of their cleaning while kcat goes on writing; nothing of the last values is lost."""
    cluster.topic("killed", 1, 3, *TOPIC, "--config", "min.insync.replicas=2", "--config", "segment.bytes=30000")
    written, stop, failed, rng, count = {}, threading.Event(), [], random.Random("compaction"), [0]

    def load():
        part = 0
        while not stop.is_set() and not failed:
            lines = []
            for i in range(2000):
                key, value = f"k{rng.randrange(KEYS)}", f"v{part}-{i}"
                lines.append(f"{key}:{value}")
                written[key] = value
            try:
                produce(cluster, "killed", lines, "-z", rng.choice(["none", "lz4", "zstd"]))
            except (AssertionError, subprocess.TimeoutExpired) as e:
                failed.append(e)
            count[0] += len(lines)
            part += 1

    thread = threading.Thread(target=load)
    thread.start()
    try:
        for round_number in range(6):
            time.sleep(1.5 + random.random())
            broker = round_number % cluster.brokers
            cluster.kill(f"broker-{broker}")
            cluster.start()  # what does not run
    finally:
        stop.set()
        thread.join(200)
    assert not failed, failed[0]
    check_replicas(cluster, "killed", written, count[0])
    for broker in range(cluster.brokers):
        text = cluster.log_text(f"broker-{broker}")
        assert "can't be cleaned" not in text and "assertion" not in text, f"broker {broker}: {text[-2000:]}"


def test_offsets_are_cleaned(cluster):
    """The offsets topic is compacted too, and a coordinator that loads it afterwards knows the last commit."""
    cluster.topic("read", 1, 3)
    produce(cluster, "read", [f"k:{i}" for i in range(400)])
    consumer = KafkaConsumer(bootstrap_servers=cluster.bootstrap.split(","), group_id="cleaned", enable_auto_commit=False)
    part = TopicPartition("read", 0)
    consumer.assign([part])
    for offset in range(400):
        consumer.commit({part: OffsetAndMetadata(offset, "")})
    consumer.close()
    wait_for(lambda: re.search(r"partition=__consumer_offsets-\d\] cleaned", "".join(cluster.log_text(f"broker-{b}") for b in range(3))), 30,
             "an offsets partition to be cleaned")
    before = cluster.run("kafka-consumer-groups.sh", "--bootstrap-server", cluster.bootstrap, "--describe", "--group", "cleaned").stdout
    for broker in range(3):
        cluster.restart_broker(broker)
    after = cluster.run("kafka-consumer-groups.sh", "--bootstrap-server", cluster.bootstrap, "--describe", "--group", "cleaned").stdout
    assert re.findall(r"read +0 +(\d+)", before) == re.findall(r"read +0 +(\d+)", after) == ["399"], before + after
