"""test_faults.py: processes are killed, and nothing that was acknowledged is gone."""
import json
import pathlib
import subprocess
import time

from harness import wait_for

CLUSTER = {"brokers": 1, "controllers": 2}


def test_kill_the_only_broker_under_load(cluster):
    """acks=1: what was acknowledged before kill -9 is there after the restart, and the order stands."""
    cluster.topic("load", 3)
    program = pathlib.Path(cluster.build, "tests/cluster/rdkafka_acked")
    acked = pathlib.Path(cluster.dir, "acked")
    with open(acked, "w", encoding="ascii") as out:
        load = subprocess.Popen([str(program), cluster.bootstrap, "load", "1"], stdout=out)
    wait_for(lambda: acked.stat().st_size > 200000, 60, "load")
    cluster.kill("broker-0")
    load.terminate()
    load.wait(60)
    cluster.start()
    lines = acked.read_text().split("\n")[:-1]  # a last line without its end was cut off
    out = cluster.run("kcat", "-C", "-b", cluster.bootstrap, "-t", "load", "-e", "-q", "-f", "%p %o %s\n").stdout
    there = set(out.splitlines())
    lost = [line for line in lines if line not in there]
    assert lines and not lost, f"{len(lost)} of {len(lines)} acknowledged records are gone: {lost[:5]}"


def test_kill_the_active_controller(cluster):
    active = json.loads(cluster.zk("/controller"))["brokerid"]
    epoch = int(cluster.zk("/controller_epoch"))
    cluster.kill(f"controller-{active}")
    cluster.topic("after-failover", 2)
    assert int(cluster.zk("/controller_epoch")) > epoch
    assert json.loads(cluster.zk("/controller"))["brokerid"] != active
    cluster.start()
    assert cluster.alive(f"controller-{active}")


def test_clean_stop_needs_no_recovery(cluster):
    cluster.topic("clean", 2)
    cluster.run("kcat", "-P", "-b", cluster.bootstrap, "-t", "clean", stdin="".join(f"{i}\n" for i in range(1000)))
    cluster.stop()
    marker = pathlib.Path(cluster.dir, "data/broker-0/.kafka_cleanshutdown")
    assert json.loads(marker.read_text())["version"] == 0
    cluster.start()
    assert not marker.exists()
    out = cluster.run("kcat", "-C", "-b", cluster.bootstrap, "-t", "clean", "-e", "-q").stdout
    assert sorted(out.splitlines(), key=int) == [str(i) for i in range(1000)]


def test_stop_with_a_process_that_was_halted(cluster):
    """A broker halted by SIGSTOP keeps nothing running: it wakes, and ends in good order like the others, long before SIGKILL is due."""
    names = ["broker-0", "controller-0", "controller-1", "zookeeper"]
    pids = [cluster.pid(name) for name in names]
    cluster.freeze("broker-0")
    began = time.monotonic()
    cluster.stop()
    assert time.monotonic() - began < 45, "it was waited for"
    assert not [pid for pid in pids if pathlib.Path(f"/proc/{pid}").exists() and pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert pathlib.Path(cluster.dir, "data/broker-0/.kafka_cleanshutdown").exists()
    cluster.start()


def test_stop_goes_on_past_what_does_not_end(cluster):
    """The pid file of one that cannot be signalled (its pid is not a pid any more, or somebody else's) or that is gone keeps nothing running."""
    for name, text in (("broker-7", "1"), ("broker-8", "no pid"), ("controller-7", "")):
        pathlib.Path(cluster.dir, "run", f"{name}.pid").write_text(f"{text}\n")
    names = ["broker-0", "controller-0", "controller-1", "zookeeper"]
    cluster.stop()
    assert not [name for name in names if cluster.pid(name)] and not list(pathlib.Path(cluster.dir, "run").glob("*.pid"))
    cluster.start()
