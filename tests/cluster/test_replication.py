"""test_replication.py: leaders, controllers and whole brokers go and come back under load, and every record that was acknowledged is there once, in
order, on every replica. A few rounds of each kind; tests/chaos/run.py does many, and measures them.
"""
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "chaos"))

import load  # noqa: E402
import rounds  # noqa: E402

SESSION_S = 6
CLUSTER = {"overrides": ["barnabas.shards=3", f"zookeeper.session.timeout.ms={SESSION_S * 1000}"]}


def run(cluster, kind_class, count, client=None):
    """So many rounds of a kind; gives their figures, in milliseconds."""
    kind = kind_class(cluster, random.Random(f"cluster {kind_class.__name__}"), client, rate=1000)
    try:
        kind.begin()
        for i in range(count):
            kind.one(i)
        kind.end()
    finally:
        kind.abandon()
    return kind.figures


def test_leader_killed(cluster):
    """A death that is certain is acted on at once: long before the session ends."""
    figures = run(cluster, rounds.Leader, 3, load.FAST)
    assert max(figures["kill->next ack"]) < SESSION_S * 1000 * 0.8, figures


def test_controller_killed(cluster):
    figures = run(cluster, rounds.Controller, 3)
    assert max(figures["kill->topic created"]) < SESSION_S * 1000 * 0.8, figures


def test_controller_and_leader_killed(cluster):
    figures = run(cluster, rounds.Both, 2, load.FAST)
    assert max(figures["kill->next ack"]) < SESSION_S * 1000 * 0.8, figures


def test_leader_stopped_beyond_its_session(cluster):
    """Nothing proves that it is dead: the session decides, and what wakes up follows."""
    run(cluster, rounds.Stop, 1, load.FAST)


def test_rolling_restart(cluster):
    run(cluster, rounds.Rolling, 1)


def test_all_brokers_killed(cluster):
    run(cluster, rounds.All, 2, load.FAST)


def test_deleted_while_a_broker_is_down(cluster):
    run(cluster, rounds.Delete, 1)
