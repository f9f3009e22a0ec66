"""apache.py: a cluster of Apache Kafka (ZooKeeper mode) with the same doors as harness.Cluster, so that the same rounds run against both. It needs
Kafka's jars, which are no part of this repository.
"""
import os
import pathlib
import signal
import subprocess

import load  # noqa: F401 - brings the harness's path
import harness
from zk import ZooKeeper

LOG4J = """log4j.rootLogger=INFO, F
log4j.appender.F=org.apache.log4j.ConsoleAppender
log4j.appender.F.layout=org.apache.log4j.PatternLayout
log4j.appender.F.layout.ConversionPattern=[%d] %p %m (%c)%n
log4j.logger.org.apache.zookeeper=WARN
"""


class Kafka(harness.Cluster):
    def __init__(self, libs, tools, brokers=3, overrides=()):
        super().__init__(tools, brokers, 0, overrides)
        self.libs, self.tools, self.processes = libs, tools, {}
        for name in ("run", "config", "logs", "data/zookeeper"):
            pathlib.Path(self.dir, name).mkdir(parents=True)
        pathlib.Path(self.dir, "config/log4j.properties").write_text(LOG4J)

    def alive(self, name):
        process = self.processes.get(name)
        return process is not None and process.poll() is None

    def pid(self, name):
        return self.processes[name].pid

    def active_controller(self, zookeeper):
        return f"broker-{zookeeper.json('/controller')['brokerid']}"

    def launch(self, name, command, config):
        path = pathlib.Path(self.dir, "config", name + ".properties")
        path.write_text(config)
        with open(pathlib.Path(self.dir, "logs", name + ".out"), "a", encoding="utf-8") as out:
            self.processes[name] = subprocess.Popen([*command, str(path)], stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                                    start_new_session=True)

    def start(self):
        if not self.alive("zookeeper"):
            self.launch("zookeeper", [str(harness.TREE / "deploy/bin/zookeeper-server-start.sh")], f"""dataDir={self.dir}/data/zookeeper
clientPort={self.zookeeper_port}
clientPortAddress=127.0.0.1
tickTime=1000
minSessionTimeout=6000
maxSessionTimeout=60000
maxClientCnxns=0
""")
            self.run("barnabas", "wait", "--zookeeper", self.zookeeper, "--timeout", "30")
        zookeeper = ZooKeeper(self.zookeeper)
        for i in range(self.brokers):
            if not self.alive(f"broker-{i}"):
                # Kafka refuses to start while the znode of the process before is there.
                harness.wait_for(lambda i=i: str(i) not in zookeeper.ls("/brokers/ids"), 60, "the old session's end")
                self.start_broker(i)
            if i == 0:
                harness.wait_for(lambda: zookeeper.get("/controller"), 60, "the first broker, so that it is the controller")
        wanted = sorted(str(i) for i in range(self.brokers))
        harness.wait_for(lambda: zookeeper.ls("/brokers/ids") == wanted, 90, "brokers")
        zookeeper.close()

    def start_broker(self, i):
        java = ["java", *os.environ.get("KAFKA_HEAP_OPTS", "-Xmx256m").split(), "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-Djava.awt.headless=true",
                f"-Dlog4j.configuration=file:{self.dir}/config/log4j.properties", "-cp", f"{self.libs}/*", "kafka.Kafka"]
        self.launch(f"broker-{i}", java, f"broker.id={i}\nlisteners=PLAINTEXT://127.0.0.1:{self.port + i}\nlog.dirs={self.dir}/data/broker-{i}\n"
                    f"zookeeper.connect={self.zookeeper}\n" + "".join(pair + "\n" for pair in self.overrides))

    def stop(self):
        for kind in ("broker-", "zookeeper"):
            running = [p for name, p in self.processes.items() if name.startswith(kind) and p.poll() is None]
            for process in running:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
            for process in running:
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
