"""test_groups.py: consumer groups with clients that nobody here wrote: every record is consumed, partitions have one owner, members come, go and are
killed; neither the death of the coordinator or of the active controller nor ZooKeeper's absence is a rebalance.
"""
import json
import os
import pathlib
import selectors
import signal
import socket
import struct
import subprocess
import threading
import time

from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer

from harness import wait_for

CLUSTER = {"overrides": ["barnabas.shards=3", "group.initial.rebalance.delay.ms=200", "zookeeper.session.timeout.ms=6000"]}
PARTITIONS = 12
NOT_COORDINATOR = 16


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


def produce(cluster, topic, count, idempotent=True):
    """Exactly so many records, over all partitions. Without idempotence what was under way to a broker that dies is now and then written twice; with
    it a producer needs an id to begin, which a broker may have to take from ZooKeeper."""
    cluster.run("kcat", "-P", "-b", cluster.bootstrap, "-t", topic, "-X", "acks=all", "-X", f"enable.idempotence={str(idempotent).lower()}",
                "-X", "sticky.partitioning.linger.ms=0", stdin="".join(f"record {i}\n" for i in range(count)))


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


class Steady:
    """A settled group of ten: what it printed, and that nothing has disturbed it since. The sessions are the shortest that a broker allows."""

    def __init__(self, cluster, group):
        self.cluster, self.group, self.count = cluster, group, 0
        self.members = [Kcat(cluster, group, f"{group}-{i}", "session.timeout.ms=6000", "heartbeat.interval.ms=1000") for i in range(10)]
        try:
            wait_for(lambda: sum(m.assigned() for m in self.members) == PARTITIONS and len(state(cluster, group)["members"]) == 10, 60, "a settled group")
            self.generation, self.rebalances = state(cluster, group)["generation"], [m.rebalances() for m in self.members]
        except BaseException:
            self.kill()
            raise

    def committed(self):
        """By partition, as an administrator sees it."""
        said = self.cluster.run("kafka-consumer-groups.sh", "--bootstrap-server", self.cluster.bootstrap, "--describe", "--group", self.group).stdout
        rows = [line.split() for line in said.splitlines() if line.startswith(self.group + " ")]
        return {int(row[2]): int(row[3]) for row in rows if row[3] != "-"}

    def goes_on(self, count, what, idempotent=True):
        """So many new records come, each once, and are committed; no commit that was seen before is gone."""
        before = self.committed()
        produce(self.cluster, self.group, count, idempotent)
        self.count += count
        wait_for(lambda: len(self.lines()) >= self.count, 30, f"records produced {what}")
        wait_for(lambda: sum(self.committed().values()) == self.count, 30, f"their commits, {what}")
        now = self.committed()
        assert all(now.get(p, -1) >= offset for p, offset in before.items()), (before, now)

    def lines(self):
        return [line for m in self.members for line in m.lines()]

    def undisturbed(self):
        assert len(self.lines()) == len(set(self.lines())) == self.count, "a record came twice"
        assert [m.rebalances() for m in self.members] == self.rebalances, "a member was assigned anew"
        assert state(self.cluster, self.group)["generation"] == self.generation, "there was a rebalance"
        assert all(m.process.poll() is None for m in self.members)

    def kill(self):
        for m in self.members:
            m.kill()


class Kcat:
    def __init__(self, cluster, group, name, *properties):
        self.out, self.err = (pathlib.Path(cluster.dir, f"{name}.{kind}") for kind in ("out", "err"))
        more = [word for p in ("auto.offset.reset=earliest", "auto.commit.interval.ms=300", "topic.metadata.refresh.fast.interval.ms=50",
                               "reconnect.backoff.max.ms=100", *properties) for word in ("-X", p)]
        self.process = subprocess.Popen(["kcat", "-b", cluster.bootstrap, *more, "-G", group, "-u", "-f", "%p %o\n", group], stdout=self.out.open("w"),
                                        stderr=self.err.open("w"))

    def lines(self):
        return [line for line in self.out.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def rebalances(self):
        return sum("rebalanced" in line for line in self.err.read_text().splitlines())

    def assigned(self):
        told = [line for line in self.err.read_text().splitlines() if "rebalanced" in line]
        return told[-1].count("[") if told and "): assigned:" in told[-1] else 0

    def kill(self):
        self.process.kill()
        self.process.wait()


def test_coordinator_killed(cluster):
    """kill -9 of the coordinator's broker, then of the active controller: the generation stays the same, and consumption and commits go on."""
    cluster.topic("calm", PARTITIONS, cluster.brokers)
    group = Steady(cluster, "calm")
    try:
        group.goes_on(2000, "before anything happens")
        cluster.kill(f"broker-{coordinator(cluster, 'calm')}")
        group.goes_on(2000, "after the coordinator's death")
        cluster.start()
        cluster.kill(f"controller-{json.loads(cluster.zk('/controller'))['brokerid']}")
        group.goes_on(500, "after the controller's death")
        group.undisturbed()
    finally:
        group.kill()
        cluster.start()


class Deaf:
    """In ZooKeeper's place: takes connections, as ZooKeeper does while it starts, and never answers."""
    FIRST_S = 3  # what a server may give its first attempt on a busy machine (0.5 s otherwise); the library by itself gives 4 s of a session of 6

    def __init__(self, port):
        self.listener, self.taken, self.ended = socket.socket(), {}, []  # socket -> when; seconds each was waited for
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(64)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def turn(self):
        for key, _ in self.selector.select(1):
            if key.fileobj is self.listener:
                taken, _ = self.listener.accept()
                self.taken[taken] = time.monotonic()
                self.selector.register(taken, selectors.EVENT_READ)
            elif not self.received(key.fileobj):
                self.ended.append(time.monotonic() - self.taken.pop(key.fileobj))
                self.selector.unregister(key.fileobj)
                key.fileobj.close()

    @staticmethod
    def received(taken):
        try:
            return taken.recv(65536)
        except ConnectionResetError:
            return b""

    def given_up_by(self, count):
        """As many connections as there are servers have been taken and given up."""
        wait_for(lambda: self.turn() or len(self.ended) >= count, 30, f"{count} connections to be given up; {self.ended}")
        assert max(self.ended[:count]) < self.FIRST_S, f"a server that never answers was waited for: {self.ended} s"

    def stop_listening(self):
        self.selector.unregister(self.listener)
        self.listener.close()

    def __exit__(self, *_):
        for taken in (self.listener, *self.taken):
            taken.close()
        self.selector.close()


def test_zookeeper_away(cluster):
    """ZooKeeper is away for longer than the members' sessions, and comes back with its own: the group notices nothing; one that has to be made
    waits, and is there when ZooKeeper is back, also when what came before it took every server's connection and never answered."""
    cluster.topic("windless", PARTITIONS, cluster.brokers)
    cluster.topic("new", PARTITIONS, cluster.brokers)
    produce(cluster, "new", 100)
    group, new, reign = Steady(cluster, "windless"), None, cluster.zk("/controller")
    try:
        group.goes_on(1000, "before anything happens")
        cluster.kill("zookeeper")
        until = time.monotonic() + 10
        new = Kcat(cluster, "new", "new")
        while time.monotonic() < until:
            group.goes_on(200, "without ZooKeeper", idempotent=False)
            assert not new.rebalances(), "a group was assigned partitions, and nobody stored that"
        with Deaf(cluster.zookeeper_port) as deaf:
            deaf.given_up_by(cluster.brokers + cluster.controllers)
            deaf.stop_listening()  # but what it took stays open
            cluster.start()
            wait_for(lambda: len(new.lines()) == 100, 30, "the group that waited")
        group.goes_on(500, "when ZooKeeper is back")
        group.undisturbed()
        assert cluster.zk("/controller") == reign, "the controller's session ended"
    finally:
        group.kill()
        if new:
            new.kill()
        cluster.start()


def test_coordinator_killed_under_python(cluster):
    """The same death under clients of another make: nobody is assigned anew."""
    cluster.topic("soft", PARTITIONS, cluster.brokers)
    produce(cluster, "soft", 1000)
    members = [Member(cluster, "soft", "soft") for _ in range(3)]
    wait_for(lambda: settled(members) and consumed(members, 1000), 60, "a settled group")
    generation, events = state(cluster, "soft")["generation"], [m.events for m in members]
    cluster.kill(f"broker-{coordinator(cluster, 'soft')}")
    produce(cluster, "soft", 1000)
    wait_for(lambda: consumed(members, 2000), 60, "records produced after the coordinator's death")
    assert state(cluster, "soft")["generation"] == generation and [m.events for m in members] == events, "somebody was assigned anew"
    cluster.start()
    for m in members:
        m.stop()


def frame_of_heartbeat(group, generation, member):
    """Heartbeat 0: api key, version, correlation id, client id; group, generation, member."""
    body = struct.pack(">hhih", 12, 0, 1, -1)
    for field in (group, generation, member):
        body += struct.pack(">i", field) if isinstance(field, int) else struct.pack(">h", len(field)) + field.encode()
    return struct.pack(">i", len(body)) + body


def answer_to_heartbeat(conn):
    return struct.unpack(">iih", conn.recv(10, socket.MSG_WAITALL))[2]


def test_coordinator_stopped(cluster):
    """A coordinator that is stopped beyond its session, and asked before it can have heard of that, keeps no member content: its first word is
    NOT_COORDINATOR, and the group is settled, in the same generation, with the one elected meanwhile."""
    cluster.topic("frozen", PARTITIONS, cluster.brokers)
    produce(cluster, "frozen", 500)
    member = Member(cluster, "frozen", "frozen")
    wait_for(lambda: settled([member]) and consumed([member], 500), 60, "one member to read everything")
    told, stopped = state(cluster, "frozen"), coordinator(cluster, "frozen")
    with socket.create_connection(("127.0.0.1", cluster.port + stopped), timeout=30) as conn:
        frame = frame_of_heartbeat("frozen", told["generation"], told["members"][0]["member_id"])
        conn.sendall(frame)
        assert answer_to_heartbeat(conn) == 0
        pid = cluster.freeze(f"broker-{stopped}")
        try:
            conn.sendall(frame)
            wait_for(lambda: coordinator(cluster, "frozen") != stopped, 30, "another coordinator")
        finally:
            os.kill(pid, signal.SIGCONT)
        answer = answer_to_heartbeat(conn)
        assert answer == NOT_COORDINATOR, answer
    produce(cluster, "frozen", 500)
    wait_for(lambda: consumed([member], 1000), 60, "the new records")
    assert state(cluster, "frozen")["generation"] == told["generation"], "there was a rebalance"
    member.stop()


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
