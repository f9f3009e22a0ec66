"""test_znodes.py: what people look at with zkCli is what Kafka would show them."""
import json
import os
import pathlib
import re
import signal

import harness
from harness import wait_for
from test_commands import check_examples


def test_top_level(cluster):
    names = set(cluster.zk_children("/"))
    assert {"admin", "brokers", "cluster", "config", "consumers", "controller", "controller_epoch", "feature",
            "isr_change_notification", "latest_producer_id_block", "log_dir_event_notification"} <= names, names
    assert sorted(cluster.zk_children("/brokers/ids")) == ["0", "1", "2"]


def test_broker_registration(cluster):
    node = json.loads(cluster.zk("/brokers/ids/1"))
    assert node["version"] == 5 and node["port"] == cluster.port + 1 and node["jmx_port"] == -1
    assert node["endpoints"] == [f"PLAINTEXT://127.0.0.1:{cluster.port + 1}"]
    assert node["listener_security_protocol_map"] == {"PLAINTEXT": "PLAINTEXT"}
    assert isinstance(node["timestamp"], str) and node["features"] == {}


def test_controller(cluster):
    node = json.loads(cluster.zk("/controller"))
    assert node["version"] == 2 and node["brokerid"] in (0, 1) and node["kraftControllerEpoch"] == -1
    assert isinstance(node["timestamp"], str)
    assert int(cluster.zk("/controller_epoch")) >= 1


def test_cluster_id(cluster):
    node = json.loads(cluster.zk("/cluster/id"))
    assert node["version"] == "1" and re.fullmatch(r"[A-Za-z0-9_-]{22}", node["id"])


def test_topic_and_state(cluster):
    cluster.topic("shown", 2, 1, "--config", "retention.ms=-1")
    topic = json.loads(cluster.zk("/brokers/topics/shown"))
    assert topic["version"] == 3 and set(topic["partitions"]) == {"0", "1"}
    assert topic["adding_replicas"] == {} and topic["removing_replicas"] == {}
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", topic["topic_id"])
    text = cluster.zk("/brokers/topics/shown/partitions/0/state")
    state = json.loads(text)
    leader = topic["partitions"]["0"][0]
    assert state == {"controller_epoch": int(cluster.zk("/controller_epoch")), "leader": leader, "version": 1, "leader_epoch": 0,
                     "isr": [leader]}
    assert " " not in text
    assert json.loads(cluster.zk("/config/topics/shown")) == {"version": 1, "config": {"retention.ms": "-1"}}


def test_topic_deletion_leaves_nothing(cluster):
    cluster.topic("gone", 3)
    assert wait_for(lambda: len(cluster.partition_dirs("gone")) == 3, 10, "the directories")
    cluster.run("kafka-topics.sh", "--bootstrap-server", cluster.bootstrap, "--delete", "--topic", "gone")
    wait_for(lambda: "gone" not in cluster.zk_children("/brokers/topics"), 30, "the znode's end")
    assert "gone" not in cluster.zk_children("/admin/delete_topics")
    assert "gone" not in cluster.zk_children("/config/topics")
    wait_for(lambda: not [d for d in cluster.partition_dirs("gone") if not d.name.endswith("-delete")], 10, "the directories' end")


def test_group_in_the_document(cluster):
    """What docs/ZNODES.md shows of a group before, during and after a rebalance."""
    try:
        check_examples(cluster, harness.TREE / "docs/ZNODES.md", 14)
    finally:
        for pid in pathlib.Path(cluster.dir).glob("member-?"):
            try:
                os.kill(int(pid.read_text()), signal.SIGKILL)
            except ProcessLookupError:
                pass  # it left as the document says
