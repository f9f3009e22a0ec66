#!/usr/bin/python3
"""member.py: one member of a consumer group on python3-kafka; prints and obeys as member.c does.

    member.py BOOTSTRAP GROUP TOPIC ASSIGNOR SESSION-MS HEARTBEAT-MS MAX-POLL-MS
"""
import logging
import os
import select
import sys
import time

from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.errors import KafkaError

ASSIGNORS = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor, "sticky": StickyPartitionAssignor}


def say(*words):
    os.write(1, (f"{time.time() * 1000:.3f} " + " ".join(map(str, words)) + "\n").encode())


class Member(ConsumerRebalanceListener):
    def __init__(self, bootstrap, group, topic, assignor, session_ms, heartbeat_ms, max_poll_ms):
        self.leaving, self.stalled, self.typed = False, False, b""
        self.consumer = KafkaConsumer(bootstrap_servers=bootstrap.split(","), group_id=group, auto_offset_reset="earliest",
                                      partition_assignment_strategy=[ASSIGNORS[assignor]], session_timeout_ms=int(session_ms),
                                      heartbeat_interval_ms=int(heartbeat_ms), max_poll_interval_ms=int(max_poll_ms),
                                      auto_commit_interval_ms=300, retry_backoff_ms=50, reconnect_backoff_ms=20)
        say("started")
        self.consumer.subscribe([topic], listener=self)

    def tell(self, what, partitions):
        generation = self.consumer._coordinator._generation.generation_id  # there is no public way to it
        say(what, generation, ",".join(str(tp.partition) for tp in sorted(partitions)) or "-")

    def on_partitions_revoked(self, revoked):
        self.tell("revoked", revoked)

    def on_partitions_assigned(self, assigned):
        self.tell("assigned", assigned)

    def listen(self, seconds):
        if not select.select([0], [], [], seconds)[0]:
            return
        got = os.read(0, 4096)
        self.leaving |= not got  # the driver is gone
        *lines, self.typed = (self.typed + got).split(b"\n")
        for line in lines:
            self.obey(line)

    def obey(self, line):
        if line == b"stall":
            self.stalled = True
            say("stalled")
        elif line == b"resume":
            self.stalled = False
            self.commit()
        elif line == b"leave":
            self.leaving = True

    def commit(self):
        try:
            self.consumer.commit()
            say("commit", "NO_ERROR")
        except KafkaError as e:
            say("commit", type(e).__name__)

    def run(self):
        while not self.leaving:
            self.listen(0.05 if self.stalled else 0)
            if self.stalled or self.leaving:
                continue
            for tp, records in self.consumer.poll(timeout_ms=50).items():
                for run in runs([r.offset for r in records]):
                    say("read", tp.partition, *run)
        self.consumer.close()
        say("left")


def runs(offsets):
    """[1, 2, 3, 7] -> (1, 3), (7, 7)"""
    first = 0
    for i in range(1, len(offsets) + 1):
        if i == len(offsets) or offsets[i] != offsets[i - 1] + 1:
            yield offsets[first], offsets[i - 1]
            first = i


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    Member(*sys.argv[1:]).run()
