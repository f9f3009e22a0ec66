"""rounds.py: what is broken, and what must hold then. Each kind is a class: begin() once, one(i) per round, end() once; figures are milliseconds
by name, and a violation is an AssertionError. A round ends when every replica is back in sync, so that the next one breaks a whole cluster.
"""
import pathlib
import re
import signal
import time

from admin import Admin
from load import Load, compare_replicas, send_signals
from harness import wait_for
from zk import StateLog, ZooKeeper

PARTITIONS = 6


def watch_states(zookeeper, topic, partitions):
    wait_for(lambda: all(zookeeper.get(f"/brokers/topics/{topic}/partitions/{p}/state") for p in range(partitions)), 30, f"states of {topic}")
    states = StateLog(zookeeper, topic, partitions)
    wait_for(lambda: all(states.now(p) for p in range(partitions)), 30, f"the first look at {topic}")
    return states


class Kind:
    """A topic of three replicas under load, watched. Overrides are those of the cluster it needs."""
    overrides = ()
    targets = {}
    at_once_ms = 4000  # long before a session ends, and with time for a busy machine

    def __init__(self, cluster, rng, properties=None, rate=2000):
        self.cluster, self.rng, self.figures, self.notes = cluster, rng, {}, []
        self.topic, self.partitions, self.rate, self.properties = f"chaos-{type(self).__name__.lower()}", PARTITIONS, rate, properties
        self.load, self.past, self.patience, self.settle = None, [], 60, 0

    def begin(self):
        self.zookeeper = ZooKeeper(self.cluster.zookeeper)
        self.admin = Admin(self.cluster)
        self.admin.create(self.topic, self.partitions, 3, {"min.insync.replicas": "2"})
        self.states = watch_states(self.zookeeper, self.topic, self.partitions)
        self.load = Load(self.cluster, self.topic, self.partitions, self.rate, self.properties)
        self.whole()

    def end(self):
        """The load ends well, and what it was told is what is there, on every replica. Gives the checker's line."""
        self.whole()
        self.load.stop()
        line = self.load.check(others=self.past)
        compare_replicas(self.cluster, self.topic, self.partitions, range(self.cluster.brokers))
        self.zookeeper.close()
        self.admin.close()
        return line

    def abandon(self):
        if self.load:
            self.load.abandon()

    def figure(self, name, ms):
        self.figures.setdefault(name, []).append(ms)

    def in_sync(self):
        return all(self.states.now(p) and len(self.states.now(p)["isr"]) == self.cluster.brokers and self.states.now(p)["leader"] >= 0
                   for p in range(self.partitions))

    def whole(self, seconds=90):
        """Waits for all replicas in sync and records flowing on every partition, then for a random moment, and marks the load's log."""
        wait_for(self.in_sync, seconds, f"all in sync: {[self.states.now(p) for p in range(self.partitions)]}")
        self.load.flowing()
        pause = time.sleep  # so that rounds break the cluster at unlike moments
        pause(self.rng.uniform(0.1, 0.6) + self.settle)
        self.load.mark()

    def restart(self):
        began = time.monotonic_ns()
        self.cluster.start()
        wait_for(self.in_sync, 90 if not self.at_once_ms else 15, f"all in sync after a restart: {[self.states.now(p) for p in range(6)]}")
        self.figure("restart->in sync", (time.monotonic_ns() - began) / 1e6)

    def led_by(self, broker):
        return {p for p in range(self.partitions) if self.states.now(p)["leader"] == broker}

    def some_leader(self):
        broker = self.states.now(self.rng.randrange(self.partitions))["leader"]
        return broker, self.led_by(broker)

    def outlive(self, step):
        """librdkafka before 2.3 can give up, with Apache Kafka as well: after a disconnection or a timeout it takes records for written that may
        not be, and what follows them, rightly refused, for the end (its issue 4438). Then another producer goes on, and what the first was told
        still counts."""
        try:
            step()
        except AssertionError as e:
            if "OUT_OF_ORDER_SEQUENCE" not in str(e) or not re.search("sequence desynchronization|rewound sequence number", str(e)):
                raise
            self.past.append(self.load)
            self.figure("producers that gave up", len(self.past))
            self.load = Load(self.cluster, self.topic, self.partitions, self.rate, self.properties, ident=f"p{len(self.past)}")
            self.load.flowing(self.patience)

    def failover(self, broker, led, began, ended):
        """Measures from the death of a leader to the new leaders' commits and the next acknowledgement."""
        commits = [self.states.first(p, began, lambda s: s["leader"] not in (broker, -1), self.patience)[0] for p in led]
        self.figure("kill->first commit", (min(commits) - began) / 1e6)
        self.figure("kill->commit", (max(commits) - began) / 1e6)
        assert not self.at_once_ms or self.figures["kill->commit"][-1] < self.at_once_ms, \
            f"{self.figures['kill->commit'][-1]:.0f} ms until a new leader: a death that is certain is acted on at once"
        acks = [self.load.next_ack({p}, ended, self.patience) for p in led]
        self.figure("kill->next ack", (min(acks) - began) / 1e6)
        self.figure("kill->next ack of each", (max(acks) - began) / 1e6)
        self.figure("slowest record", self.load.slowest_ms())


class Leader(Kind):
    """kill -9 of the leader of a random partition."""
    targets = {"kill->commit": {50: 20}, "kill->next ack": {50: 50, 90: 200}}

    def one(self, i):
        broker, led = self.some_leader()
        began, ended = send_signals(self.cluster, [f"broker-{broker}"], signal.SIGKILL)
        self.failover(broker, led, began, ended)
        self.restart()
        self.whole()


class Controller(Kind):
    """kill -9 of the active controller: the next topic is made by its successor; records flow on."""
    targets = {"kill->topic created": {50: 100}}

    def one(self, i):
        self.admin.create(f"before-{i}")
        epoch = int(self.zookeeper.get("/controller_epoch")[0])
        active = self.cluster.active_controller(self.zookeeper)
        began, _ = send_signals(self.cluster, [active], signal.SIGKILL)
        self.admin.create(f"after-{i}", 1, 2)
        self.figure("kill->topic created", (time.monotonic_ns() - began) / 1e6)
        assert int(self.zookeeper.get("/controller_epoch")[0]) > epoch, "no new controller epoch"
        assert self.cluster.active_controller(self.zookeeper) != active, "the dead controller is still in /controller"
        self.load.flowing()
        self.figure("slowest record", self.load.slowest_ms())
        self.cluster.start()
        self.whole()


class Both(Kind):
    """kill -9 of the active controller and of a leader at once."""

    def one(self, i):
        broker, led = self.some_leader()
        names = {self.cluster.active_controller(self.zookeeper), f"broker-{broker}"}
        began, ended = send_signals(self.cluster, sorted(names, key=lambda n: self.rng.random()), signal.SIGKILL)
        self.failover(broker, led, began, ended)
        self.admin.create(f"after-{i}", 1, 2)
        self.figure("kill->topic created", (time.monotonic_ns() - began) / 1e6)
        self.restart()
        self.whole()


class Stop(Kind):
    """SIGSTOP of a leader beyond its session, then SIGCONT: no proof of death, so the session decides; the woken broker steps down, cuts what nobody
    else has and follows."""
    overrides = ("zookeeper.session.timeout.ms=6000",)
    at_once_ms = 0

    def __init__(self, cluster, rng, properties=None, rate=2000):
        # What is under way to a broker that neither answers nor closes is given up only by this timeout, 60 s by default.
        super().__init__(cluster, rng, {"socket.timeout.ms": "10000", **(properties or {})}, rate)

    def one(self, i):
        broker, led = self.some_leader()
        name, path = f"broker-{broker}", f"/brokers/ids/{broker}"
        before = self.zookeeper.get(path)[1].czxid
        began, ended = send_signals(self.cluster, [name], signal.SIGSTOP)
        try:
            self.outlive(lambda: self.failover(broker, led, began, ended))
            assert self.figures["kill->first commit"][-1] > 2000, "leaders moved without waiting for the session"
            pause = time.sleep  # for longer than the session lasts
            pause(self.rng.uniform(0, 3))
        finally:
            send_signals(self.cluster, [name], signal.SIGCONT)
        woken = time.monotonic_ns()
        wait_for(lambda: (self.zookeeper.get(path) or (0, None))[1] and self.zookeeper.get(path)[1].czxid != before, 30,
                 "a registration under a new session")
        wait_for(self.in_sync, 60, "the woken broker in sync")
        self.figure("SIGCONT->in sync", (time.monotonic_ns() - woken) / 1e6)
        self.outlive(self.whole)


class Follower(Kind):
    """kill -9 of a follower: it leaves the ISR, and records flow on."""

    def one(self, i):
        p = self.rng.randrange(self.partitions)
        state = self.states.now(p)
        victim = self.rng.choice([b for b in state["isr"] if b != state["leader"]])
        followed = set(range(self.partitions)) - self.led_by(victim)
        began, ended = send_signals(self.cluster, [f"broker-{victim}"], signal.SIGKILL)
        self.figure("kill->ISR without it", (self.states.first(p, began, lambda s: victim not in s["isr"], self.patience)[0] - began) / 1e6)
        self.figure("kill->next ack", (self.load.next_ack(followed, ended, self.patience) - began) / 1e6)
        for q in range(self.partitions):
            self.load.next_ack({q}, ended, self.patience)
        self.figure("slowest record", self.load.slowest_ms())
        self.restart()
        self.whole()


class All(Kind):
    """kill -9 of all brokers at once. The machine stays up, so what was acknowledged with acks=all is on every one of them."""

    def one(self, i):
        names = [f"broker-{b}" for b in range(self.cluster.brokers)]
        _, ended = send_signals(self.cluster, sorted(names, key=lambda n: self.rng.random()), signal.SIGKILL)
        pause = time.sleep  # some rounds restart before anyone has noticed, some afterwards
        pause(self.rng.choice([0, 0.05, 0.5]))
        began = time.monotonic_ns()
        self.cluster.start()
        self.outlive(lambda: self.figure(
            "restart->next ack", (self.load.next_ack(set(range(self.partitions)), ended, self.patience) - began) / 1e6))
        wait_for(self.in_sync, 90, f"all in sync: {[self.states.now(p) for p in range(self.partitions)]}")
        self.figure("restart->in sync", (time.monotonic_ns() - began) / 1e6)
        self.outlive(self.whole)


class Rolling(Kind):
    """SIGTERM and a start of each broker in turn: leaders move before it exits, and the application sees no error."""

    def one(self, i):
        for broker in self.rng.sample(range(self.cluster.brokers), self.cluster.brokers):
            led = self.led_by(broker)
            began, ended = send_signals(self.cluster, [f"broker-{broker}"], signal.SIGTERM)
            self.figure("SIGTERM->exit", (ended - began) / 1e6)
            for p in led:
                moved, _, _ = self.states.first(p, began, lambda s, b=broker: s["leader"] not in (b, -1), self.patience)
                self.figure("leader moved, before exit", (ended - moved) / 1e6)
                assert moved < ended, f"{self.topic}-{p} was led by broker {broker} until {(moved - ended) / 1e6:.1f} ms after its end"
            self.load.flowing()
            self.figure("slowest record", self.load.slowest_ms())
            self.restart()
            self.whole()


class Delete(Kind):
    """A topic is deleted while a broker with a replica is down: the deletion waits for it, as in Kafka, and nobody is served meanwhile. Then the
    topic is made anew while a broker is down: what is there in the end is the new topic, everywhere."""
    name, count = "comes-and-goes", 3000

    def fill(self, ident):
        fresh = Load(self.cluster, self.name, 3, 20000, self.properties, self.count, ident)
        fresh.finish()
        return fresh

    def there(self):
        return self.zookeeper.get(f"/brokers/topics/{self.name}")

    def down(self, broker):
        send_signals(self.cluster, [f"broker-{broker}"], self.rng.choice([signal.SIGKILL, signal.SIGTERM]))

    def one(self, i):
        broker, other = self.rng.sample(range(3), 2)
        if not self.there():
            self.admin.create(self.name, 3, 3)
        self.fill(f"old{i}")
        old = self.zookeeper.json(f"/brokers/topics/{self.name}")["topic_id"]
        self.down(broker)
        self.admin.delete(self.name)
        self.load.flowing()
        assert self.there(), "the znode is gone, and a broker that is down still has a replica"
        self.restart()
        began = time.monotonic_ns()
        wait_for(lambda: not self.there(), 30, "the topic's end once the broker is back")
        self.figure("back->deleted", (time.monotonic_ns() - began) / 1e6)
        self.whole()
        self.down(other)
        self.admin.create(self.name, assignments={p: [(other + 1 + p % 2) % 3, (other + 2 - p % 2) % 3, other] for p in range(3)})
        assert self.zookeeper.json(f"/brokers/topics/{self.name}")["topic_id"] != old, "the new topic has the old id"
        fresh = self.fill(f"new{i}")
        self.restart()
        states = watch_states(self.zookeeper, self.name, 3)
        wait_for(lambda: all(len(states.now(p)["isr"]) == 3 for p in range(3)), 60, f"{self.name} in sync: {states.of}")
        compare_replicas(self.cluster, self.name, 3, range(self.cluster.brokers))
        fresh.check()
        for b in range(3):
            left = [d.name for d in pathlib.Path(self.cluster.dir, f"data/broker-{b}").glob(f"{self.name}-*") if not d.name.endswith("-delete")]
            assert sorted(left) == [f"{self.name}-{p}" for p in range(3)], f"directories of broker {b}: {left}"
        self.whole()


KINDS = {"leader": Leader, "controller": Controller, "both": Both, "stop": Stop, "follower": Follower, "all": All, "rolling": Rolling,
         "delete": Delete}
