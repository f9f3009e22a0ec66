#!/usr/bin/env python3
"""takeover.py --kafka DIR [--seed N] [--rounds N]: Apache Kafka's ConsumerGroupCommand at work on a Barnabas cluster (--describe, --reset-offsets,
--delete, --list, one call after the other) while the broker of the groups' coordinator is killed with kill -9 and started again. A call under way when
the broker dies may tell an error that can be tried again, as with Kafka; one that begins after the election must succeed; none may ever tell other
offsets, states or members than what was committed. Prints a line a round. Ports: BARNABAS_TEST_PORTS=FIRST-LAST.
"""
import argparse
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import threading
import time

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent / "cluster"))
from harness import Cluster, wait_for  # noqa: E402

GROUPS = [f"group-{i}" for i in range(6)]
PARTITIONS, RECORDS, BROKERS = 2, 500, 3
OFFSETS = "__consumer_offsets"
SETTINGS = ["offsets.topic.num.partitions=6", "group.initial.rebalance.delay.ms=0", "zookeeper.session.timeout.ms=6000"]
AGAIN = re.compile(r"TimeoutException|CoordinatorNotAvailable|NotCoordinator|CoordinatorLoadInProgress|DisconnectException|"
                   r"coordinator is not available|not the correct coordinator|coordinator is loading|timed out|disconnected")


class Tool:
    """Kafka's tool in one JVM, fed a case after the other."""

    def __init__(self, jars, cluster):
        log4j = f"-Dlog4j.configuration=file:{here}/log4j.properties"
        self.server = cluster.bootstrap
        self.process = subprocess.Popen(["java", log4j, "-cp", f"{jars}/*", str(here / "RunTools.java"), "/dev/stdin", self.server, "-"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)

    def ask(self, words):
        self.process.stdin.write(f"call\torg.apache.kafka.tools.consumer.group.ConsumerGroupCommand\t--bootstrap-server @B@ --timeout 20000 {words}\n")
        self.process.stdin.flush()
        said = []
        for line in self.process.stdout:
            if line.startswith("exit "):
                return "\n".join(said)
            said.append(line.rstrip())
        raise AssertionError("the tool's JVM has ended: " + "\n".join(said))


class Group:
    """What it may be told as: the offset that it is known to have (None: there is no such group), or one of a write whose answer was an error."""

    def __init__(self):
        self.known, self.perhaps = None, set()

    def may(self):
        return {self.known} | self.perhaps

    def told(self, offset):
        if offset in self.perhaps:
            self.known = offset
            self.perhaps.remove(offset)
        return offset == self.known

    def wrote(self, offset, answered):
        if answered:
            self.known, self.perhaps = offset, set()
        else:
            self.perhaps.add(offset)


class Asker(threading.Thread):
    """Calls without end. Those that failed, or listed too little, are kept with their times."""

    def __init__(self, tool, seed):
        super().__init__(daemon=True)
        self.tool, self.rng, self.wrong, self.began, self.failed, self.story, self.ending = tool, random.Random(seed), None, [], [], [], False
        self.groups = {name: Group() for name in GROUPS}
        self.deleted = 0, Group(), set()

    def run(self):
        try:
            while not self.ending:
                getattr(self, self.rng.choice(["describe"] * 3 + ["reset"] * 3 + ["delete", "list", "members"]))(self.rng.choice(GROUPS))
        except BaseException as e:  # told by the main thread
            self.wrong = e
            print(*self.story[-100:], sep="\n", file=sys.stderr)

    def call(self, words):
        """What it said; None when it was an error that can be tried again."""
        self.began.append(time.monotonic())
        said = self.tool.ask(words)
        self.story.append(f"{self.began[-1]:.3f} to {time.monotonic():.3f}: {said}")
        if AGAIN.search(said):
            self.fail(said)
            return None
        return said

    def fail(self, said):
        self.failed.append((self.began[-1], time.monotonic(), said))

    def describe(self, name):
        said = self.call(f"--describe --group {name} --offsets")
        if said is not None:
            rows = sorted(row.split()[1:5] for row in said.split("\n") if row.startswith(name + " "))
            offset = None if f"Consumer group '{name}' does not exist." in said else int(rows[0][2])
            group = self.groups[name]
            assert group.told(offset), f"{name} is {offset} and may be {group.may()}: {said}"
            assert rows == [["t", str(p), str(offset), str(RECORDS)] for p in range(PARTITIONS) if offset is not None], f"{name}: {said}"

    def reset(self, name):
        offset = self.rng.randrange(1, RECORDS)
        said = self.call(f"--reset-offsets --group {name} --topic t --to-offset {offset} --execute")
        self.groups[name].wrote(offset, said is not None)
        if said is not None:  # all of it is one line
            assert sorted(re.findall(rf"{name} +t +(\d+) +(\d+)", said)) == [(str(p), str(offset)) for p in range(PARTITIONS)], said

    def delete(self, name):
        group = self.groups[name]
        said = self.call(f"--delete --group {name}")
        was = group.may() - {None}
        if said is not None:
            gone = f"Deletion of requested consumer groups ('{name}') was successful." in said
            assert gone or "GroupIdNotFoundException" in said, f"{name} may be {group.may()}: {said}"
            assert not gone or was, f"{name} was not there: {said}"
            if not gone and None not in group.may():  # the client has asked again: allowed amid a kill
                self.fail("deleted twice: " + said)
        group.wrote(None, said is not None)
        self.deleted = time.monotonic(), group, was

    def forgive(self, killed):
        """As with Kafka, a deletion is answered before the followers have it: what was deleted just before a kill may be there again."""
        when, group, was = self.deleted
        if killed - when < 1 and group.known is None:
            group.perhaps |= was

    def list(self, _):
        said = self.call("--list --state")
        if said is not None:
            states = dict(row.split() for row in said.split("\n") if row.startswith(("group-", "live ")))
            wanted = {name for name, group in self.groups.items() if None not in group.may()} | {"live"}
            assert all(name == "live" or self.groups[name].may() != {None} for name in states), f"one of these has been deleted: {said}"
            assert all(state == ("Stable" if name == "live" else "Empty") for name, state in states.items()), said
            if wanted - set(states):
                self.fail(f"{wanted - set(states)} missing: {said}")

    def members(self, _):
        said = self.call("--describe --group live --members")
        assert said is None or re.search(rf"^live +cat-\S+ +/127.0.0.1 +cat +{PARTITIONS}\b", said, re.M), said


def states(cluster):
    partitions = cluster.zk_children(f"/brokers/topics/{OFFSETS}/partitions")
    return [json.loads(cluster.zk(f"/brokers/topics/{OFFSETS}/partitions/{p}/state")) for p in partitions]


def play(cluster, asker, cat, rng, number):
    asker.join(rng.random())  # so long, or until something is wrong
    leaders = [s["leader"] for s in states(cluster)]
    victim, before = rng.choice(leaders), len(asker.failed)
    killed = time.monotonic()
    asker.story.append(f"{killed:.3f}: broker {victim} is killed, coordinator of {[i for i, b in enumerate(leaders) if b == victim]}")
    cluster.kill(f"broker-{victim}")
    asker.forgive(killed)
    wait_for(lambda: all(s["leader"] not in (-1, victim) for s in states(cluster)), 30, "the election")
    elected = time.monotonic()
    count = len(asker.began)
    wait_for(lambda: asker.wrong or len(asker.began) > count + 30, 120, "the calls after the election")
    cluster.start()
    wait_for(lambda: all(len(s["isr"]) == BROKERS for s in states(cluster)), 60, "the killed broker to be in sync")
    assert cat.poll() is None, "the member has ended"
    if asker.wrong:
        raise asker.wrong
    failed = asker.failed[before:]
    for began, ended, said in failed:
        assert began < elected and ended > killed, f"begun {began - elected:.3f} s after the election: {said}"
    print(f"round {number}: broker {victim}, coordinator of {leaders.count(victim)} of {len(leaders)}: elected after at most {elected - killed:.2f} s; "
          f"{len(asker.began)} calls so far, {len(failed)} of them hit by it{''.join('; ' + f[2].strip().split(chr(10))[-1][:200] for f in failed)}", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kafka", required=True)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    cluster = Cluster(os.environ.get("BARNABAS_BUILD", here.parent.parent / "build"), brokers=BROKERS, controllers=2, overrides=SETTINGS)
    tool = cat = None
    try:
        cluster.start()
        cluster.topic("t", PARTITIONS, BROKERS)
        for p in range(PARTITIONS):
            cluster.run("kcat", "-P", "-b", cluster.bootstrap, "-t", "t", "-p", str(p), stdin="x\n" * RECORDS)
        member = [str(pathlib.Path(cluster.build, "tests/members/member")), "-b", cluster.bootstrap, "-g", "live", "-t", "t", "-X", "client.id=cat"]
        with open(pathlib.Path(cluster.dir, "member.out"), "wb") as out:
            cat = subprocess.Popen(member, stdin=subprocess.PIPE, stdout=out, stderr=out)
        wait_for(lambda: "live" in cluster.run("barnabas", "group", "list", "--state", "stable", "--bootstrap-server", cluster.bootstrap,
                                               check=False).stdout, 60, "the live group")
        tool = Tool(given.kafka, cluster)
        asker, rng = Asker(tool, given.seed), random.Random(given.seed)
        asker.start()
        for number in range(given.rounds):
            play(cluster, asker, cat, rng, number)
        asker.ending = True
        asker.join(60)
        if asker.wrong:
            raise asker.wrong
    except BaseException:
        print(f"data and logs are kept in {cluster.dir}", file=sys.stderr)
        raise
    finally:
        for process in cat, tool and tool.process:
            if process:
                process.kill()
                process.wait()
        cluster.stop()
    cluster.remove()


main()
