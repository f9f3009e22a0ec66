"""groups.py: a consumer group of ten (members.c) under failures that are none of its business: its coordinator's broker is killed, the active
controller is killed, ZooKeeper is away for a minute. It must not rebalance; every record is consumed, in order and once; no offset whose commit
was acknowledged is lost; and how long records and commits stood still is measured. What does begin to rebalance while ZooKeeper is away waits,
and ends after it is back.
"""
import pathlib
import signal
import socket
import subprocess
import threading
import time

from harness import wait_for
from load import send_signals
from rounds import Kind, watch_states
from zk import ZooKeeper

MEMBERS, PARTITIONS, OFFSETS_PARTITIONS = 10, 20, 50
DISTURBED = {"REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID"}


def java_hash(text):
    h = 0
    for c in text:
        h = (31 * h + ord(c)) & 0xffffffff
    return abs(h - (1 << 32) if h >> 31 else h)


class Serving(threading.Thread):
    """Waits for ZooKeeper to serve, as its own `srvr` tells; ns is when that was. A start of Java alone takes seconds on a busy machine."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.ns = port, None
        self.start()

    def serves(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 0.5) as s:
                s.settimeout(0.5)
                s.sendall(b"srvr")
                return b"Zookeeper version" in s.recv(65536)
        except OSError:
            return False

    def run(self):
        pause = time.sleep  # between looks
        while not self.serves():
            pause(0.01)
        self.ns = time.monotonic_ns()


class Members:
    """A members program and its log, read as it grows. Nanoseconds are those of CLOCK_MONOTONIC, as time.monotonic_ns() gives them."""

    def __init__(self, cluster, group, topic, count, name, properties):
        self.cluster, self.group, self.count, self.cut = cluster, group, count, ""
        self.path = pathlib.Path(cluster.dir, f"{name}.members")
        self.path.write_text("")
        self.owned, self.events = {}, []  # member -> (generation, partitions); (sign, member, generation, ns)
        self.next, self.wrong = {}, []    # partition -> the offset that must come next
        self.arrived, self.commits = {}, []  # since mark(): partition -> [ns]; (member, sent, acknowledged)
        self.committed = {}               # partition -> the greatest acknowledged
        self.refused = []                 # (word, ns)
        command = [str(pathlib.Path(cluster.tools) / "tests/chaos/members"), "-b", cluster.bootstrap, "-t", topic, "-g", group, "-n", str(count),
                   "-l", str(self.path)]
        for key, value in properties.items():
            command += ["-X", f"{key}={value}"]
        self.errors = open(f"{self.path}.err", "w", encoding="utf-8")
        self.process = subprocess.Popen(command, stdout=self.errors, stderr=self.errors, env=cluster.env)
        self.file = open(self.path, encoding="ascii")

    def read(self):
        lines = (self.cut + self.file.read()).split("\n")
        self.cut = lines.pop()
        for line in lines:
            sign, *rest = line.split()
            if sign == "r":
                self.record(*map(int, rest))
            elif sign == "c":
                member, partition, offset, sent, at = map(int, rest)
                self.committed[partition] = max(offset, self.committed.get(partition, 0))
                self.commits.append((member, sent, at))
            elif sign == "!":
                self.refused.append((rest[1], int(rest[2])))
            else:
                member, generation, partitions, at = rest
                got = [int(p) for p in partitions.split(",")] if sign == "+" and partitions != "-" else []
                self.owned[int(member)] = (int(generation), got)
                self.events.append((sign, int(member), int(generation), int(at)))
        assert self.process.poll() is None, f"members of {self.group} ended with {self.process.returncode}: {self.words()}"

    def record(self, _, partition, offset, at):
        if offset != self.next.get(partition, 0):
            self.wrong.append(f"{partition}: {offset} instead of {self.next.get(partition, 0)}")
        self.next[partition] = offset + 1
        self.arrived.setdefault(partition, []).append(at)

    def mark(self):
        self.read()
        self.arrived = {p: times[-1:] for p, times in self.arrived.items()}
        self.commits = []

    def settled(self, partitions):
        """Everybody is in the same generation, and together they have every partition once; gives the generation."""
        self.read()
        generations = {generation for generation, _ in self.owned.values()}
        owned = sorted(p for _, got in self.owned.values() for p in got)
        return len(self.owned) == self.count and len(generations) == 1 and owned == list(range(partitions)) and generations.pop()

    def all_after(self, ns, partitions, seconds=60):
        """Every partition has brought a record, and every member has had a commit acknowledged, after this time."""
        def came():
            self.read()
            return (all(self.arrived.get(p, [0])[-1] > ns for p in range(partitions)) and
                    len({m for m, sent, _ in self.commits if sent > ns}) == self.count)
        wait_for(came, seconds, f"records and commits of {self.group}; none on "
                                f"{[p for p in range(partitions) if self.arrived.get(p, [0])[-1] <= ns]}, {self.refused[-5:]}")

    def pause_ms(self, since_ns, partitions):
        """The longest that one of these brought nothing, of what ended after since_ns."""
        gaps = [b - a for p in partitions for a, b in zip(self.arrived.get(p, []), self.arrived.get(p, [])[1:]) if b >= since_ns]
        return max(gaps, default=0) / 1e6

    def next_commits_ms(self, since_ns):
        """Of each member: how long after since_ns a commit handed over after it was first acknowledged."""
        first = {}
        for member, sent, at in self.commits:
            if sent >= since_ns:
                first[member] = min(at, first.get(member, at))
        return [(at - since_ns) / 1e6 for at in first.values()]

    def words(self):
        self.errors.flush()
        return pathlib.Path(self.errors.name).read_text(errors="replace")[-2000:]

    def stop(self):
        self.process.terminate()
        status = self.process.wait(60)
        assert status == 0, f"members of {self.group} ended with {status}: {self.words()}"
        self.abandon()

    def abandon(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.errors.close()
        self.file.close()


class Group(Kind):
    """Ten members read what the load writes. Their sessions are the shortest that a broker allows, so that nobody lives on by them."""
    group = "steady"

    def __init__(self, cluster, rng, properties=None, rate=2000):
        super().__init__(cluster, rng, properties, rate)
        self.partitions, self.members, self.others = PARTITIONS, None, []

    def spawn(self, group, count, name):
        # Kafka's coordinators are away for longer than that.
        session = {} if self.at_once_ms else {"session.timeout.ms": "45000"}
        members = Members(self.cluster, group, self.topic, count, name, {**(self.properties or {}), **session})
        self.others.append(members)
        return members

    def begin(self):
        if not self.properties:  # librdkafka's back-off doubles up to 10 s, longer than a session, when rounds follow one another (see FAST)
            self.settle = max(self.settle, 11)
        super().begin()
        self.members = self.spawn(self.group, MEMBERS, self.group)
        self.generation = wait_for(lambda: self.members.settled(self.partitions), 60, "a settled group")
        self.members.all_after(time.monotonic_ns(), self.partitions)
        self.quiet = len(self.members.events), len(self.members.refused)

    def abandon(self):
        super().abandon()
        for members in self.others:
            members.abandon()

    def coordinator(self):
        at = f"/brokers/topics/__consumer_offsets/partitions/{java_hash(self.group) % OFFSETS_PARTITIONS}/state"
        return self.zookeeper.json(at)["leader"]

    def stored(self, group):
        """What an administrator is told is committed: partition -> offset."""
        said = self.cluster.run("kafka-consumer-groups.sh", "--bootstrap-server", self.cluster.bootstrap, "--describe", "--group", group).stdout
        rows = [line.split() for line in said.splitlines() if line.startswith(group)]
        return {int(row[2]): int(row[3]) for row in rows if row[3] != "-"}

    def audit(self, acknowledged):
        """Nobody noticed anything; acknowledged: the commits known before."""
        members = self.members
        members.read()
        assert len(members.events) == self.quiet[0], f"a rebalance: {members.events[self.quiet[0]:]}"
        assert members.settled(self.partitions) == self.generation, f"not generation {self.generation}: {members.owned}"
        disturbed = [(word, at) for word, at in members.refused[self.quiet[1]:] if word in DISTURBED]
        assert not disturbed, f"members were refused: {disturbed}"
        assert not members.wrong, f"records lost or read twice: {members.wrong[:5]}"
        stored = self.stored(self.group)
        back = {p: (offset, stored.get(p)) for p, offset in acknowledged.items() if stored.get(p, -1) < offset}
        assert not back, f"commits were acknowledged and are gone (acknowledged, stored): {back}"

    def refusals(self, since_ns):
        return sum(at >= since_ns for _, at in self.members.refused)

    def mark(self):
        self.members.mark()
        return dict(self.members.committed)

    def measure(self, began, led=frozenset()):
        """After the failure: waits for records and commits of everybody, and takes the figures."""
        self.load.flowing()
        self.members.all_after(time.monotonic_ns(), self.partitions)
        if led:
            self.figure("pause of what it led", self.members.pause_ms(began, led))
        self.figure("pause elsewhere" if led else "pause of records", self.members.pause_ms(began, set(range(self.partitions)) - led))
        commits = self.members.next_commits_ms(began)
        self.figure("first next commit", min(commits))
        self.figure("every member's next commit", max(commits))
        self.figure("commits refused", self.refusals(began))

    def end(self):
        line = super().end()
        done = {}
        for entry in self.load.path.read_text().splitlines():
            _, p, offset, _, _ = map(int, entry.split())
            done[p] = max(offset + 1, done.get(p, 0))
        wait_for(lambda: self.members.read() or all(self.members.next.get(p, 0) >= n for p, n in done.items()), 30, "every record to be consumed")
        self.audit(self.mark())
        for members in self.others:
            if members.process.poll() is None:
                members.stop()
        return f"{sum(done.values())} records consumed in generation {self.generation}; {line}"


class GroupCoordinator(Group):
    """kill -9 of the broker that coordinates the group (and leads some of what it reads)."""

    def one(self, i):
        broker = self.coordinator()
        led, before = self.led_by(broker), self.mark()
        began, _ = send_signals(self.cluster, [f"broker-{broker}"], signal.SIGKILL)
        self.measure(began, led)
        assert self.coordinator() != broker, "the dead broker still coordinates"
        self.audit(before)
        self.restart()
        self.whole()
        self.audit(before)


class GroupController(Group):
    """kill -9 of the active controller: no broker dies."""

    def one(self, i):
        before = self.mark()
        began, _ = send_signals(self.cluster, [self.cluster.active_controller(self.zookeeper)], signal.SIGKILL)
        self.measure(began)
        self.cluster.start()
        self.whole()
        self.audit(before)


class GroupZookeeper(Group):
    """ZooKeeper is away for a minute, and comes back with its sessions. The group notices nothing at all; a new group, and one that somebody joins,
    wait for it."""
    away_s = 60
    targets = {"ZooKeeper serves->new group assigned": {100: 2000}, "ZooKeeper serves->join assigned": {100: 2000}}

    def begin(self):
        super().begin()
        self.moving = self.spawn("moving", 2, "moving")
        wait_for(lambda: self.moving.settled(self.partitions), 60, "a second group")

    def registered(self):
        paths = ["/controller", *(f"/brokers/ids/{b}" for b in range(self.cluster.brokers))]
        return {path: found and found[1].czxid for path in paths for found in [self.zookeeper.get(path)]}

    def come_back(self):
        serving, back = Serving(self.cluster.zookeeper_port), time.monotonic_ns()
        self.cluster.start()
        serving.join(60)
        self.figure("start->ZooKeeper serves", (serving.ns - back) / 1e6)
        self.zookeeper.close()
        self.zookeeper = ZooKeeper(self.cluster.zookeeper)
        self.states = watch_states(self.zookeeper, self.topic, self.partitions)
        return serving.ns

    def one(self, i):
        before, there = self.mark(), self.registered()
        noticed = len(self.members.refused), len(self.moving.events)
        began, _ = send_signals(self.cluster, ["zookeeper"], self.rng.choice([signal.SIGKILL, signal.SIGTERM]))
        until = time.monotonic() + self.away_s
        new, joiner = self.spawn(f"new-{i}", 1, f"new-{i}"), self.spawn("moving", 1, f"moving-{i}")
        pause = time.sleep  # what is to be seen is that all goes on for so long
        while time.monotonic() < until:
            pause(1)
            now = time.monotonic_ns()
            self.load.flowing(10)
            self.members.all_after(now, self.partitions, 10)
            for waiting in (new, joiner):
                waiting.read()
                assert not waiting.events, f"{waiting.group} was assigned partitions that nobody stored: {waiting.events}"
        self.figure("pause of records", self.members.pause_ms(began, range(self.partitions)))
        self.figure("slowest commit", max((at - sent) / 1e6 for _, sent, at in self.members.commits))
        self.figure("commits acknowledged", len(self.members.commits))
        assert len(self.members.refused) == noticed[0], f"members noticed: {self.members.refused[noticed[0]:]}"
        back = self.come_back()
        wait_for(lambda: new.settled(self.partitions), 60, "the new group, once ZooKeeper is back")
        self.figure("ZooKeeper serves->new group assigned", (new.events[-1][3] - back) / 1e6)
        wait_for(lambda: self.moved(joiner), 60, f"the join that waited: {self.moving.owned}, {joiner.owned}")
        self.figure("ZooKeeper serves->join assigned", (joiner.events[-1][3] - back) / 1e6)
        assert self.registered() == there, f"sessions ended: {there} became {self.registered()}"
        self.whole()
        self.audit(before)
        new.stop()
        joiner.stop()
        wait_for(lambda: self.moving.settled(self.partitions), 60, "the second group without the one that came")

    def moved(self, joiner):
        self.moving.read()
        joiner.read()
        owned = [*self.moving.owned.values(), *joiner.owned.values()]
        return len({g for g, _ in owned}) == 1 and sorted(p for _, got in owned for p in got) == list(range(self.partitions)) and joiner.owned


KINDS = {"group-coordinator": GroupCoordinator, "group-controller": GroupController, "group-zookeeper": GroupZookeeper}
