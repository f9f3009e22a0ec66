"""test_clients.py: clients nobody here wrote put records in and get the same back, in order within each partition: kcat (librdkafka) with each
codec, a librdkafka program with keys, headers, timestamps and idempotence, and python3-kafka.
"""
import collections
import pathlib

from harness import batches

CLUSTER = {"overrides": ["barnabas.shards=3"]}
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def kcat_round_trip(cluster, codec):
    topic = f"codec-{codec}"
    cluster.topic(topic, partitions=6)
    lines = "".join(f"{i % 1000}:{codec} record number {i} with some text that compresses\n" for i in range(cluster.records))
    cluster.run("kcat", "-P", "-b", cluster.bootstrap, "-t", topic, "-K:", "-z", codec, "-X", "linger.ms=20", stdin=lines, timeout=300)
    out = cluster.run("kcat", "-C", "-b", cluster.bootstrap, "-t", topic, "-e", "-q", "-f", "%p %o %k:%s\n", timeout=300).stdout
    next_offset, last = collections.Counter(), {}
    got = []
    for line in out.splitlines():
        partition, offset, record = line.split(" ", 2)
        assert int(offset) == next_offset[partition], f"partition {partition}: offset {offset}, not {next_offset[partition]}"
        next_offset[partition] += 1
        key = record.split(":", 1)[0]
        number = int(record.split("number ")[1].split()[0])
        assert number > last.get(key, -1), f"key {key}: {number} after {last.get(key)}"
        last[key] = number
        got.append(record + "\n")
    assert sorted(got) == sorted(lines.splitlines(keepends=True)), f"{len(got)} of {cluster.records} came back"
    found = batches(cluster.partition_dirs(topic))
    assert sum(count for _, count in found) == cluster.records
    # librdkafka sends a batch of a record or two as it is when compression would make it longer.
    assert {c for c, count in found if count > 2} == {CODECS[codec]}, f"codec bits and records in the log: {collections.Counter(found)}"


def test_kcat_none(cluster):
    kcat_round_trip(cluster, "none")


def test_kcat_gzip(cluster):
    kcat_round_trip(cluster, "gzip")


def test_kcat_snappy(cluster):
    kcat_round_trip(cluster, "snappy")


def test_kcat_lz4(cluster):
    kcat_round_trip(cluster, "lz4")


def test_kcat_zstd(cluster):
    kcat_round_trip(cluster, "zstd")


def test_librdkafka_keys_headers_timestamps_idempotence(cluster):
    cluster.topic("rdkafka", partitions=3)
    program = pathlib.Path(cluster.build, "tests/cluster/rdkafka_round_trip")
    for codec in CODECS:
        done = cluster.run(str(program), cluster.bootstrap, "rdkafka", codec, str(cluster.records))
        assert f"{cluster.records} records" in done.stdout, done.stdout


def test_python_kafka(cluster):
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition
    cluster.topic("python", partitions=3)
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap.split(","), acks="all", linger_ms=20, compression_type="gzip")
    count = min(cluster.records, 100000)
    for i in range(count):
        producer.send("python", key=b"%d" % (i % 100), value=b"value %d" % i, headers=[("n", b"%d" % i)])
    producer.flush()
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=cluster.bootstrap.split(","), consumer_timeout_ms=20000)
    partitions = [TopicPartition("python", p) for p in range(3)]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    seen, last = 0, {}
    for record in consumer:
        number = int(record.value.split()[1])
        assert record.headers == [("n", b"%d" % number)]
        assert number > last.get(record.key, -1)
        last[record.key] = number
        seen += 1
        if seen == count:
            break
    consumer.close()
    assert seen == count, f"{seen} of {count}"


def test_old_message_sets_are_converted(cluster):
    """Produce 0-2 must be served (librdkafka turns compression off without them), and what they bring is stored as format 2."""
    cluster.topic("legacy", partitions=1)
    for version in ("0.8.2", "0.10.0"):
        lines = "".join(f"{version} line {i}\n" for i in range(1000))
        cluster.run("kcat", "-P", "-b", cluster.bootstrap, "-t", "legacy", "-z", "gzip", "-X", "api.version.request=false", "-X",
                    f"broker.version.fallback={version}", stdin=lines)
    out = cluster.run("kcat", "-C", "-b", cluster.bootstrap, "-t", "legacy", "-e", "-q").stdout
    assert out == "".join(f"{v} line {i}\n" for v in ("0.8.2", "0.10.0") for i in range(1000))
    found = batches(cluster.partition_dirs("legacy"))
    assert sum(n for _, n in found) == 2000 and {c for c, _ in found} == {1}
