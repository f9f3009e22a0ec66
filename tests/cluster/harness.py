"""harness.py: a real cluster (ZooKeeper, controllers, brokers) on loopback, on ports it picks, in a temporary directory, stopped by pid.

Standard library only. Waits are for events: the programs' own waits, or a condition polled against a deadline.
"""
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parent.parent.parent


def free_ports(count):
    """A run of free ports, so that broker i can be on the first + i. They lie below those that the kernel gives to outgoing connections: one of
    those could sit on the port of a broker that is being restarted. BARNABAS_TEST_PORTS=FIRST-LAST chooses others."""
    ephemeral = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    first, last = (int(n) for n in os.environ.get("BARNABAS_TEST_PORTS", f"{ephemeral // 2}-{ephemeral - 1}").split("-"))
    while True:
        base = random.randint(first, last - count + 1)
        held = []
        try:
            for i in range(count):
                s = socket.socket()
                held.append(s)
                s.bind(("127.0.0.1", base + i))
            return base
        except OSError:
            continue
        finally:
            for s in held:
                s.close()


def wait_for(condition, seconds=30, what="a condition"):
    """Polls condition() until it gives something true; that is returned."""
    deadline = time.monotonic() + seconds
    pause = time.sleep  # between looks at another process's state, which gives no event to wait for
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}")
        pause(0.05)


class Cluster:
    def __init__(self, build, brokers=3, controllers=2, overrides=()):
        self.build = self.tools = str(build)
        self.brokers, self.controllers = brokers, controllers
        self.dir = tempfile.mkdtemp(prefix="barnabas-cluster-")
        base = free_ports(brokers + 1)
        self.port, self.zookeeper_port = base + 1, base
        self.overrides = list(overrides)
        self.env = dict(os.environ, BARNABAS_BUILD=self.build)
        self.env.setdefault("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1")

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{self.port + i}" for i in range(self.brokers))

    @property
    def zookeeper(self):
        return f"127.0.0.1:{self.zookeeper_port}"

    def start(self):
        command = [str(TREE / "deploy/cluster-start.sh"), "--dir", self.dir, "--brokers", str(self.brokers), "--controllers",
                   str(self.controllers), "--port", str(self.port), "--zookeeper-port", str(self.zookeeper_port)]
        for pair in self.overrides:
            command += ["--override", pair]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=180)
        if done.returncode != 0:
            raise AssertionError(f"cluster-start.sh failed:\n{done.stdout}{done.stderr}{self.last_words()}")
        return done.stdout

    def stop(self):
        done = subprocess.run([str(TREE / "deploy/cluster-stop.sh"), "--dir", self.dir], env=self.env, capture_output=True, text=True,
                              timeout=180)
        if done.returncode != 0:
            raise AssertionError(f"cluster-stop.sh failed:\n{done.stdout}{done.stderr}{self.last_words()}")

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def last_words(self):
        words = []
        for out in sorted(pathlib.Path(self.dir, "logs").glob("*.out")):
            words.append(f"--- {out.name}\n" + "\n".join(out.read_text(errors="replace").splitlines()[-15:]))
        return "\n".join(words)

    def pid(self, name):
        path = pathlib.Path(self.dir, "run", name + ".pid")
        return int(path.read_text()) if path.exists() else None

    def alive(self, name):
        pid = self.pid(name)
        return pid is not None and pathlib.Path(f"/proc/{pid}").exists()

    def kill(self, name, signum=signal.SIGKILL):
        """Sends the signal and waits for the end."""
        pid = self.pid(name)
        os.kill(pid, signum)
        wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists() or
                 "State:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text(), 60, f"the end of {name}")

    def freeze(self, name):
        """SIGSTOP, and waits until each thread stands: on a busy machine some run on for a while. SIGCONT is the caller's; gives the pid."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: all(t.read_text().rsplit(")", 1)[1].split()[0] == "T" for t in pathlib.Path(f"/proc/{pid}/task").glob("*/stat")), 30,
                 f"{name} to stand")
        return pid

    def restart_broker(self, broker, *overrides):
        """A clean stop, and a start with settings of its own."""
        name = f"broker-{broker}"
        self.kill(name, signal.SIGTERM)
        out = open(pathlib.Path(self.dir, "logs", name + ".out"), "ab")
        command = [str(pathlib.Path(self.build, "barnabas-broker")), f"{self.dir}/config/{name}.properties"]
        for pair in overrides:
            command += ["--override", pair]
        with out:
            started = subprocess.Popen(command, env=dict(self.env, LOG_DIR=f"{self.dir}/logs/{name}"), stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=out, start_new_session=True)
        pathlib.Path(self.dir, "run", name + ".pid").write_text(f"{started.pid}\n")
        self.run("barnabas", "wait", "--bootstrap-server", f"127.0.0.1:{self.port + broker}", "--brokers", str(self.brokers), "--timeout", "60")

    def active_controller(self, zookeeper):
        """The name of its process; zookeeper: a client with json(path)."""
        return f"controller-{zookeeper.json('/controller')['brokerid']}"

    def log_text(self, name):
        return pathlib.Path(self.dir, "logs", name + ".out").read_text(errors="replace")

    def run(self, *command, stdin=None, timeout=120, check=True):
        """A program of the build, by name, or any other command; gives the finished process."""
        own = pathlib.Path(self.build, command[0])
        script = TREE / "deploy/bin" / command[0]
        first = str(own) if own.exists() else str(script) if script.exists() else command[0]
        done = subprocess.run([first, *command[1:]], input=stdin, env=self.env, capture_output=True, timeout=timeout,
                              text=not isinstance(stdin, bytes))
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)} gave {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def topic(self, name, partitions=3, replication=1, *more):
        return self.run("kafka-topics.sh", "--bootstrap-server", self.bootstrap, "--create", "--topic", name, "--partitions",
                        str(partitions), "--replication-factor", str(replication), *more)

    def zk(self, path):
        return self.run("barnabas", "zk", "get", "--zookeeper", self.zookeeper, path).stdout.strip()

    def zk_children(self, path):
        return self.run("barnabas", "zk", "ls", "--zookeeper", self.zookeeper, path).stdout.split()

    def partition_dirs(self, topic):
        return sorted(pathlib.Path(self.dir, "data").glob(f"broker-*/{topic}-*"))


def batches(log_dirs):
    """Every record batch of these partition directories, as (codec, record count), read off the files' bytes."""
    found = []
    for directory in log_dirs:
        for path in sorted(directory.glob("*.log")):
            data, at = path.read_bytes(), 0
            while at + 61 <= len(data):
                length = int.from_bytes(data[at + 8:at + 12], "big")
                if length == 0:
                    break
                attributes = int.from_bytes(data[at + 21:at + 23], "big")
                found.append((attributes & 7, int.from_bytes(data[at + 57:at + 61], "big")))
                at += 12 + length
    return found
