"""test_failover_controller.py: controllers are killed, alone, with a partition's leader, and all at once; brokers are stopped in order; topics are
deleted while a broker is down. How long it took is printed; what is asserted is far below the session timeout, which is what a failover
that noticed nothing would take.
"""
import json
import pathlib
import resource
import signal
import time

from harness import wait_for

CLUSTER = {"brokers": 3, "controllers": 3}
SOON = 8  # seconds; zookeeper.session.timeout.ms is 18


def active(cluster):
    return json.loads(cluster.zk("/controller"))["brokerid"]


def state(cluster, topic, partition):
    return json.loads(cluster.zk(f"/brokers/topics/{topic}/partitions/{partition}/state"))


def within(began, what):
    took = time.monotonic() - began
    print(f"      {what}: {took * 1000:.0f} ms", flush=True)
    assert took < SOON, f"{what} took {took:.1f} s"


def test_kill_the_active_controller_again_and_again(cluster):
    for i in range(6):
        victim, epoch = active(cluster), int(cluster.zk("/controller_epoch"))
        began = time.monotonic()
        cluster.kill(f"controller-{victim}")
        cluster.topic(f"after-{i}", 1)
        within(began, "kill to the next topic")
        assert int(cluster.zk("/controller_epoch")) == epoch + 1
        cluster.start()


def test_kill_the_controller_and_a_leader_together(cluster):
    for i in range(3):
        cluster.topic(f"pair-{i}", 3, 3)
        leader = state(cluster, f"pair-{i}", 0)["leader"]
        began = time.monotonic()
        cluster.kill(f"controller-{active(cluster)}")
        cluster.kill(f"broker-{leader}")
        after = wait_for(lambda: (s := state(cluster, f"pair-{i}", 0))["leader"] not in (leader, -1) and s, 30, "another leader")
        within(began, "kill to another leader")
        assert leader not in after["isr"] and after["leader_epoch"] >= 1
        cluster.start()


def test_kill_all_controllers(cluster):
    began = time.monotonic()
    for n in range(cluster.controllers):
        cluster.kill(f"controller-{n}")
    cluster.start()
    cluster.topic("after-all", 1)
    within(began, "kill of all controllers to the next topic")


def test_a_broker_that_stops_hands_over(cluster):
    cluster.topic("handed-over", 6, 3)
    cluster.topic("alone", 3, 1)
    cluster.kill("broker-1", signal.SIGTERM)
    assert "Controlled shutdown succeeded" in cluster.log_text("broker-1")
    for p in range(6):
        s = state(cluster, "handed-over", p)
        assert s["leader"] in (0, 2) and 1 not in s["isr"], s
    assert " WARN " not in cluster.log_text("broker-1").split("Starting controlled shutdown")[1]
    cluster.start()


def test_a_leader_without_a_log_is_succeeded(cluster):
    """A broker that gets no more descriptors lives, and is registered, but can't open the logs of a new topic: the others lead it."""
    pid = cluster.pid("broker-1")
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, before[1]))
    began = time.monotonic()
    cluster.topic("few", 6, 3)
    states = lambda: [state(cluster, "few", p) for p in range(6)]  # noqa: E731
    wait_for(lambda: all(s["leader"] in (0, 2) for s in states()), 30, "other leaders")
    within(began, "no descriptors to other leaders")
    assert any(s["leader_epoch"] == 1 and 1 not in s["isr"] for s in states()), states()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    cluster.kill("broker-1", signal.SIGTERM)
    cluster.start()
    wait_for(lambda: all(1 in s["isr"] for s in states()), 60, "the broker in every ISR again")


def test_a_stop_without_a_controller_is_bounded(cluster):
    """No controller, three tries of 5 s at most: then it stops all the same."""
    for n in range(cluster.controllers):
        cluster.kill(f"controller-{n}")
    began = time.monotonic()
    cluster.kill("broker-2", signal.SIGTERM)
    assert time.monotonic() - began < 30
    assert "shut down completed" in cluster.log_text("broker-2")
    cluster.start()


def delete(cluster, topic):
    return cluster.run("kafka-topics.sh", "--bootstrap-server", cluster.bootstrap, "--delete", "--topic", topic, check=False)


def directories(cluster, topic, broker="*"):
    """Those in use: not the ones that are renamed and on their way out, nor strays."""
    return [d for d in cluster.partition_dirs(topic) if d.parent.match(f"broker-{broker}") and not d.name.endswith(("-delete", "-stray"))]


def create(cluster, topic, assignment):
    cluster.run("kafka-topics.sh", "--bootstrap-server", cluster.bootstrap, "--create", "--topic", topic, "--replica-assignment", assignment)


def test_delete_a_topic_while_a_broker_is_down(cluster):
    """The deletion waits for the broker, as Kafka's does; the clients' view loses the topic at once."""
    cluster.topic("doomed", 2, 3)
    wait_for(lambda: len(directories(cluster, "doomed")) == 6, 30, "all directories")
    cluster.kill("broker-2")
    wait_for(lambda: "2" not in cluster.zk_children("/brokers/ids"), 30, "the end of broker 2")
    assert delete(cluster, "doomed").returncode == 0
    listed = cluster.run("kafka-topics.sh", "--bootstrap-server", f"127.0.0.1:{cluster.port}", "--list").stdout.split()
    assert "doomed" not in listed
    wait_for(lambda: len(directories(cluster, "doomed")) == 2, 30, "the end of the live replicas")
    assert "doomed" in cluster.zk_children("/admin/delete_topics")
    cluster.kill(f"controller-{active(cluster)}")  # its successor goes on with it
    cluster.start()
    wait_for(lambda: "doomed" not in cluster.zk_children("/admin/delete_topics"), 30, "the end of the deletion")
    assert "doomed" not in cluster.zk_children("/brokers/topics")
    assert not directories(cluster, "doomed")


def test_delete_and_make_anew_while_a_broker_is_down(cluster):
    """Fifty lives of one name while a broker with the first one sleeps. The first one's znodes are taken away by a person's hand, so that
    nobody ever told the broker to delete anything: on its return that directory is renamed, not served and not removed.
    """
    create(cluster, "again", "2")
    cluster.run("kcat", "-P", "-b", cluster.bootstrap, "-t", "again", stdin="old\n")
    cluster.kill("broker-2")
    wait_for(lambda: "2" not in cluster.zk_children("/brokers/ids"), 30, "the end of broker 2")
    cluster.run("zkCli.sh", "-server", cluster.zookeeper, "deleteall", "/brokers/topics/again")
    for _ in range(50):
        create(cluster, "again", "0")
        assert delete(cluster, "again").returncode == 0
        wait_for(lambda: "again" not in cluster.zk_children("/brokers/topics"), 30, "the end of a life")
    create(cluster, "again", "0:2")
    cluster.run("kcat", "-P", "-b", cluster.bootstrap, "-t", "again", stdin="new\n")
    cluster.start()
    home = pathlib.Path(cluster.dir, "data", "broker-2")
    wait_for(lambda: list(home.glob("again-0*-stray")) and (home / "again-0").exists(), 30, "the stray and the new directory")
    assert b"old" not in b"".join(p.read_bytes() for p in (home / "again-0").glob("*.log"))
    out = cluster.run("kcat", "-C", "-b", cluster.bootstrap, "-t", "again", "-o", "beginning", "-c", "1", "-q").stdout
    assert out.split() == ["new"]
