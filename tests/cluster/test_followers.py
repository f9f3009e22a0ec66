"""test_followers.py: what followers have is what their leader has, byte for byte: after every codec and idempotent producers, after a follower was
killed and had to catch up, and after leaders were killed under load.
"""
import filecmp
import json
import pathlib
import random

from harness import wait_for

CLUSTER = {"overrides": ["barnabas.shards=2"]}
PARTITIONS = 3


def produce(cluster, topic, count, *properties, codec="none"):
    lines = "".join(f"{random.random()} record number {i} with some text that compresses\n" for i in range(count))
    cluster.run("kcat", "-P", "-b", cluster.bootstrap, "-t", topic, "-z", codec, "-X", "acks=all", *properties, stdin=lines, timeout=300)


def states(cluster, topic):
    return [json.loads(cluster.zk(f"/brokers/topics/{topic}/partitions/{p}/state")) for p in range(PARTITIONS)]


def in_sync(cluster, topic):
    return all(len(s["isr"]) == cluster.brokers for s in states(cluster, topic))


def files(cluster, broker, topic, partition):
    return sorted(pathlib.Path(cluster.dir, f"data/broker-{broker}/{topic}-{partition}").glob("*.log"))


def same(cluster, topic):
    """Every replica has the same segments with the same bytes."""
    for partition in range(PARTITIONS):
        first = files(cluster, 0, topic, partition)
        for broker in range(1, cluster.brokers):
            other = files(cluster, broker, topic, partition)
            if [f.name for f in first] != [f.name for f in other] or not all(filecmp.cmp(a, b, shallow=False) for a, b in zip(first, other)):
                return False
    return True


def agree(cluster, topic, count, once=True):
    """once: no producer had to retry what another leader may have kept."""
    wait_for(lambda: in_sync(cluster, topic), 60, f"all replicas of {topic} in sync")
    wait_for(lambda: same(cluster, topic), 30, f"the same bytes of {topic} on every broker")
    out = cluster.run("kcat", "-C", "-b", cluster.bootstrap, "-t", topic, "-e", "-q", timeout=300).stdout
    lines = out.splitlines()
    assert len(set(lines)) == count, f"{len(set(lines))} of {count} came back"
    assert not once or len(lines) == count, f"{len(lines)} came back, some of {count} twice"


def test_every_codec(cluster):
    cluster.topic("codecs", PARTITIONS, cluster.brokers)
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
    for codec in codecs:
        produce(cluster, "codecs", 5000, codec=codec)
        produce(cluster, "codecs", 5000, "-X", "enable.idempotence=true", codec=codec)
    agree(cluster, "codecs", 10000 * len(codecs))


def test_follower_catches_up(cluster):
    """Killed, so that it recovers first; segments are small, so that it rolls while it catches up."""
    cluster.topic("behind", PARTITIONS, cluster.brokers, "--config", "segment.bytes=1048576")
    produce(cluster, "behind", 5000)
    victim = states(cluster, "behind")[0]["isr"][-1]
    cluster.kill(f"broker-{victim}")
    produce(cluster, "behind", 100000)
    cluster.start()
    agree(cluster, "behind", 105000)


def test_leaders_killed(cluster):
    cluster.topic("led", PARTITIONS, cluster.brokers)
    for _ in range(3):
        produce(cluster, "led", 5000)
        cluster.kill(f"broker-{states(cluster, 'led')[0]['leader']}")
        produce(cluster, "led", 5000)
        cluster.start()
        wait_for(lambda: in_sync(cluster, "led"), 60, "all replicas in sync")
    agree(cluster, "led", 30000, once=False)
