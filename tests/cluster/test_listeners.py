"""test_listeners.py: several listeners by name, IPv4 and IPv6, and what clients are told of each; changed by a restart."""
import json
import re

from harness import free_ports, wait_for

CLUSTER = {"brokers": 1, "controllers": 1}


def restart(cluster, **settings):
    cluster.stop()
    cluster.overrides = [f"{key.replace('_', '.')}={value}" for key, value in settings.items()]
    cluster.start()
    wait_for(lambda: cluster.zk_children("/brokers/ids") == ["0"], 30, "the broker")


def told(cluster, server):
    """What the broker at server says where it is."""
    out = cluster.run("kcat", "-b", server, "-L", timeout=20).stdout
    return re.search(r"broker 0 at (\S+)", out).group(1)


def test_names_families_and_advertised(cluster):
    first = free_ports(3)
    plain, inside, any_address, six = cluster.port, first, first + 1, first + 2
    restart(cluster,
            listeners=f"PLAINTEXT://127.0.0.1:{plain},INSIDE://[::1]:{inside},ANY://:{any_address},SIX://[::]:{six}",
            listener_security_protocol_map="PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT,ANY:PLAINTEXT,SIX:PLAINTEXT",
            inter_broker_listener_name="INSIDE",
            advertised_listeners=f"PLAINTEXT://localhost:{plain},INSIDE://[::1]:{inside},ANY://127.0.0.1:{any_address},SIX://[::1]:{six}",
            broker_rack="r1")
    assert told(cluster, f"127.0.0.1:{plain}") == f"localhost:{plain}"
    assert told(cluster, f"[::1]:{inside}") == f"::1:{inside}"
    for host in ("127.0.0.1", "[::1]"):
        assert told(cluster, f"{host}:{any_address}") == f"127.0.0.1:{any_address}"
        assert told(cluster, f"{host}:{six}") == f"::1:{six}"
    node = json.loads(cluster.zk("/brokers/ids/0"))
    assert node["endpoints"] == [f"PLAINTEXT://localhost:{plain}", f"INSIDE://[::1]:{inside}", f"ANY://127.0.0.1:{any_address}",
                                 f"SIX://[::1]:{six}"], node
    assert node["listener_security_protocol_map"] == {name: "PLAINTEXT" for name in ("PLAINTEXT", "INSIDE", "ANY", "SIX")}
    assert node["rack"] == "r1" and node["host"] == "localhost" and node["port"] == plain
    cluster.run("kafka-topics.sh", "--bootstrap-server", f"[::1]:{six}", "--create", "--topic", "six")
    cluster.run("kcat", "-P", "-b", f"[::1]:{inside}", "-t", "six", stdin="through six\n")
    out = cluster.run("kcat", "-C", "-b", f"127.0.0.1:{any_address}", "-t", "six", "-e", "-q").stdout
    assert out == "through six\n", out


def test_advertised_changes_with_a_restart(cluster):
    plain = cluster.port
    for host in ("127.0.0.1", "localhost"):
        restart(cluster, listeners=f"PLAINTEXT://127.0.0.1:{plain}", listener_security_protocol_map="PLAINTEXT:PLAINTEXT",
                inter_broker_listener_name="PLAINTEXT", advertised_listeners=f"PLAINTEXT://{host}:{plain}")
        assert told(cluster, f"127.0.0.1:{plain}") == f"{host}:{plain}"
        assert json.loads(cluster.zk("/brokers/ids/0"))["endpoints"] == [f"PLAINTEXT://{host}:{plain}"]


def test_refused_at_the_start(cluster):
    """Each with the key and the remedy, and without a start."""
    cases = {
        f"listeners=PLAINTEXT://127.0.0.1:{cluster.port},OTHER://127.0.0.1:{cluster.port}": "OTHER",
        "listeners=SSL://127.0.0.1:0": "PLAINTEXT",
        "advertised.listeners=PLAINTEXT://0.0.0.0:9092": "0.0.0.0 cannot be advertised",
        "advertised.listeners=ELSEWHERE://127.0.0.1:9092": "ELSEWHERE",
        "inter.broker.listener.name=NOWHERE": "NOWHERE",
    }
    for override, says in cases.items():
        done = cluster.run("barnabas-broker", f"{cluster.dir}/config/broker-0.properties", "--override",
                           "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT,SSL:SSL", "--override", override, check=False)
        assert done.returncode != 0 and says in done.stdout + done.stderr, (override, done.returncode, done.stdout, done.stderr)
