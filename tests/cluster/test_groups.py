"""test_groups.py: consumer groups with clients that nobody here wrote: every record is consumed, partitions have one owner, members come, go and are
killed, and the death of the coordinator or of the active controller is no rebalance.
"""
import json
import pathlib
import subprocess
import threading

from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer

from harness import wait_for

CLUSTER = {"overrides": ["barnabas.shards=3", "group.initial.rebalance.delay.ms=200"]}
PARTITIONS = 12


def java_hash(text):
    h = 0
    for c in text:
        h = (31 * h + ord(c)) & 0xffffffff
    return abs(h - (1 << 32) if h >> 31 else h)


class Member(threading.Thread, ConsumerRebalanceListener):
    """One consumer on a thread of its own; what it read and how often it was assigned anew."""

    def __init__(self, cluster, group, topic):
        super().__init__(daemon=True)
        self.read, self.assigned, self.events, self.stopping, self.error = {}, set(), 0, False, None
        self.consumer = KafkaConsumer(bootstrap_servers=cluster.bootstrap.split(","), group_id=group, auto_offset_reset="earliest",
                                      session_timeout_ms=10000, heartbeat_interval_ms=500, auto_commit_interval_ms=300, retry_backoff_ms=50,
                                      reconnect_backoff_ms=20)
        self.consumer.subscribe([topic], listener=self)
        self.start()

    def on_partitions_revoked(self, revoked):
        self.assigned = set()

    def on_partitions_assigned(self, assigned):
        self.events += 1
        self.assigned = {tp.partition for tp in assigned}

    def run(self):
        try:
            while not self.stopping:
                for tp, records in self.consumer.poll(timeout_ms=100).items():
                    for r in records:
                        self.read[tp.partition, r.offset] = self.read.get((tp.partition, r.offset), 0) + 1
            self.consumer.close()
        except Exception as e:  # told by the test's own thread
            self.error = e

    def stop(self):
        self.stopping = True
        self.join(60)
        assert not self.is_alive() and self.error is None, self.error


def produce(cluster, topic, count):
    cluster.run("kcat", "-P", "-b", cluster.bootstrap, "-t", topic, "-X", "acks=all", stdin="".join(f"record {i}\n" for i in range(count)))


def settled(members):
    """Everybody has something, and all of it together is every partition once."""
    owned = [p for m in members for p in m.assigned]
    return all(m.assigned for m in members) and sorted(owned) == list(range(PARTITIONS))


def consumed(members, count):
    return len(set().union(*(set(m.read) for m in members))) == count


def state(cluster, group):
    return json.loads(cluster.zk(f"/consumers/{group}"))


def coordinator(cluster, group):
    partition = java_hash(group) % 50
    return json.loads(cluster.zk(f"/brokers/topics/__consumer_offsets/partitions/{partition}/state"))["leader"]


def test_members_come_and_go(cluster):
    cluster.topic("team", PARTITIONS, cluster.brokers)
    produce(cluster, "team", 3000)
    members = [Member(cluster, "team", "team")]
    wait_for(lambda: settled(members), 60, "one member to have all partitions")
    for _ in range(2):
        members.append(Member(cluster, "team", "team"))
        wait_for(lambda: settled(members), 60, f"{len(members)} members to share all partitions")
    wait_for(lambda: consumed(members, 3000), 60, "every record to be consumed")
    told = state(cluster, "team")
    assert told["state"] == "Stable" and len(told["members"]) == 3, told
    owned = sorted(p for m in told["members"] for p in m["assignment"]["team"])
    assert owned == list(range(PARTITIONS)), told
    gone = members.pop(0)
    gone.stop()
    wait_for(lambda: settled(members), 60, "the others to take over")
    produce(cluster, "team", 1000)
    wait_for(lambda: consumed(members + [gone], 4000), 60, "the new records")
    for m in members:
        m.stop()
    wait_for(lambda: state(cluster, "team")["state"] == "Empty", 30, "an empty group")


def test_coordinator_killed(cluster):
    """kill -9 of the coordinator's broker, then of the active controller: the generation stays the same, and consumption goes on."""
    cluster.topic("calm", PARTITIONS, cluster.brokers)
    produce(cluster, "calm", 2000)
    outs = [pathlib.Path(cluster.dir, f"calm-{i}.out") for i in range(3)]
    members = [subprocess.Popen(["kcat", "-b", cluster.bootstrap, "-X", "auto.offset.reset=earliest", "-X", "topic.metadata.refresh.fast.interval.ms=50",
                                 "-X", "reconnect.backoff.max.ms=100", "-G", "calm", "-u", "-q", "-f", "%p %o\n", "calm"], stdout=out.open("w"),
                                stderr=subprocess.DEVNULL) for out in outs]

    def came(count):
        return len({line for out in outs for line in out.read_text().splitlines(keepends=True) if line.endswith("\n")}) == count

    try:
        wait_for(lambda: came(2000) and len(state(cluster, "calm")["members"]) == 3, 60, "a settled group")
        generation = state(cluster, "calm")["generation"]
        cluster.kill(f"broker-{coordinator(cluster, 'calm')}")
        produce(cluster, "calm", 2000)
        wait_for(lambda: came(4000), 60, "records produced after the coordinator's death")
        cluster.start()
        cluster.kill(f"controller-{json.loads(cluster.zk('/controller'))['brokerid']}")
        produce(cluster, "calm", 500)
        wait_for(lambda: came(4500), 60, "records produced after the controller's death")
        assert state(cluster, "calm")["generation"] == generation, "there was a rebalance"
        assert all(m.poll() is None for m in members)
    finally:
        for m in members:
            m.kill()
            m.wait()
        cluster.start()


def test_member_killed(cluster):
    """A kcat that dies without a word is left out after its session; python goes on with all partitions."""
    cluster.topic("lone", PARTITIONS, cluster.brokers)
    member = Member(cluster, "lone", "lone")
    wait_for(lambda: settled([member]), 60, "one member to have all partitions")
    with subprocess.Popen(["kcat", "-b", cluster.bootstrap, "-X", "session.timeout.ms=6000", "-X", "partition.assignment.strategy=range", "-G", "lone",
                           "lone"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as other:
        wait_for(lambda: member.assigned and len(member.assigned) < PARTITIONS, 60, "two members to share")
        other.kill()
    wait_for(lambda: settled([member]), 60, "the killed one's partitions to come back")
    member.stop()


def test_committed_offsets(cluster):
    """What was committed is where a group goes on, and the administrator sees and deletes it."""
    cluster.topic("marks", PARTITIONS, cluster.brokers)
    produce(cluster, "marks", 600)
    member = Member(cluster, "marks", "marks")
    wait_for(lambda: consumed([member], 600), 60, "every record")
    member.stop()
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap.split(","))
    wait_for(lambda: sum(o.offset for o in admin.list_consumer_group_offsets("marks").values()) == 600, 30, "all of it committed")
    produce(cluster, "marks", 300)
    member = Member(cluster, "marks", "marks")
    wait_for(lambda: consumed([member], 300), 60, "the new records, and none of the old")
    member.stop()
    assert ("marks", "consumer") in admin.list_consumer_groups()
    assert admin.describe_consumer_groups(["marks"])[0].state == "Empty"
    admin.close()
