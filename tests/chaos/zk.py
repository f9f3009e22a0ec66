"""zk.py: as much of ZooKeeper's protocol as a test needs to look at znodes and to see them change: get, ls, watches. Standard library only.

It knows nothing of Barnabas, so it serves as well beside Apache Kafka, and a watch tells within a fraction of a millisecond.
"""
import json
import queue
import socket
import struct
import threading
import time

GET_DATA, GET_CHILDREN, PING, CLOSE = 4, 8, 11, -11
WATCH_XID, PING_XID = -1, -2
NO_NODE = -101


def text(value):
    data = value.encode()
    return struct.pack(">i", len(data)) + data


class Stat:
    """What a znode's Stat says; times are milliseconds of the server's wall clock."""

    def __init__(self, raw):
        (self.czxid, self.mzxid, self.ctime, self.mtime, self.version, self.cversion, self.aversion, self.owner, _, _,
         self.pzxid) = struct.unpack(">qqqqiiiqiiq", raw)


class ZooKeeper:
    """One session. Calls are made by any thread; callbacks run on the reading thread and must not wait."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), 10)
        self.socket.settimeout(None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lock = threading.Lock()
        self.xid, self.waiting, self.watches = 0, {}, {}
        self.send(struct.pack(">iqiqi", 0, 0, 60000, 0, 16) + bytes(16))
        self.receive()  # the server's answer to the connect request
        threading.Thread(target=self.read, daemon=True).start()
        threading.Thread(target=self.ping, daemon=True).start()

    def send(self, body):
        self.socket.sendall(struct.pack(">i", len(body)) + body)

    def receive(self):
        frame = bytearray()
        need = 4
        while len(frame) < need:
            part = self.socket.recv(need - len(frame))
            if not part:
                raise ConnectionError("ZooKeeper closed the connection")
            frame += part
            if len(frame) == 4 and need == 4:
                need = 4 + struct.unpack(">i", frame)[0]
        return bytes(frame[4:])

    def ping(self):
        pause = time.sleep  # a session lives on being heard of
        while True:
            pause(5)
            try:
                with self.lock:
                    self.send(struct.pack(">ii", PING_XID, PING))
            except OSError:
                return

    def read(self):
        try:
            while True:
                frame = self.receive()
                now = time.monotonic_ns()
                xid, _, error = struct.unpack_from(">iqi", frame)
                if xid == WATCH_XID:
                    length, = struct.unpack_from(">i", frame, 24)
                    path = frame[28:28 + length].decode()
                    with self.lock:
                        told = self.watches.pop(path, [])
                    for callback in told:
                        callback(path, now)
                elif xid != PING_XID:
                    with self.lock:
                        callback = self.waiting.pop(xid)
                    callback(error, frame[16:])
        except (OSError, ConnectionError):
            with self.lock:
                waiting, self.waiting = self.waiting, {}
            for callback in waiting.values():
                callback(-4, b"")

    def ask(self, kind, path, watch, callback):
        """watch(path, ns) is called once, when the znode changes."""
        with self.lock:
            self.xid += 1
            self.waiting[self.xid] = callback
            if watch:
                self.watches.setdefault(path, []).append(watch)
            self.send(struct.pack(">ii", self.xid, kind) + text(path) + (b"\1" if watch else b"\0"))

    def wait(self, kind, path):
        answers = queue.Queue()
        self.ask(kind, path, None, lambda error, body: answers.put((error, body)))
        error, body = answers.get(timeout=30)
        if error not in (0, NO_NODE):
            raise ConnectionError(f"ZooKeeper answered {error} for {path}")
        return None if error else body

    @staticmethod
    def data(body):
        length, = struct.unpack_from(">i", body)
        end = 4 + max(length, 0)
        return body[4:end].decode(), Stat(body[end:end + 68])

    def get(self, path):
        """(data, Stat), or None when there is no such znode."""
        body = self.wait(GET_DATA, path)
        return None if body is None else self.data(body)

    def json(self, path):
        found = self.get(path)
        return None if found is None else json.loads(found[0])

    def ls(self, path):
        body = self.wait(GET_CHILDREN, path)
        names = []
        if body is not None:
            count, = struct.unpack_from(">i", body)
            at = 4
            for _ in range(count):
                length, = struct.unpack_from(">i", body, at)
                names.append(body[at + 4:at + 4 + length].decode())
                at += 4 + length
        return sorted(names)

    def close(self):
        self.socket.close()


class StateLog:
    """Every state of a topic's partitions, as it is committed: .of[partition] is a list of (ns, state, mtime in ms), oldest first. Two changes
    within one round trip show as the later one."""

    def __init__(self, zookeeper, topic, partitions):
        self.zk, self.topic, self.changed = zookeeper, topic, threading.Condition()
        self.of = {p: [] for p in range(partitions)}
        for p in self.of:
            self.look(p, time.monotonic_ns())

    def look(self, p, ns):
        def answered(error, body):
            if error:
                return
            data, stat = self.zk.data(body)
            with self.changed:
                log = self.of[p]
                if not log or log[-1][3] != stat.version:
                    log.append((ns, json.loads(data), stat.mtime, stat.version))
                    self.changed.notify_all()
        self.zk.ask(GET_DATA, f"/brokers/topics/{self.topic}/partitions/{p}/state", lambda path, at: self.look(p, at), answered)

    def now(self, p):
        with self.changed:
            return self.of[p][-1][1] if self.of[p] else None

    def first(self, p, since_ns, condition, seconds):
        """The first (ns, state, mtime) committed after since_ns of which condition(state) is true."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                for ns, state, mtime, _ in self.of[p]:
                    if ns >= since_ns and condition(state):
                        return ns, state, mtime
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"waited {seconds} s for a state of {self.topic}-{p}: {self.of[p][-1:]}")
                self.changed.wait(left)
