"""znodes.py: what zkCli shows before and after brokers go and come, from Barnabas and from Apache Kafka, phase by phase; and where they differ.

Broker 1 is stopped and started, then broker 2 is killed and started; Kafka's controller is on broker 0, which stays.
"""
import difflib
import json
import pathlib
import re
import signal
import subprocess

from admin import Admin
from load import send_signals
from harness import TREE, wait_for
from rounds import watch_states
from zk import ZooKeeper

TOPIC, PARTITIONS = "shown", 3


def zkcli(cluster, paths):
    """Each path's data or children as zkCli prints them, with the data version where it says one."""
    script = "".join(f"{'ls' if path.endswith('ids') else 'get -s'} {path}\n" for path in paths) + "quit\n"
    done = subprocess.run([str(TREE / "deploy/bin/zkCli.sh"), "-server", cluster.zookeeper], input=script, capture_output=True, text=True, timeout=60,
                          env=cluster.env, check=False)
    shown = [line for line in done.stdout.splitlines() if re.match(r"[{\[]|\d+$|dataVersion|ephemeralOwner|null$|Node does not exist", line)]
    return [line for line in shown if not line.startswith("[zk:") or "CONNECTED" not in line]


def steady(line):
    """Without what differs from run to run."""
    line = re.sub(r'"timestamp":"\d+"', '"timestamp":"T"', re.sub(r'"topic_id":"[^"]*"', '"topic_id":"ID"', line))
    line = re.sub(r'127\.0\.0\.1:\d+', "127.0.0.1:PORT", re.sub(r'"port":\d+', '"port":0', line))
    line = re.sub(r'ephemeralOwner = 0x[1-9a-f][0-9a-f]*', "ephemeralOwner = SESSION", line)
    if line.startswith("{"):
        node = json.loads(line)
        if "kraftControllerEpoch" in node:  # Barnabas adds where its controller listens: docs/ZNODES.md
            node = {k: v for k, v in node.items() if k not in ("host", "port", "life_port", "machine")}
            node["brokerid"] = "ID"
        line = json.dumps(node, separators=(",", ":"))
    return line


def phases(cluster):
    """The lines of every phase, as a list of strings."""
    cluster.start()
    zookeeper, admin = ZooKeeper(cluster.zookeeper), Admin(cluster)
    admin.create(TOPIC, assignments={0: [0, 1, 2], 1: [1, 2, 0], 2: [2, 0, 1]})
    states = watch_states(zookeeper, TOPIC, PARTITIONS)
    paths = ["/brokers/ids", "/controller", "/controller_epoch"] + [f"/brokers/topics/{TOPIC}/partitions/{p}/state" for p in range(PARTITIONS)]
    paths += [f"/brokers/ids/{i}" for i in range(cluster.brokers)] + [f"/brokers/topics/{TOPIC}"]
    told = []

    def whole():
        return all(len(states.now(p)["isr"]) == 3 for p in range(PARTITIONS))

    def without(broker):
        return all(broker not in states.now(p)["isr"] and states.now(p)["leader"] != broker for p in range(PARTITIONS))

    def look(phase, condition):
        wait_for(condition, 60, f"{phase}: {states.of}")
        told.append(f"== {phase}")
        told.extend(steady(line) for line in zkcli(cluster, paths))

    look("before", whole)
    for broker, signum, what in ((1, signal.SIGTERM, "stopped"), (2, signal.SIGKILL, "killed")):
        send_signals(cluster, [f"broker-{broker}"], signum)
        look(f"broker {broker} {what}", lambda b=broker: without(b) and str(b) not in zookeeper.ls("/brokers/ids"))
        cluster.start()
        look(f"broker {broker} started", whole)
    zookeeper.close()
    admin.close()
    return told


def run(ours, kafka=None):
    """Prints the phases, or with a Kafka cluster the differences; gives whether there is none."""
    texts = []
    for cluster in filter(None, (ours, kafka)):
        try:
            texts.append(phases(cluster))
        finally:
            cluster.stop()
        cluster.remove()
    if not kafka:
        print("\n".join(texts[0]))
        return True
    differences = list(difflib.unified_diff(texts[1], texts[0], "kafka", "barnabas", lineterm="", n=2))
    print("\n".join(differences))
    print(f"znodes: {len(texts[0])} lines in {sum(line.startswith('==') for line in texts[0])} phases, "
          f"{sum(line[0] in '+-' and line[:3] not in ('+++', '---') for line in differences)} differ")
    return not differences
