"""admin.py: topics made and removed over Kafka's protocol, by whichever broker takes the call. Standard library only: the admin clients at hand
wait for a controller that has died, and a test wants to know when the next one serves.
"""
import socket
import struct
import time

METADATA, CREATE_TOPICS, DELETE_TOPICS = (3, 1), (19, 2), (20, 1)
UNKNOWN_TOPIC, TIMED_OUT, ALREADY_EXISTS, NOT_CONTROLLER = 3, 7, 36, 41


def text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, kind):
        value, = struct.unpack_from(">" + kind, self.data, self.at)
        self.at += struct.calcsize(">" + kind)
        return value

    def string(self):
        length = max(self.number("h"), 0)
        self.at += length
        return self.data[self.at - length:self.at].decode()


class Admin:
    """One connection, kept while it works. Not for several threads."""

    def __init__(self, cluster):
        self.addresses = [address.rsplit(":", 1) for address in cluster.bootstrap.split(",")]
        self.next, self.socket, self.correlation = 0, None, 0

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def connect(self, host, port):
        self.close()
        self.socket = socket.create_connection((host, int(port)), 5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, api, body, seconds):
        if not self.socket:
            self.next += 1
            self.connect(*self.addresses[self.next % len(self.addresses)])
        self.correlation += 1
        request = struct.pack(">hhi", *api, self.correlation) + text("chaos") + body
        self.socket.settimeout(seconds)
        self.socket.sendall(struct.pack(">i", len(request)) + request)
        length = struct.unpack(">i", self.exactly(4))[0]
        reader = Reader(self.exactly(length))
        assert reader.number("i") == self.correlation, "an answer to another request"
        return reader

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionError("closed")
            data += part
        return data

    def go_to_controller(self):
        """Kafka's brokers send an admin call away unless they are the controller; Barnabas's take it themselves."""
        reader = self.call(METADATA, array([]), 5)
        brokers = {}
        for _ in range(reader.number("i")):
            ident = reader.number("i")
            brokers[ident] = (reader.string(), reader.number("i"))
            reader.string()
        controller = reader.number("i")
        if controller in brokers:
            self.connect(*brokers[controller])

    def until(self, api, body, fine, seconds):
        """Asks until the one topic of the call is answered with no error, or one that says that an earlier try, whose answer was lost, went well."""
        deadline = time.monotonic() + seconds
        pause = time.sleep
        while True:
            try:
                reader = self.call(api, body, 30)
                reader.number("i"), reader.number("i"), reader.string()
                said = reader.number("h")
                if said in fine:
                    return
                if said == NOT_CONTROLLER:
                    self.go_to_controller()
            except OSError as e:
                said = e
                self.close()
            if time.monotonic() > deadline:
                raise AssertionError(f"an admin call failed for {seconds} s: {said!r}")
            pause(0.002)

    def create(self, name, partitions=1, replication=3, config=None, assignments=None, seconds=60):
        by_hand = [struct.pack(">i", p) + array([struct.pack(">i", b) for b in brokers]) for p, brokers in (assignments or {}).items()]
        counts = struct.pack(">ih", -1, -1) if assignments else struct.pack(">ih", partitions, replication)
        topic = text(name) + counts + array(by_hand) + array([text(k) + text(v) for k, v in (config or {}).items()])
        self.until(CREATE_TOPICS, array([topic]) + struct.pack(">ib", 25000, 0), {0, ALREADY_EXISTS}, seconds)

    def delete(self, name, seconds=60):
        self.until(DELETE_TOPICS, array([text(name)]) + struct.pack(">i", 25000), {0, UNKNOWN_TOPIC}, seconds)
