"""test_members.py: groups of librdkafka's and python3-kafka's consumers while members come, leave, die, freeze and stall: nothing acknowledged stays
unread, partitions have one owner. A few rounds; tests/members/run.py does many, with more clients, and measures how soon a group settles.
"""
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "members"))

import audit  # noqa: E402
from kinds import Python, Rdkafka  # noqa: E402
from scenario import Scenario, Settings  # noqa: E402
from story import Change, Event, Read, Story  # noqa: E402

CLUSTER = {"overrides": ["barnabas.shards=3", "group.min.session.timeout.ms=1000", "group.initial.rebalance.delay.ms=200"]}
TIMES = audit.Times(2000, 300, 3000)


def told(*events, reads=(), changes=()):
    """What the audit has against a story, in which partition 0 has the acknowledged records 0 and 1."""
    story = Story()
    for e in events:
        story.told(e)
    story.reads, story.changes = list(reads), list(changes)
    return audit.check(story, [(0, 0), (0, 1)], TIMES).wrong


def test_audit_can_fail(cluster):
    """The audit sees each kind of breach in a story made up to have it, and none in the same story told rightly."""
    a, b = Event(0, "a", "assigned", 1, (0,)), Event(5000, "b", "assigned", 2, (0,))
    gone, read = Event(4900, "a", "revoked", 1, (0,)), [Read(100, "a", 0, 0, 0), Read(5100, "b", 0, 1, 1)]
    stall, freeze = Change(1000, "a", "stall"), Change(1000, "a", "freeze")
    notices = Event(6100, "a", "lost", 1, (0,))
    wakes = Change(6000, "a", "resume")
    stale, out, sleeps = Event(6100, "b", "assigned", 1, (0,)), Event(6200, "b", "lost", 1, (0,)), [Change(1000, "b", "stall"), Change(6000, "b", "resume")]
    cases = [
        ((a, gone, b), read, [], None),
        ((a, gone, b), read[:1], [], "acknowledged records"),
        ((a, b, gone._replace(at=5200)), read, [], "before a gave it up"),
        ((a, gone, b._replace(generation=0)), read, [], "generation 0 after"),
        ((a, gone, b), read + [Read(7000, "a", 0, 1, 1)], [], "did not own"),
        ((a, b), read, [Change(1000, "a", "kill")], None),
        ((a, b), read, [Change(4900, "a", "kill")], "too early after kill"),
        ((a, b, notices), read, [stall, wakes], None),
        # b slept, and hears of generation 1 when a is in 2 already; or, wrongly, of 3.
        ((b._replace(member="a", at=3000), stale, out), [Read(3100, "a", 0, 0, 1), Read(6150, "b", 0, 0, 1)], sleeps, None),
        ((b._replace(member="a", at=3000), stale._replace(generation=3), out), [Read(3100, "a", 0, 0, 1)], sleeps, "before a gave it up"),
        ((a, b), read, [freeze, wakes._replace(what="thaw")], "did not notice"),
        ((a, b, notices), [read[0], Read(6050, "a", 0, 1, 1)], [stall, wakes], "acknowledged records"),
        ((a, b, notices, Event(6010, "a", "commit", word="NO_ERROR")), read, [stall, wakes], "a commit of a was taken"),
        ((a, b, notices, Event(6010, "a", "commit", word="UNKNOWN_MEMBER_ID")), read, [stall, wakes], None),
    ]
    for events, reads, changes, expected in cases:
        wrong = told(*events, reads=reads, changes=changes)
        assert bool(wrong) == bool(expected) and (not expected or any(expected in w for w in wrong)), (expected, wrong)


def live(cluster, kind, strategy, rounds, seed):
    name = f"{kind.__name__.lower()}-{strategy}"
    settings = Settings(cluster.build, cluster.dir, cluster.env, cluster.bootstrap, f"group-{name}", f"topic-{name}", strategy, *TIMES, None, None, None)
    scenario = Scenario(cluster, settings, [kind], (1, 5), random.Random(seed))
    scenario.limit_ms = 20000  # how soon is for an undisturbed machine to say
    wrong = scenario.run(rounds).verdict.wrong
    assert not wrong, "\n".join(wrong[:20] + scenario.story.notes[:20])


def test_rdkafka_range(cluster):
    live(cluster, Rdkafka, "range", 4, 37)


def test_rdkafka_cooperative(cluster):
    live(cluster, Rdkafka, "cooperative-sticky", 3, 44)


def test_python_roundrobin(cluster):
    live(cluster, Python, "roundrobin", 3, 44)
