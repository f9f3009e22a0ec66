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
