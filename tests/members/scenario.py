"""scenario.py: one group's life: members of given kinds come, go, die, stall, freeze and wake in a seeded order while records are written, until the
group has settled after each burst of changes; then everything is held against audit.py.
"""
import collections
import sys
import time

from audit import Times, check, grace
from java import group_command
from story import Story, now_ms

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/chaos")

from load import Load  # noqa: E402

Settings = collections.namedtuple("Settings", "build directory env bootstrap group topic strategy session_ms heartbeat_ms max_poll_ms libs kafkajs go")
Outcome = collections.namedtuple("Outcome", "verdict settled sizes changes")

Due = collections.namedtuple("Due", "at silent parked")  # from when a group can settle after a change; whether somebody fell silent by it

AWAY = {"leave": 4, "kill": 2, "stall": 2, "freeze": 2}  # how often each is chosen when a group has to shrink


def latest(dues, times):
    """One who falls silent when he has joined already is counted as present until the rebalance ends, which may wait for another who fell silent: only
    then his session begins."""
    ends = [d.at for d in dues]
    for i, d in enumerate(dues):
        if d.parked:
            ends += [other.at + times.session_ms for j, other in enumerate(dues) if j != i and other.silent]
    return max(ends)


class Scenario:
    """kinds: classes of members, which are taken in turn; sizes: (least, most) members awake."""

    def __init__(self, cluster, settings, kinds, sizes, rng, rate=300, verbose=False):
        self.cluster, self.settings, self.kinds, self.sizes, self.rng, self.rate = cluster, settings, kinds, sizes, rng, rate
        self.story, self.members, self.made, self.verbose, self.wrong = Story(), [], 0, verbose, []
        self.times = Times(settings.session_ms, settings.heartbeat_ms, settings.max_poll_ms)
        self.limit_ms = 2000 + 2 * settings.heartbeat_ms
        self.partitions, self.settled, self.seen_sizes, self.load = 12, [], set(), None
        self.sleeping_by = {}

    def awake(self):
        return [m for m in self.members if m.state == "live"]

    def asleep(self):
        return [m for m in self.members if m.state == "asleep"]

    def pause(self, seconds):
        time.sleep(seconds)  # between changes: how they fall together is what is tried

    # What is done to members. Each gives when, by the rules, the group can begin to settle.

    def join(self):
        kind = self.kinds[self.made % len(self.kinds)]
        self.made += 1
        member = kind(f"{kind.__name__.lower()}-{self.made}", self.settings, self.story)
        self.members.append(member)
        change = self.story.changed(member.id, "join")
        return lambda: self.begun(member, change)

    def begun(self, member, change):
        """A member's start takes as long as its program takes: the join counts from when it begins to talk."""
        if not member.says_started:
            return Due(change.at, False, False)
        self.until(lambda: self.story.said(member.id, "started") or member.process.poll() is not None, 60, f"the start of {member.id}")
        said = self.story.said(member.id, "started")
        assert said, f"{member.id} ended with {member.process.returncode}"
        return Due(said[0].at, False, False)

    def send_away(self, member):
        ways = [w for w in AWAY if (w != "stall" or member.can_stall)]
        what = self.rng.choices(ways, [AWAY[w] for w in ways])[0]
        if what == "leave" and not member.says_goodbye:
            what = "kill"
        self.sleeping_by[member.id] = what
        if what == "stall":
            member.stall()
            return lambda: self.stalled(member)
        # Whether he may be waiting for the answer to a JoinGroup: those of cooperative groups keep what they have meanwhile.
        parked = what != "leave" and ("cooperative" in self.settings.strategy or not self.story.owned.get(member.id))
        change = self.story.changed(member.id, what)
        getattr(member, what)()
        return lambda: Due(change.at + grace(self.times, what), what != "leave", parked)

    def stalled(self, member):
        """python3-kafka does not return from a poll while the group rebalances: a stall counts from when the member says that it began."""
        known = sum(c.member == member.id and c.what == "stall" for c in self.story.changes)
        self.until(lambda: len(self.story.said(member.id, "stalled")) > known, 60, f"{member.id} to stall")
        at = self.story.said(member.id, "stalled")[known].at
        self.story.changed(member.id, "stall", at)
        return Due(at + grace(self.times, "stall"), True, False)

    def wake(self, member):
        what = {"stall": "resume", "freeze": "thaw"}[self.sleeping_by[member.id]]
        change = self.story.changed(member.id, what)
        getattr(member, what)()
        return lambda: Due(change.at, False, False)

    def until(self, condition, seconds, what):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
            self.pause(0.02)

    # A round: a burst of changes, and how long the group takes afterwards.

    def plan(self):
        """A size to come to, and the changes which lead there; at least one."""
        target = self.rng.randint(*self.sizes)
        sleepers = [m for m in self.asleep() if self.rng.random() < 0.7]
        steps = [lambda m=m: self.wake(m) for m in sleepers]
        size = len(self.awake()) + len(sleepers)
        victims = self.awake()
        self.rng.shuffle(victims)
        room = min(4, abs(target - size))
        if target >= size:
            steps += [self.join] * room
        else:
            steps += [lambda m=m: self.send_away(m) for m in victims[:room]]
        if not steps and size < self.sizes[1]:
            steps = [self.join]
        elif not steps and size > max(1, self.sizes[0]):
            steps = [lambda m=victims[0]: self.send_away(m)]
        elif not steps:
            steps = [lambda m=victims[0]: self.send_away(m), self.join]
        self.rng.shuffle(steps)
        return steps

    def round(self):
        dues = []
        first = len(self.story.changes)
        for step in self.plan():
            dues.append(step())
            self.pause(self.rng.choice((0, 0.1, 0.6)))
        due = latest([d() for d in dues], self.times)
        figure = self.settle(due)
        self.settled.append(figure)
        self.seen_sizes.add(len(self.awake()))
        if self.verbose:
            what = " ".join(f"{c.what}:{c.member}" for c in self.story.changes[first:])
            print(f"   {time.strftime('%H:%M:%S')} {len(self.awake())} awake, {len(self.asleep())} asleep, settled in {figure:.0f} ms: {what}", flush=True)

    def shared(self):
        """Every partition has one owner among those awake, and each of them has its share."""
        members = [m.id for m in self.awake()]
        holders = self.story.holders(members)
        return (len(holders) == self.partitions and set(holders.values()) == {1}
                and all(self.story.owned.get(m) for m in members)) if members else True

    def quiet(self, due):
        ended = [m.id for m in self.awake() if m.process.poll() is not None]
        assert not ended, f"{ended} ended by themselves"
        return self.shared() and now_ms() - max(self.story.last_turn, due) > 2 * self.times.heartbeat_ms + 200

    def settle(self, due):
        """Waits until nothing turns any more; milliseconds from `due` to the last turn. It is a fault to take longer than the limit."""
        try:
            self.until(lambda: self.quiet(due), max(0, due - now_ms()) / 1000 + 60, "a settled group")
        except AssertionError as e:
            raise AssertionError(f"{e}: {dict(self.story.owned)}; awake {[m.id for m in self.awake()]}") from e
        took = max(0.0, self.story.last_turn - due)
        if took > self.limit_ms:
            self.wrong.append(f"round {len(self.settled)}: settled {took:.0f} ms after the last change, limit {self.limit_ms}")
        return took

    # The whole.

    def run(self, rounds):
        s = self.settings
        self.cluster.topic(s.topic, self.partitions, self.cluster.brokers)
        self.load = Load(self.cluster, s.topic, self.partitions, self.rate)
        try:
            for _ in range(rounds):
                self.round()
            self.end()
        finally:
            self.abandon()
        acknowledged = read_acknowledged(self.load.path)
        verdict = check(self.story, acknowledged, self.times, all(k.tells_reads for k in self.kinds),
                        {m.id for m in self.members if m.swallows})
        return Outcome(verdict._replace(wrong=self.wrong + verdict.wrong), self.settled, self.seen_sizes, len(self.story.changes))

    def end(self):
        """Everybody wakes, what was written is read and committed, and all who can leave."""
        dues = [self.wake(m)() for m in self.asleep()]
        if not self.awake():
            dues.append(self.join()())
        self.settle(latest(dues, self.times) if dues else now_ms())
        self.load.stop()
        self.until(lambda: self.committed() == self.written(), 30, "all that was written to be committed")
        if self.settings.libs:
            self.ask_kafka()
        for m in self.awake():
            m.leave()
        for m in self.members:
            if m.state == "gone":
                m.ended(30)

    def written(self):
        ends = collections.Counter()
        for p, o in read_acknowledged(self.load.path):
            ends[p] = max(ends[p], o + 1)
        return dict(ends)

    def committed(self):
        done = self.cluster.run("kafka-consumer-groups.sh", "--bootstrap-server", self.settings.bootstrap, "--describe", "--group", self.settings.group)
        rows = [line.split() for line in done.stdout.splitlines() if line.startswith(self.settings.group + " ")]
        return {int(r[2]): int(r[3]) for r in rows if r[3] != "-"}

    def ask_kafka(self):
        """Kafka's own ConsumerGroupCommand sees no lag, and as many partitions at each member as the members say."""
        lags = {int(r[2]): r[5] for r in group_command(self.settings)}
        if set(lags.values()) != {"0"} or len(lags) != self.partitions:
            self.wrong.append(f"ConsumerGroupCommand says lag {lags}")
        rows = group_command(self.settings, "--members")
        told = sorted(int(r[4]) for r in rows)
        said = sorted(len(self.story.owned[m.id]) for m in self.awake())
        if told != said:
            self.wrong.append(f"ConsumerGroupCommand says {told} partitions, members {said}")

    def abandon(self):
        if self.load:
            self.load.abandon()
        for m in self.members:
            if m.process.poll() is None:
                m.process.kill()
            m.ended(30)


def read_acknowledged(path):
    with open(path, encoding="ascii") as log:
        words = [line.split() for line in log if line.endswith("\n") and not line.startswith("!")]
    return [(int(w[1]), int(w[2])) for w in words]
