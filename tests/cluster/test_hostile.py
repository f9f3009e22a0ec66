"""test_hostile.py: bytes that are no Kafka request get a closed connection and one clear line; the broker goes on."""
import socket
import struct

from harness import wait_for

CLUSTER = {"brokers": 1, "controllers": 1}

HELLOS = {
    "size 0": struct.pack(">i", 0),
    "size -1": struct.pack(">i", -1),
    "size 2^31-1": struct.pack(">i", 2**31 - 1),
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "tls": bytes.fromhex("1603010200010001fc0303") + bytes(64),
    "an unknown api": struct.pack(">ihhih", 10, 9999, 0, 1, -1),
    "half a header": struct.pack(">ih", 2, 3),
}


def test_closed_with_one_line(cluster):
    for name, data in HELLOS.items():
        before = cluster.log_text("broker-0").count("\n")
        with socket.create_connection(("127.0.0.1", cluster.port), 10) as s:
            s.settimeout(10)
            s.sendall(data)
            assert s.recv(1) == b"", f"{name}: the connection must be closed"
        wait_for(lambda: cluster.log_text("broker-0").count("\n") > before, 5, f"a line about {name}")  # noqa: B023
        told = cluster.log_text("broker-0").split("\n")[before:]
        assert len([line for line in told if "127.0.0.1" in line]) == 1, f"{name}: {told}"
    assert cluster.alive("broker-0")
    assert "brokers:" in cluster.run("kcat", "-L", "-b", cluster.bootstrap).stdout


def test_announced_frames_cost_nothing(cluster):
    """200 connections that announce 90 MB each and send a little: no memory is taken for what did not come."""
    held = []
    for _ in range(200):
        s = socket.create_connection(("127.0.0.1", cluster.port), 10)
        s.sendall(struct.pack(">ihhi", 90_000_000, 0, 9, 1) + bytes(1000))
        held.append(s)
    cluster.topic("still-served", 1)
    with open(f"/proc/{cluster.pid('broker-0')}/status", encoding="ascii") as status:
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    for s in held:
        s.close()
    assert resident < 600_000, f"{resident} KiB resident"


def call(cluster, api, version, body, client_id=b"hostile"):
    """The answer's body; a frame that costs the broker its life fails here."""
    frame = struct.pack(">hhih", api, version, 1, len(client_id)) + client_id + body
    with socket.create_connection(("127.0.0.1", cluster.port), 10) as s:
        s.settimeout(30)
        s.sendall(struct.pack(">i", len(frame)) + frame)
        stream = s.makefile("rb")
        return stream.read(struct.unpack(">i", stream.read(4))[0])[4:]


def text(b):
    return struct.pack(">h", -1) if b is None else struct.pack(">h", len(b)) + b


def test_names_as_long_as_they_can_be(cluster):
    """What is made of a name, an id or a message, is longer than the name: it still fits into the answer."""
    name = b"n" * 32767
    one = struct.pack(">i", 1)
    assert len(call(cluster, 10, 0, text(b"g"))) > 0  # makes __consumer_offsets
    join = text(b"g") + struct.pack(">ii", 10000, 10000) + text(b"") + text(b"consumer") + one + text(b"range") + struct.pack(">i", 0)
    wait_for(lambda: struct.unpack_from(">h", call(cluster, 11, 3, join, name), 4)[0] == 0, 30, "a member with a long id")
    answer = call(cluster, 44, 0, one + b"\2" + text(b"t") + one + text(name) + b"\0" + text(None) + b"\0")
    assert struct.unpack_from(">h", answer, 8)[0] == 42, answer[:100]
    topic = text(b"t") + struct.pack(">ihi", 1, 1, 0) + one + text(name) + text(None)
    answer = call(cluster, 19, 4, one + topic + struct.pack(">i?", 5000, True))
    assert struct.unpack_from(">h", answer, 11)[0] == 40, answer[:100]
    assert cluster.alive("broker-0") and cluster.alive("controller-0")
