"""test_configs.py: configs of topics and brokers are changed while everything runs, and act: by the protocol, by python3-kafka, and by
znodes as Kafka 2.x's tools write them.
"""
import json
import pathlib
import sys
import time

from harness import batches, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from configs import APPEND, BROKER, DELETE, SET, TOPIC, Client  # noqa: E402

CLUSTER = {"overrides": ["barnabas.shards=2", "log.retention.check.interval.ms=500"]}
CODECS = {"uncompressed": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def client(cluster, broker=0):
    return Client(f"127.0.0.1:{cluster.port + broker}")


def alter(cluster, kind, name, *ops, broker=0):
    """Each change is to succeed."""
    results = client(cluster, broker).incremental(None, [(kind, name, list(ops))])
    assert results == [(0, None, kind, name)], results


def described(cluster, kind, name, key, broker=0):
    """(value, source) of one key."""
    (error, message, _, _, configs), = client(cluster, broker).describe(None, kind, name, [key])
    assert error == 0 and len(configs) == 1, (error, message, configs)
    return configs[0][1], configs[0][3]


def produce(cluster, topic, lines, *more, check=True):
    return cluster.run("kcat", "-P", "-b", cluster.bootstrap, "-t", topic, "-p", "0", "-X", "topic.request.required.acks=all", "-X",
                       "message.timeout.ms=3000", *more, stdin="".join(line + "\n" for line in lines), check=check)


def consumed(cluster, topic):
    return cluster.run("kcat", "-C", "-b", cluster.bootstrap, "-t", topic, "-p", "0", "-e", "-q", "-f", "%T %s\n").stdout.splitlines()


def refused(cluster, topic, lines, why, *more):
    done = produce(cluster, topic, lines, *more, check=False)
    assert done.returncode != 0 and why in done.stderr, (done.returncode, done.stderr)


def test_znode_and_notice(cluster):
    cluster.topic("noted", 1)
    alter(cluster, TOPIC, "noted", ("retention.ms", SET, "7000"), ("cleanup.policy", APPEND, "compact"))
    node = json.loads(cluster.zk("/config/topics/noted"))
    assert node == {"version": 1, "config": {"retention.ms": "7000", "cleanup.policy": "delete,compact"}}, node
    last = sorted(cluster.zk_children("/config/changes"))[-1]
    assert json.loads(cluster.zk("/config/changes/" + last)) == {"version": 2, "entity_path": "topics/noted"}
    for broker in range(3):
        wait_for(lambda b=broker: described(cluster, TOPIC, "noted", "retention.ms", b) == ("7000", 1), 10, "the new retention")
    alter(cluster, TOPIC, "noted", ("retention.ms", DELETE, None))
    assert wait_for(lambda: described(cluster, TOPIC, "noted", "retention.ms") == ("604800000", 5), 10, "the default")


def test_max_message_bytes(cluster):
    cluster.topic("small", 1)
    produce(cluster, "small", ["x" * 1000])
    alter(cluster, TOPIC, "small", ("max.message.bytes", SET, "500"))
    wait_for(lambda: produce(cluster, "small", ["y" * 1000], check=False).returncode != 0, 10, "the new limit")
    refused(cluster, "small", ["y" * 1000], "too large")
    alter(cluster, TOPIC, "small", ("max.message.bytes", DELETE, None))
    wait_for(lambda: produce(cluster, "small", ["z" * 1000], check=False).returncode == 0, 10, "the old limit")


def test_min_insync_replicas(cluster):
    """A topic of two replicas of which one is gone takes writes only as long as one is enough."""
    cluster.topic("pair", 1, 2)
    state = json.loads(cluster.zk("/brokers/topics/pair/partitions/0/state"))
    follower = next(i for i in json.loads(cluster.zk("/brokers/topics/pair"))["partitions"]["0"] if i != state["leader"])
    cluster.kill(f"broker-{follower}")
    alive = (follower + 1) % 3

    def change(value):
        alter(cluster, TOPIC, "pair", ("min.insync.replicas", SET, value), broker=alive)

    wait_for(lambda: json.loads(cluster.zk("/brokers/topics/pair/partitions/0/state"))["isr"] == [state["leader"]], 30, "the smaller ISR")
    wait_for(lambda: produce(cluster, "pair", ["first"], check=False).returncode == 0, 20, "a write to one replica")
    change("2")
    wait_for(lambda: produce(cluster, "pair", ["second"], check=False).returncode != 0, 20, "the refusal")
    change("1")
    wait_for(lambda: produce(cluster, "pair", ["third"], check=False).returncode == 0, 20, "the end of the refusal")
    cluster.start()
    wait_for(lambda: str(follower) in cluster.zk_children("/brokers/ids"), 30, "the other replica")


def test_compression(cluster):
    """Batches of every codec are stored in the topic's, and read back; each change holds for the next batch."""
    cluster.topic("packed", 1)
    lines, want = [], []
    for codec, number in CODECS.items():
        alter(cluster, TOPIC, "packed", ("compression.type", SET, codec))
        wait_for(lambda c=codec: described(cluster, TOPIC, "packed", "compression.type") == (c, 1), 10, "the new codec")
        leader = json.loads(cluster.zk("/brokers/topics/packed/partitions/0/state"))["leader"]
        wait_for(lambda c=codec, b=leader: described(cluster, TOPIC, "packed", "compression.type", b) == (c, 1), 10, "it at the leader")
        for sent in ("none", "gzip", "snappy", "lz4", "zstd"):
            some = [f"{codec} {sent} {i} some text that compresses" for i in range(50)]
            produce(cluster, "packed", some, "-z", sent)
            lines += some
        want += [number] * 5
    found = []
    for codec, _ in batches(cluster.partition_dirs("packed")):
        found.append(codec)
    assert [c for i, c in enumerate(found) if i == 0 or c != found[i - 1]] == list(CODECS.values()), found
    assert [line.split(" ", 1)[1] for line in consumed(cluster, "packed")] == lines


def test_log_append_time(cluster):
    from kafka import KafkaProducer
    cluster.topic("stamped", 1, 1, "--config", "retention.ms=-1")
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap, acks="all", api_version=(2, 5, 0))
    assert producer.send("stamped", b"a", partition=0, timestamp_ms=1000).get(10).timestamp == 1000
    alter(cluster, TOPIC, "stamped", ("message.timestamp.type", SET, "LogAppendTime"))

    def now_stamped():
        before = int(time.time() * 1000)
        return producer.send("stamped", b"b", partition=0, timestamp_ms=2000).get(10).timestamp >= before - 1000

    wait_for(now_stamped, 10, "the broker's own time")
    producer.close()
    times = [int(line.split(" ")[0]) for line in consumed(cluster, "stamped")]
    assert times[0] == 1000 and times[-1] > 1600000000000, times


def test_timestamp_bounds(cluster):
    from kafka import KafkaProducer
    from kafka.errors import InvalidTimestampError
    cluster.topic("bounded", 1)
    alter(cluster, TOPIC, "bounded", ("message.timestamp.before.max.ms", SET, "60000"), ("message.timestamp.after.max.ms", SET, "60000"))
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap, acks="all", retries=0, api_version=(2, 5, 0))
    now = int(time.time() * 1000)

    def refuses(timestamp):
        try:
            producer.send("bounded", b"x", partition=0, timestamp_ms=timestamp).get(10)
            return False
        except InvalidTimestampError:
            return True

    wait_for(lambda: refuses(now - 3600000), 10, "the lower bound")
    assert refuses(now + 3600000) and not refuses(now)
    producer.close()


def test_retention_and_segments(cluster):
    """Segments get smaller and the oldest go, once both are asked for."""
    cluster.topic("cut", 1, 1, "--config", "file.delete.delay.ms=0")
    produce(cluster, "cut", ["x" * 1000] * 300, "-X", "batch.num.messages=10")
    (directory,) = cluster.partition_dirs("cut")
    assert len(list(directory.glob("*.log"))) == 1
    alter(cluster, TOPIC, "cut", ("segment.bytes", SET, "50000"), ("retention.bytes", SET, "100000"))
    wait_for(lambda: produce(cluster, "cut", ["x" * 1000] * 100, "-X", "batch.num.messages=10") and
             not (directory / f"{0:020}.log").exists(), 30, "the end of the oldest segment")
    assert wait_for(lambda: sum(f.stat().st_size for f in directory.glob("*.log")) < 200000, 30, "a small log")


def test_brokers_and_their_defaults(cluster):
    """All brokers' goes before the file, one broker's before all brokers'; logs follow without a restart."""
    cluster.topic("follows", 3)
    assert described(cluster, TOPIC, "follows", "max.message.bytes") == ("1048588", 5)
    alter(cluster, BROKER, "", ("message.max.bytes", SET, "700"))
    for broker in range(3):
        wait_for(lambda b=broker: described(cluster, TOPIC, "follows", "max.message.bytes", b) == ("700", 3), 10, "all brokers' value")
        assert described(cluster, BROKER, str(broker), "message.max.bytes", broker) == ("700", 3)
    # Another shard of the broker may hear of it a moment later.
    wait_for(lambda: produce(cluster, "follows", ["x" * 1000], check=False).returncode != 0, 10, "the refusal")
    refused(cluster, "follows", ["x" * 1000], "too large")
    leader = json.loads(cluster.zk("/brokers/topics/follows/partitions/0/state"))["leader"]
    alter(cluster, BROKER, str(leader), ("message.max.bytes", SET, "5000"), broker=leader)
    wait_for(lambda: described(cluster, TOPIC, "follows", "max.message.bytes", leader) == ("5000", 2), 10, "the leader's value")
    wait_for(lambda: produce(cluster, "follows", ["x" * 1000], check=False).returncode == 0, 10, "the end of the refusal")
    assert described(cluster, TOPIC, "follows", "max.message.bytes", (leader + 1) % 3) == ("700", 3)
    assert set(cluster.zk_children("/config/brokers")) >= {"<default>", str(leader)}
    results = client(cluster, leader).incremental(None, [(BROKER, str(leader), [("broker.id", SET, "7")])])
    assert results == [(42, "Cannot update these configs dynamically: Set(broker.id)", BROKER, str(leader))], results
    alter(cluster, BROKER, str(leader), ("message.max.bytes", DELETE, None), broker=leader)
    alter(cluster, BROKER, "", ("message.max.bytes", DELETE, None))
    for broker in range(3):
        wait_for(lambda b=broker: described(cluster, TOPIC, "follows", "max.message.bytes", b) == ("1048588", 5), 10, "the default")


def test_connection_limit(cluster):
    def connects():
        try:
            client(cluster, 2).describe(None, BROKER, "2", ["broker.id"])
            return True
        except (SystemExit, OSError):
            return False

    held = client(cluster, 2)
    alter(cluster, BROKER, "2", ("max.connections.per.ip", SET, "1"), broker=2)
    wait_for(lambda: not connects(), 10, "the limit")
    results = held.incremental(None, [(BROKER, "2", [("max.connections.per.ip", DELETE, None)])])
    assert results[0][0] == 0, results
    wait_for(connects, 10, "the limit's end")


def test_written_by_hand(cluster):
    """What zkCli and the tools of Kafka 2.x write is taken up; what is wrong in it is told in one line and does no harm."""
    cluster.topic("by-hand", 1)
    shell = ("zookeeper-shell.sh", cluster.zookeeper)
    cluster.run(*shell, "set", "/config/topics/by-hand", '{"version":1,"config":{"retention.ms":"9000","flush.ms":"often","no.such":"1"}}')
    cluster.run(*shell, "create", "-s", "/config/changes/config_change_", '{"version":2,"entity_path":"topics/by-hand"}')
    for broker in range(3):
        wait_for(lambda b=broker: described(cluster, TOPIC, "by-hand", "retention.ms", b) == ("9000", 1), 15, "the retention by hand")
    assert described(cluster, TOPIC, "by-hand", "flush.ms") == ("9223372036854775807", 5)
    told = [line for name in ("controller-0", "controller-1") for line in cluster.log_text(name).splitlines() if "/config/topics/by-hand" in line]
    assert len(told) == 1 and "2 of its overrides count for nothing" in told[0], told
    produce(cluster, "by-hand", ["fine"])
    results = client(cluster).incremental(None, [(TOPIC, "by-hand", [("retention.ms", SET, "8000")])])
    assert results[0][0] == 40, results  # as with Kafka: the whole must be valid
    alter(cluster, TOPIC, "by-hand", ("no.such", DELETE, None), ("flush.ms", DELETE, None))
    cluster.run(*shell, "set", "/config/topics/by-hand", "this is no JSON")
    cluster.run(*shell, "create", "-s", "/config/changes/config_change_", '{"version":1,"entity_type":"topics","entity_name":"by-hand"}')
    wait_for(lambda: described(cluster, TOPIC, "by-hand", "retention.ms") == ("604800000", 5), 15, "the overrides' end")
    alter(cluster, TOPIC, "by-hand", ("retention.ms", SET, "7000"))


def test_own_tool(cluster):
    cluster.topic("by-tool", 1)
    tool = ("kafka-configs.sh", "--bootstrap-server", cluster.bootstrap)
    cluster.run(*tool, "--alter", "--topic", "by-tool", "--add-config", "retention.ms=4000,cleanup.policy=[compact,delete]")
    wait_for(lambda: described(cluster, TOPIC, "by-tool", "retention.ms") == ("4000", 1), 10, "the retention")
    assert described(cluster, TOPIC, "by-tool", "cleanup.policy") == ("compact,delete", 1)
    assert "retention.ms=4000" in cluster.run(*tool, "--describe", "--topic", "by-tool").stdout
    cluster.run(*tool, "--alter", "--topic", "by-tool", "--delete-config", "retention.ms")
    wait_for(lambda: described(cluster, TOPIC, "by-tool", "retention.ms") == ("604800000", 5), 10, "the default")
    cluster.run(*tool, "--alter", "--broker", "1", "--add-config", "background.threads=12")
    wait_for(lambda: described(cluster, BROKER, "1", "background.threads", 1) == ("12", 2), 10, "the broker's value")
    wait_for(lambda: "background.threads has no effect" in cluster.log_text("broker-1"), 10, "the line that says so")
    cluster.run(*tool, "--alter", "--broker", "1", "--delete-config", "background.threads")


def test_python_admin(cluster):
    from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
    cluster.topic("python", 1)
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap, api_version=(2, 5, 0))
    answer = admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "python", {"retention.ms": "12345"})])
    assert answer.resources[0][0] == 0, answer
    wait_for(lambda: described(cluster, TOPIC, "python", "retention.ms") == ("12345", 1), 10, "the retention")
    (answer,) = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "python")])
    values = {row[0]: row[1] for row in answer.resources[0][4]}
    assert values["retention.ms"] == "12345" and values["cleanup.policy"] == "delete", values
    admin.close()


def test_last_through_failover_and_restart(cluster):
    cluster.topic("lasting", 3)
    alter(cluster, TOPIC, "lasting", ("flush.messages", SET, "5"))
    alter(cluster, BROKER, "", ("log.retention.ms", SET, "77000"))
    active = json.loads(cluster.zk("/controller"))["brokerid"]
    cluster.kill(f"controller-{active}")
    wait_for(lambda: json.loads(cluster.zk("/controller") or "{}").get("brokerid") not in (None, active), 30, "another controller")
    alter(cluster, TOPIC, "lasting", ("flush.ms", SET, "500"))
    cluster.kill("broker-1")
    cluster.start()
    wait_for(lambda: cluster.alive("broker-1") and "1" in cluster.zk_children("/brokers/ids"), 30, "broker 1")

    def told(broker):
        try:
            return described(cluster, TOPIC, "lasting", "flush.messages", broker) == ("5", 1) and \
                described(cluster, TOPIC, "lasting", "flush.ms", broker) == ("500", 1) and \
                described(cluster, TOPIC, "lasting", "retention.ms", broker) == ("77000", 3)
        except (AssertionError, OSError, SystemExit):
            return False

    for broker in range(3):
        wait_for(lambda b=broker: told(b), 30, f"the configs at broker {broker}")
    alter(cluster, BROKER, "", ("log.retention.ms", DELETE, None))
