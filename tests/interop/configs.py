#!/usr/bin/env python3
"""configs.py HOST:PORT BROKER_ID: asks one broker everything about configs that the protocol can ask and tools do not:
IncrementalAlterConfigs, AlterConfigs and DescribeConfigs, with good and with bad values, and prints every answer. compare.sh
runs it against Barnabas and against Apache Kafka and compares what it printed. Not asked, because Kafka's answers are its
own: of several keys at once (their order is a hash map's), loggers of another broker (it names itself twice), and the
threads, whose number it can change at run time. Standard library only."""
import socket
import struct
import sys
import time

TOPIC, BROKER, LOGGER = 2, 4, 8
SET, DELETE, APPEND, SUBTRACT = range(4)
CREATE_TOPICS, DELETE_TOPICS, DESCRIBE, ALTER, INCREMENTAL = 19, 20, 32, 33, 44


def text(s):
    return struct.pack(">h", -1) if s is None else struct.pack(">h", len(s.encode())) + s.encode()


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, fmt):
        (value,) = struct.unpack_from(">" + fmt, self.data, self.at)
        self.at += struct.calcsize(">" + fmt)
        return value

    def text(self):
        n = self.take("h")
        if n < 0:
            return None
        self.at += n
        return self.data[self.at - n:self.at].decode()

    def array(self, item):
        return [item() for _ in range(max(self.take("i"), 0))]


class Client:
    def __init__(self, server):
        host, port = server.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), 10)

    def call(self, api, version, body):
        frame = struct.pack(">hhi", api, version, 7) + text("configs") + body
        self.socket.sendall(struct.pack(">i", len(frame)) + frame)
        size = struct.unpack(">i", self.read(4))[0]
        return Reader(self.read(size)[4:])

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise SystemExit("the broker closed the connection")
            data += more
        return data

    def results(self, reader):
        """throttle, then error, message, type and name of each resource"""
        reader.take("i")
        return reader.array(lambda: (reader.take("h"), reader.text(), reader.take("b"), reader.text()))

    def alter(self, label, resources, validate_only=False):
        """AlterConfigs 1; resources: (type, name, [(key, value)])"""
        body = array([struct.pack(">b", t) + text(n) + array([text(k) + text(v) for k, v in configs])
                      for t, n, configs in resources])
        return show(label and "alter " + label, self.results(self.call(ALTER, 1, body + struct.pack(">?", validate_only))))

    def incremental(self, label, resources, validate_only=False):
        """IncrementalAlterConfigs 0; resources: (type, name, [(key, operation, value)])"""
        body = array([struct.pack(">b", t) + text(n) +
                      array([text(k) + struct.pack(">b", op) + text(v) for k, op, v in configs])
                      for t, n, configs in resources])
        return show(label, self.results(self.call(INCREMENTAL, 0, body + struct.pack(">?", validate_only))))

    def describe(self, label, kind, name, keys=None, only_set=False, documentation=False):
        """DescribeConfigs 3 with synonyms"""
        if kind == BROKER and label:
            time.sleep(0.7)  # Kafka's brokers hear of a change by a watch
        wanted = struct.pack(">i", -1) if keys is None else array([text(k) for k in keys])
        body = array([struct.pack(">b", kind) + text(name) + wanted]) + struct.pack(">??", True, documentation)
        r = self.call(DESCRIBE, 3, body)
        r.take("i")

        def synonym():
            return r.text(), r.text(), r.take("b")

        def config():
            head = (r.text(), r.text(), r.take("?"), r.take("b"), r.take("?"))
            return head + (r.array(synonym), r.take("b"), r.text())

        def result():
            return r.take("h"), r.text(), r.take("b"), r.text(), r.array(config)

        results = r.array(result)
        if label is None:
            return results
        print("### describe " + label)
        for error, message, kind, name, configs in results:
            print(f"{error} {message!r} {kind} {name!r}")
            for key, value, read_only, source, sensitive, synonyms, value_type, doc in sorted(configs):
                if only_set and source in (4, 5):
                    continue
                told = f" doc={doc is not None}" if documentation else ""
                print(f"  {key}={value!r} source={source} type={value_type} read_only={read_only} "
                      f"sensitive={sensitive}{told} synonyms={synonyms}")
        return results


def show(label, results):
    if label is None:
        return results
    print("### " + label)
    for error, message, kind, name in sorted(results, key=lambda x: (x[2], x[3], x[0])):
        print(f"{error} {message!r} {kind} {name!r}")
    return results


def make_topic(c, name):
    topic = text(name) + struct.pack(">ih", 1, 1) + array([]) + array([])
    c.call(CREATE_TOPICS, 4, array([topic]) + struct.pack(">i?", 10000, False))


def topics(c):
    make_topic(c, "cfg")
    make_topic(c, "cfg2")
    time.sleep(0.5)

    def one(label, *ops, **more):
        c.incremental(label, [(TOPIC, "cfg", list(ops))], **more)

    one("set", ("retention.ms", SET, "1000"))
    one("set two", ("retention.bytes", SET, "1000000"), ("cleanup.policy", SET, "compact"))
    c.describe("after sets", TOPIC, "cfg", only_set=True)
    one("set with blanks", ("segment.bytes", SET, " 2000000 "))
    one("append", ("cleanup.policy", APPEND, "delete"))
    one("append again", ("cleanup.policy", APPEND, "delete"))
    c.describe("after append", TOPIC, "cfg", ["cleanup.policy", "segment.bytes"])
    one("subtract", ("cleanup.policy", SUBTRACT, "compact"))
    one("append to none", ("follower.replication.throttled.replicas", APPEND, "0:1,0:2"))
    one("subtract of none", ("leader.replication.throttled.replicas", SUBTRACT, "0:1"))
    c.describe("after lists", TOPIC, "cfg", only_set=True)
    one("subtract everything", ("cleanup.policy", SUBTRACT, "delete"))
    c.describe("after nothing is left", TOPIC, "cfg", ["cleanup.policy"])
    one("append to the default", ("cleanup.policy", DELETE, None))
    one("append compact to the default", ("cleanup.policy", APPEND, "compact"))
    c.describe("after default", TOPIC, "cfg", ["cleanup.policy"])
    one("append to a number", ("retention.ms", APPEND, "1"))
    one("subtract from a number", ("retention.ms", SUBTRACT, "1"))
    one("append a bad item", ("cleanup.policy", APPEND, "burn"))
    one("append to an unknown key", ("no.such", APPEND, "1"))
    one("subtract from an unknown key", ("no.such", SUBTRACT, "1"))
    one("unknown key", ("no.such", SET, "1"))
    one("delete an unknown key", ("no.such", DELETE, None))
    one("delete an unset key", ("flush.ms", DELETE, None))
    one("delete with a value", ("retention.bytes", DELETE, "x"))
    one("bad number", ("retention.ms", SET, "abc"))
    one("bad range", ("min.insync.replicas", SET, "0"))
    one("bad retention", ("retention.ms", SET, "-2"))
    one("bad choice", ("compression.type", SET, "rar"))
    one("bad list", ("cleanup.policy", SET, "burn"))
    one("bad boolean", ("preallocate", SET, "perhaps"))
    one("bad double", ("min.cleanable.dirty.ratio", SET, "1.5"))
    one("bad level", ("compression.gzip.level", SET, "0"))
    one("bad replicas", ("leader.replication.throttled.replicas", SET, "x"))
    one("bad version", ("message.format.version", SET, "x"))
    one("bad timestamp type", ("message.timestamp.type", SET, "Never"))
    one("conflict of lags", ("min.compaction.lag.ms", SET, "10"), ("max.compaction.lag.ms", SET, "5"))
    one("local retention over retention", ("local.retention.ms", SET, "2000"))
    one("remote storage", ("remote.storage.enable", SET, "true"))
    one("remote copy", ("remote.log.copy.disable", SET, "true"))
    one("null value", ("retention.ms", SET, None))
    one("null values", ("retention.ms", SET, None), ("flush.ms", APPEND, None))
    one("empty value", ("retention.ms", SET, ""))
    one("duplicate keys", ("retention.ms", SET, "1"), ("retention.ms", SET, "2"))
    one("unknown operation", ("retention.ms", 9, "1"))
    one("no operations")
    one("validate only", ("flush.ms", SET, "5"), validate_only=True)
    one("validate only, bad", ("flush.ms", SET, "-5"), validate_only=True)
    one("one good and one bad", ("flush.ms", SET, "5"), ("flush.messages", SET, "0"))
    c.describe("after errors", TOPIC, "cfg", only_set=True)
    c.incremental("unknown topic", [(TOPIC, "nowhere", [("retention.ms", SET, "1")])])
    c.incremental("unknown topic, bad value", [(TOPIC, "nowhere", [("retention.ms", SET, "x")])])
    c.incremental("bad topic name", [(TOPIC, "a b", [("retention.ms", SET, "1")])])
    c.incremental("no topic name", [(TOPIC, "", [("retention.ms", SET, "1")])])
    c.incremental("two topics", [(TOPIC, "cfg", [("flush.ms", SET, "7")]), (TOPIC, "cfg2", [("flush.ms", SET, "8")])])
    c.incremental("one topic twice", [(TOPIC, "cfg", [("flush.ms", SET, "9")]), (TOPIC, "cfg", [("flush.ms", SET, "10")]),
                                      (TOPIC, "cfg2", [("flush.ms", SET, "11")])])
    c.describe("cfg", TOPIC, "cfg", only_set=True)
    c.describe("cfg2", TOPIC, "cfg2", only_set=True)
    c.incremental("unknown type", [(3, "x", [("a", SET, "1")])])
    c.incremental("type 0", [(0, "x", [("a", SET, "1")])])
    c.incremental("client metrics", [(16, "x", [("metrics", SET, "*")])])
    c.incremental("group", [(32, "x", [("consumer.session.timeout.ms", SET, "50000")])])
    c.incremental("nothing", [])
    c.alter("replace", [(TOPIC, "cfg", [("retention.ms", "5000"), ("max.message.bytes", "2000")])])
    c.describe("after a replacement", TOPIC, "cfg", only_set=True)
    c.alter("null value", [(TOPIC, "cfg", [("retention.ms", None)])])
    c.alter("duplicate keys", [(TOPIC, "cfg", [("retention.ms", "1"), ("retention.ms", "2")])])
    c.alter("unknown key", [(TOPIC, "cfg", [("no.such", "1")])])
    c.alter("bad value", [(TOPIC, "cfg", [("retention.ms", "x")])])
    c.alter("unknown topic", [(TOPIC, "nowhere", [("retention.ms", "1")])])
    c.alter("no topic name", [(TOPIC, "", [("retention.ms", "1")])])
    c.alter("bad topic name", [(TOPIC, "a b", [("retention.ms", "1")])])
    c.alter("validate only", [(TOPIC, "cfg", [])], validate_only=True)
    c.alter("logger", [(LOGGER, "1", [("root", "INFO")])])
    c.alter("unknown type", [(3, "x", [("a", "1")])])
    c.alter("nothing left", [(TOPIC, "cfg", [])])
    c.describe("after nothing left", TOPIC, "cfg", only_set=True)
    c.describe("some keys", TOPIC, "cfg2", ["retention.ms", "flush.ms", "no.such"], documentation=True)
    c.describe("no keys", TOPIC, "cfg2", [])
    c.describe("unknown topic", TOPIC, "nowhere")
    c.describe("bad topic name", TOPIC, "a b")
    c.describe("no topic name", TOPIC, "")
    c.describe("client metrics", 16, "x")


def brokers(c, me):
    def one(label, *ops, name=me, **more):
        c.incremental("broker: " + label, [(BROKER, name, list(ops))], **more)

    one("set", ("log.retention.ms", SET, "100000"))
    one("set two", ("log.segment.bytes", SET, "30000000"), ("log.cleaner.threads", SET, "2"))
    one("set for all", ("log.retention.ms", SET, "200000"), ("message.max.bytes", SET, "2000000"), name="")
    keys = ["log.retention.ms", "log.retention.minutes", "log.segment.bytes", "message.max.bytes",
            "log.roll.ms", "log.roll.hours", "broker.id", "min.insync.replicas", "log.flush.interval.ms",
            "log.flush.scheduler.interval.ms", "compression.type", "log.cleanup.policy"]
    c.describe("broker, some keys", BROKER, me, keys, documentation=True)
    c.describe("broker, what is set", BROKER, me, only_set=True)
    c.describe("defaults", BROKER, "")
    c.describe("defaults, some keys", BROKER, "", ["message.max.bytes", "log.dirs"])
    c.describe("a topic under them", TOPIC, "cfg2", ["retention.ms", "segment.bytes", "max.message.bytes", "flush.ms"])
    one("append", ("log.cleanup.policy", APPEND, "compact"))
    c.describe("broker after append", BROKER, me, ["log.cleanup.policy"])
    one("subtract", ("log.cleanup.policy", SUBTRACT, "compact"))
    one("append to a number", ("log.retention.ms", APPEND, "1"))
    one("read-only", ("broker.id", SET, "3"))
    one("read-only, for all", ("log.dirs", SET, "/x"), name="")
    one("delete a read-only", ("broker.id", DELETE, None))
    one("hours", ("log.retention.hours", SET, "3"))
    one("per broker, for all", ("leader.replication.throttled.rate", SET, "3"), name="")
    one("without a listener", ("ssl.keystore.location", SET, "/x"))
    one("with a listener", ("listener.name.plaintext.ssl.keystore.location", SET, "/x"))
    one("with a listener, for all", ("listener.name.plaintext.ssl.keystore.location", SET, "/x"), name="")
    one("a password", ("listener.name.plaintext.ssl.keystore.password", SET, "x"))
    one("throttle", ("leader.replication.throttled.rate", SET, "3000"))
    one("bad throttle", ("leader.replication.throttled.rate", SET, "-1"))
    one("unknown", ("no.such.key", SET, "3"))
    one("unknown for all", ("no.such.key", SET, "4"), ("no.such.too", SET, "4"), name="")
    c.describe("broker, unknown keys", BROKER, me, ["no.such.key", "no.such.too", "no.such.other"], documentation=True)
    c.describe("defaults with unknown keys", BROKER, "", documentation=True)
    one("delete unknown for all", ("no.such.key", DELETE, None), ("no.such.too", DELETE, None), name="")
    one("delete unknown", ("no.such.key", DELETE, None))
    one("append to unknown", ("no.such.other", APPEND, "3"))
    one("bad number", ("log.retention.ms", SET, "x"))
    one("bad range", ("min.insync.replicas", SET, "0"))
    one("bad range for all", ("min.insync.replicas", SET, "0"), name="")
    one("bad retention", ("log.retention.ms", SET, "0"))
    one("negative retention", ("log.retention.ms", SET, "-7"))
    one("bad choice", ("compression.type", SET, "rar"))
    one("bad list", ("log.cleanup.policy", SET, "burn"))
    one("null", ("log.retention.ms", SET, None))
    one("duplicate keys", ("log.retention.ms", SET, "1"), ("log.retention.ms", SET, "2"))
    one("connections", ("max.connections", SET, "1000"), ("max.connections.per.ip", SET, "900"))
    one("bad connections", ("max.connections.per.ip", SET, "-1"))
    one("bad connection exceptions", ("max.connections.per.ip.overrides", SET, "nowhere.invalid"))
    one("bad connection exception", ("max.connections.per.ip.overrides", SET, "127.0.0.1:x"))
    one("connection exceptions", ("max.connections.per.ip.overrides", SET, "127.0.0.1:500"))
    one("lags", ("log.cleaner.min.compaction.lag.ms", SET, "10"), ("log.cleaner.max.compaction.lag.ms", SET, "5"))
    one("another broker", ("log.retention.ms", SET, "3"), name="77")
    one("no number", ("log.retention.ms", SET, "3"), name="abc")
    one("validate only", ("log.retention.ms", SET, "3"), validate_only=True)
    c.describe("broker, what is set now", BROKER, me, only_set=True)
    c.describe("another broker", BROKER, "77")
    c.describe("no number", BROKER, "abc")
    c.alter("broker: replace", [(BROKER, me, [("log.retention.ms", "300000")])])
    c.alter("broker: read-only", [(BROKER, me, [("broker.id", "3")])])
    c.alter("broker: another", [(BROKER, "77", [("log.retention.ms", "300000")])])
    c.alter("broker: no number", [(BROKER, "abc", [("log.retention.ms", "300000")])])
    c.alter("broker: null", [(BROKER, me, [("log.retention.ms", None)])])
    c.alter("broker: bad value", [(BROKER, me, [("log.retention.ms", "x")])])
    c.alter("broker: for all", [(BROKER, "", [("log.retention.bytes", "7000000")])])
    c.describe("broker, what is set at last", BROKER, me, only_set=True)
    c.describe("defaults at last", BROKER, "")
    c.alter("broker: nothing left", [(BROKER, me, []), (BROKER, "", [])])
    c.describe("broker, nothing set", BROKER, me, only_set=True)
    c.describe("defaults, nothing set", BROKER, "")
    c.describe("a topic at last", TOPIC, "cfg2", ["retention.ms", "segment.bytes", "max.message.bytes", "flush.ms"])


def loggers(c, me):
    def one(label, *ops, name=me):
        c.incremental("logger: " + label, [(LOGGER, name, list(ops))])

    one("no number", ("root", SET, "INFO"), name="abc")
    one("no name", ("root", SET, "INFO"), name="")
    one("bad level", ("root", SET, "LOUD"))
    one("unknown logger", ("no.such.logger", SET, "INFO"))
    one("delete root", ("root", DELETE, None))
    one("append", ("root", APPEND, "INFO"))
    one("set root", ("root", SET, "INFO"))
    c.describe("loggers of another broker", LOGGER, "77")
    c.describe("loggers of no number", LOGGER, "abc")
    c.describe("root", LOGGER, me, ["root"])


def main():
    c = Client(sys.argv[1])
    me = sys.argv[2]
    topics(c)
    brokers(c, me)
    loggers(c, me)
    c.call(DELETE_TOPICS, 3, array([text("cfg"), text("cfg2")]) + struct.pack(">i", 10000))


if __name__ == "__main__":
    main()
