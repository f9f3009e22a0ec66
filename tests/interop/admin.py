#!/usr/bin/env python3
"""admin.py HOST:PORT BROKER_ID: asks one broker the administrative calls about topics, partitions, records and the cluster, with what is right
and with what is wrong, in their newest versions, and prints every answer: error codes, texts and contents. compare.sh runs it against Barnabas
and against Apache Kafka and compares what it printed. Not asked, because Kafka fails on it (UNKNOWN_SERVER_ERROR, no answer, or an error
about something else) where Barnabas refuses: partitions placed below zero or on brokers that are not there, partitions for a topic without a
name, an election of a kind that is none, the end of an epoch below -1, a topic to delete without name or id, or with both. Standard library
only."""
import struct
import sys
import time

from configs import Client, Reader

CREATE, DELETE, DELETE_RECORDS, PARTITIONS, ELECT, OFFSETS, EPOCHS, LOG_DIRS, CLUSTER, PRODUCERS = 19, 20, 21, 37, 43, 2, 23, 35, 60, 61
TAGS = b"\0"
NO_ID, LOST_ID = bytes(16), bytes(range(16))


def number(n):
    """An unsigned variable-length number."""
    out = b""
    while n >= 0x80:
        out, n = out + bytes([n & 0x7f | 0x80]), n >> 7
    return out + bytes([n])


def text(s):
    return number(0) if s is None else number(len(s.encode()) + 1) + s.encode()


def array(items):
    return number(0) if items is None else number(len(items) + 1) + b"".join(items)


def int32s(numbers):
    return array([struct.pack(">i", n) for n in numbers])


class Flexible(Reader):
    def number(self):
        n = shift = 0
        while True:
            byte = self.take("B")
            n, shift = n | (byte & 0x7f) << shift, shift + 7
            if byte < 0x80:
                return n

    def text(self):
        n = self.number() - 1
        if n < 0:
            return None
        self.at += n
        return self.data[self.at - n:self.at].decode()

    def array(self, item):
        return [item() for _ in range(self.number() - 1)]

    def tags(self):
        tags = {}
        for _ in range(self.number()):
            tag, size = self.number(), self.number()
            tags[tag] = self.data[self.at:self.at + size]
            self.at += size
        return tags

    def fields(self, *kinds):
        """Kinds: one of struct's letters, s for text, ids for a topic id told or not; then the tags."""
        out = []
        for kind in kinds:
            if kind == "s":
                out.append(self.text())
            elif kind == "id":
                self.at += 16
                out.append("ID" if any(self.data[self.at - 16:self.at]) else "none")
            elif callable(kind):
                out.append(self.array(kind))
            else:
                out.append(self.take(kind))
        tags = self.tags()
        return tuple(out) + ((tags,) if tags else ())


class Admin(Client):
    def ask(self, label, api, version, body, read):
        frame = struct.pack(">hhi", api, version, 7) + struct.pack(">h", 5) + b"admin" + TAGS + body + TAGS
        self.socket.sendall(struct.pack(">i", len(frame)) + frame)
        size = struct.unpack(">i", self.read(4))[0]
        answer = Flexible(self.read(size)[4:])
        answer.tags()
        told = read(answer)
        if label:
            print(f"### {label}")
            for line in told:
                print("  ", line)
        return answer

    def create(self, label, *topics, validate_only=False, timeout_ms=3000):
        """topics: (name, partitions, replication, {partition: brokers}, {key: value})"""
        body = array([text(n) + struct.pack(">ih", p, r) +
                      array([struct.pack(">i", i) + int32s(b) + TAGS for i, b in where.items()]) +
                      array([text(k) + text(v) + TAGS for k, v in configs.items()]) + TAGS for n, p, r, where, configs in topics])

        def config(a):
            return a.fields("s", "s", "?", "b", "?")

        def topic(a):
            out = a.fields("s", "id", "h", "s", "i", "h", lambda: config(a))
            chosen = [c for c in out[6] if c[3] == 1]  # what the topic itself has; the rest is each broker's own
            return out[:6] + (sorted(chosen),) + out[7:]

        def read(a):
            return sorted(a.fields("i", lambda: topic(a))[1])
        self.ask(label, CREATE, 7, body + struct.pack(">i?", timeout_ms, validate_only), read)

    def delete(self, label, *topics, timeout_ms=10000):
        """topics: (name, id)"""
        body = array([text(n) + i + TAGS for n, i in topics]) + struct.pack(">i", timeout_ms)
        def topic(a):
            name, *rest = a.fields("s", "id", "h", "s")
            return (name, *(rest if name is None else rest[1:]))  # Barnabas tells the id of a name, too
        self.ask(label, DELETE, 6, body, lambda a: sorted(a.fields("i", lambda: topic(a))[1], key=str))

    def partitions(self, label, *topics, validate_only=False):
        """topics: (name, count, None or lists of brokers)"""
        body = array([text(n) + struct.pack(">i", c) + array(None if w is None else [int32s(b) + TAGS for b in w]) + TAGS
                      for n, c, w in topics]) + struct.pack(">i?", 10000, validate_only)
        self.ask(label, PARTITIONS, 3, body, lambda a: sorted(a.fields("i", lambda: a.fields("s", "h", "s"))[1]))

    def elect(self, label, kind, topics, timeout_ms=10000):
        """topics: None or (name, partitions)"""
        body = struct.pack(">b", kind) + array(None if topics is None else [text(n) + int32s(p) + TAGS for n, p in topics])

        def read(a):
            def result():
                return a.fields("s", lambda: a.fields("i", "h", "s"))
            out = a.fields("i", "h", result)
            return [out[1]] + sorted(out[2])
        self.ask(label, ELECT, 2, body + struct.pack(">i", timeout_ms), read)

    def by_partition(self, label, api, version, before, topics, after, item):
        """topics: (name, [bytes of each partition])"""
        body = before + array([text(n) + array(p) + TAGS for n, p in topics]) + after

        def read(a):
            return sorted(a.fields("i", lambda: a.fields("s", lambda: a.fields(*item(a))))[1])
        self.ask(label, api, version, body, read)

    def delete_records(self, label, *topics):
        """topics: (name, {partition: offset})"""
        self.by_partition(label, DELETE_RECORDS, 2, b"", [(n, [struct.pack(">iq", p, o) + TAGS for p, o in where.items()]) for n, where in topics],
                          struct.pack(">i", 5000), lambda a: ("i", "q", "h"))

    def offsets(self, label, topic, partition, timestamp, version=9, epoch=-1, replica=-1, isolation=0):
        self.by_partition(f"{label}, version {version}", OFFSETS, version, struct.pack(">ib", replica, isolation),
                          [(topic, [struct.pack(">iiq", partition, epoch, timestamp) + TAGS])], b"", lambda a: ("i", "h", "q", "q", "i"))

    def epochs(self, label, topic, partition, current, epoch):
        self.by_partition(label, EPOCHS, 4, struct.pack(">i", -1), [(topic, [struct.pack(">iii", partition, current, epoch) + TAGS])], b"",
                          lambda a: ("h", "i", "i", "q"))

    def producers(self, label, *topics):
        """topics: (name, partitions)"""
        body = array([text(n) + int32s(p) + TAGS for n, p in topics])

        def partition(a):
            out = a.fields("i", "h", "s", lambda: a.fields("q", "i", "i", "q", "i", "q"))
            return out[:3] + ([p[1:3] + p[4:] for p in out[3]],) + out[4:]

        def read(a):
            return sorted(a.fields("i", lambda: a.fields("s", lambda: partition(a)))[1])
        self.ask(label, PRODUCERS, 0, body, read)

    def log_dirs(self, label, topics):
        body = array(None if topics is None else [text(n) + int32s(p) + TAGS for n, p in topics])

        def read(a):
            def topic():
                return a.fields("s", lambda: a.fields("i", "q", "q", "?"))

            def result():
                out = a.fields("h", "s", topic, "q", "q")
                here = sorted(t for t in out[2] if t[0].startswith("admin"))
                return out[0], [(n, sorted(p)) for n, p in here], out[3] > 0, out[4] > 0
            out = a.fields("i", "h", result)
            return [out[1]] + out[2]
        self.ask(label, LOG_DIRS, 4, body, read)

    def cluster(self, label, operations, kind):
        def read(a):
            out = a.fields("i", "h", "s", "b", "s", "i", lambda: a.fields("i", "s", "i", "s"), "i")
            return [out[1:4], bool(out[4]), out[5], [(b[0], b[1], b[3]) for b in out[6]], out[7]]
        self.ask(label, CLUSTER, 1, struct.pack(">?b", operations, kind), read)


def creating(c, me):
    def one(label, name, partitions=1, replication=1, where=None, configs=None, **more):
        c.create("create " + label, (name, partitions, replication, where or {}, configs or {}), **more)
    one("one", "admin", 3)
    one("it again", "admin")
    one("the default numbers", "admin.default", -1, -1)
    one("for a look", "admin.seen", 2, validate_only=True)
    one("for a look, again", "admin.seen", 2, validate_only=True)
    one("for a look, what is there", "admin", validate_only=True)
    one("placed", "admin.placed", -1, -1, {0: [me], 1: [me]})
    one("placed with gaps", "admin.gaps", -1, -1, {0: [me], 2: [me]})
    one("placed twice on a broker", "admin.twice", -1, -1, {0: [me, me]})
    one("placed unevenly", "admin.uneven", -1, -1, {0: [me], 1: [me, me + 1]})
    one("placed and counted", "admin.both", 2, -1, {0: [me]})
    one("placed and replicated", "admin.both", -1, 1, {0: [me]})
    one("no partitions", "admin.none", 0)
    one("fewer than none", "admin.none", -2)
    one("no replicas", "admin.none", 1, 0)
    one("too many replicas", "admin.many", 1, 3)
    one("far too many replicas", "admin.many", 1, 32767)
    for name in ("", ".", "..", "a b", "a/b", "ä", "x" * 250):
        one(f"name {name[:9]!r}", name)
    one("colliding", "admin_placed")
    one("internal", "__admin")
    one("configured", "admin.configured", configs={"retention.ms": "1000", "cleanup.policy": "compact,delete"})
    one("an unknown config", "admin.bad", configs={"nonsense": "1"})
    one("a bad value", "admin.bad", configs={"retention.ms": "soon"})
    one("a value out of range", "admin.bad", configs={"segment.bytes": "1"})
    one("a null value", "admin.bad", configs={"retention.ms": None})
    one("an empty value", "admin.bad", configs={"cleanup.policy": ""})
    one("a broker's config", "admin.bad", configs={"log.retention.ms": "1"})
    one("contradicting configs", "admin.bad", configs={"local.retention.ms": "5", "retention.ms": "1"})
    one("without time", "admin.hasty", timeout_ms=0)
    c.create("create the same twice", ("admin.pair", 1, 1, {}, {}), ("admin.pair", 2, 1, {}, {}))
    c.create("create good and bad", ("admin.good", 1, 1, {}, {}), ("admin.bad", 0, 1, {}, {}))
    c.create("create nothing")


def adding(c, me):
    time.sleep(1)
    c.partitions("add to one", ("admin", 4, None))
    c.partitions("add for a look", ("admin", 9, None), validate_only=True)
    time.sleep(0.5)
    c.partitions("add none", ("admin", 4, None))
    c.partitions("take away", ("admin", 3, None))
    c.partitions("take all away", ("admin", 0, None))
    c.partitions("less than none", ("admin", -1, None))
    c.partitions("add to nothing", ("admin.nothing", 4, None))
    c.partitions("add placed", ("admin", 5, [[me]]))
    time.sleep(0.5)
    c.partitions("add placed, too few", ("admin", 7, [[me]]))
    c.partitions("add placed, too many", ("admin", 6, [[me], [me]]))
    c.partitions("add placed on nobody", ("admin", 6, [[me + 70]]))
    c.partitions("add placed twice on a broker", ("admin", 6, [[me, me]]))
    c.partitions("add placed unevenly", ("admin", 6, [[me, me + 1]]))
    c.partitions("add twice", ("admin", 8, None), ("admin", 9, None))


def records(c):
    for offset in (0, -1, -2, 1, 100):
        c.delete_records(f"delete records to {offset}", ("admin", {0: offset}))
    c.delete_records("delete records of nothing", ("admin.nothing", {0: 0}), ("admin", {77: 0, -1: 0}))
    c.delete_records("delete records that are compacted", ("admin.compacted", {0: 0}))
    c.delete_records("delete records of both policies", ("admin.configured", {0: 0}))
    for timestamp in (-1, -2, -3, -4, -5, -6, 0, 2**62):
        c.offsets(f"offset at {timestamp}", "admin", 0, timestamp)
    for version, timestamp in ((6, -3), (7, -4), (8, -5)):
        c.offsets(f"offset at {timestamp}", "admin", 0, timestamp, version=version)
    c.offsets("offset of nothing", "admin.nothing", 0, -1)
    c.offsets("offset of no partition", "admin", 77, -1)
    c.offsets("offset of an older epoch", "admin", 0, -1, epoch=-2)
    c.offsets("offset of a newer epoch", "admin", 0, -1, epoch=7)
    c.offsets("offset for a committed reader", "admin", 0, -1, isolation=1)
    c.offsets("offset for a follower", "admin", 0, -1, replica=5)
    c.offsets("offset for a debugger", "admin", 0, -1, replica=-2)
    for current, epoch in ((-1, 0), (0, 0), (0, 5), (9, 0), (-1, -1)):
        c.epochs(f"end of epoch {epoch} under {current}", "admin", 0, current, epoch)
    c.epochs("end of an epoch of nothing", "admin.nothing", 0, -1, 0)
    c.epochs("end of an epoch of no partition", "admin", 77, -1, 0)


def looking(c):
    c.producers("producers", ("admin", [0, 1]))
    c.producers("producers of nothing", ("admin.nothing", [0]), ("admin", [77, -1]), ("a b", [0]))
    c.log_dirs("directories of all", None)
    c.log_dirs("directories of some", [("admin", [0, 1, 77]), ("admin.nothing", [0])])
    c.log_dirs("directories of none", [])
    for kind in (1, 2, 0):
        c.cluster(f"cluster of kind {kind}", False, kind)
    c.cluster("cluster with operations", True, 1)


def electing(c):
    for kind in (0, 1):
        c.elect(f"elect {kind}", kind, [("admin", [0, 1])])
    c.elect("elect of nothing", 0, [("admin.nothing", [0]), ("admin", [77])])
    c.elect("elect unclean of nothing", 1, [("admin.nothing", [0])])
    c.elect("elect none", 0, [])


def deleting(c):
    c.delete("delete by name", ("admin.placed", NO_ID))
    c.delete("delete nothing", ("admin.nothing", NO_ID), ("admin.nothing.else", NO_ID))
    c.delete("delete a lost id", (None, LOST_ID))
    c.delete("delete twice", ("admin.good", NO_ID), ("admin.good", NO_ID))
    c.delete("delete an empty name", ("", NO_ID))
    c.delete("delete nobody")
    time.sleep(2)


def main():
    server, me = sys.argv[1], int(sys.argv[2])
    c = Admin(server)
    try:
        creating(c, me)
        c.create(None, ("admin.compacted", 1, 1, {}, {"cleanup.policy": "compact"}))
        adding(c, me)
        records(c)
        looking(c)
        electing(c)
        deleting(c)
    finally:
        c = Admin(server)
        names = ("admin", "admin.default", "admin.configured", "admin.hasty", "admin.pair", "admin.good", "admin.compacted", "__admin", "admin_placed",
                 "admin.both", "admin.placed")
        c.delete(None, *((name, NO_ID) for name in names))


if __name__ == "__main__":
    main()
