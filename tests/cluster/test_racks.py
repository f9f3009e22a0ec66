"""test_racks.py: consumers read from the replica in their own rack (KIP-392), and from the leader when there is none."""
import json
import random
import re

from harness import wait_for

SELECTOR = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
CLUSTER = {"overrides": [f"replica.selector.class={SELECTOR}", "replica.lag.time.max.ms=3000"]}
RECORDS = 5000


def in_racks(cluster):
    """Broker i is in rack ri."""
    for broker in range(cluster.brokers):
        if "rack" not in json.loads(cluster.zk(f"/brokers/ids/{broker}")):
            cluster.restart_broker(broker, f"broker.rack=r{broker}")
    for broker in range(cluster.brokers):
        assert json.loads(cluster.zk(f"/brokers/ids/{broker}"))["rack"] == f"r{broker}"


def state(cluster, topic):
    return json.loads(cluster.zk(f"/brokers/topics/{topic}/partitions/0/state"))


def filled(cluster, topic):
    """A topic with everything on every broker; gives its leader."""
    cluster.topic(topic, 1, cluster.brokers)
    lines = "".join(f"{i} {random.random()}\n" for i in range(RECORDS))
    cluster.run("kcat", "-P", "-b", cluster.bootstrap, "-t", topic, "-X", "acks=all", stdin=lines)
    wait_for(lambda: len(state(cluster, topic)["isr"]) == cluster.brokers, 30, "everybody in sync")
    return state(cluster, topic)["leader"]


def consume(cluster, topic, rack, *more):
    """What was read, and the brokers that gave records, in order."""
    done = cluster.run("kcat", "-C", "-q", "-b", cluster.bootstrap, "-t", topic, "-e", "-X", f"client.rack={rack}", "-d", "fetch,msg", *more,
                       timeout=60)
    gave = re.findall(r"127\.0\.0\.1:(\d+)/\d+: Enqueue \d+ message", done.stderr)
    return done.stdout.splitlines(), list(dict.fromkeys(int(port) - cluster.port for port in gave))


def test_each_rack_reads_its_own(cluster):
    in_racks(cluster)
    leader = filled(cluster, "racks")
    for broker in range(cluster.brokers):
        lines, gave = consume(cluster, "racks", f"r{broker}")
        assert len(lines) == RECORDS and lines[-1].startswith(f"{RECORDS - 1} "), (broker, len(lines))
        assert gave == [broker], f"rack r{broker}, leader {leader}: brokers {gave} gave records"
    for rack in ("elsewhere", ""):
        assert consume(cluster, "racks", rack)[1] == [leader], rack


def test_new_records_come_through_followers(cluster):
    """A consumer that waits at a follower is woken by what the leader commits."""
    in_racks(cluster)
    leader = filled(cluster, "fresh")
    rack = (leader + 1) % cluster.brokers
    before = consume(cluster, "fresh", f"r{rack}")[0]
    for i in range(20):
        cluster.run("kcat", "-P", "-b", cluster.bootstrap, "-t", "fresh", "-X", "acks=all", stdin=f"more {i}\n")
    lines, gave = consume(cluster, "fresh", f"r{rack}")
    assert lines == before + [f"more {i}" for i in range(20)]
    assert gave == [rack], gave


def test_follower_goes(cluster):
    """Without the replica in its rack a consumer reads from the leader, and nothing is lost."""
    in_racks(cluster)
    leader = filled(cluster, "goes")
    follower = (leader + 1) % cluster.brokers
    cluster.kill(f"broker-{follower}")
    wait_for(lambda: follower not in state(cluster, "goes")["isr"], 30, "the ISR to shrink")
    lines, gave = consume(cluster, "goes", f"r{follower}")
    assert len(lines) == RECORDS and gave == [leader], (len(lines), gave)
    cluster.start()  # without a rack


def test_other_classes_are_refused(cluster):
    done = cluster.run("barnabas-broker", f"{cluster.dir}/config/broker-0.properties", "--override", "replica.selector.class=com.example.Nearest",
                       check=False)
    assert done.returncode != 0 and "com.example.Nearest is a Java class" in done.stdout + done.stderr, done.stdout + done.stderr
