"""java.py: members made of Apache Kafka's own tools, whose jars are no part of this repository: VerifiableConsumer, which says in JSON what happens to
it, ConsoleConsumer and ConsumerPerformance, of which the log of Kafka's consumer tells the same; and ConsumerGroupCommand, asked from outside.
"""
import calendar
import json
import pathlib
import re
import signal
import subprocess
import time

from kinds import Member
from story import Event

LOG4J = """log4j.rootLogger=WARN, S
log4j.appender.S=org.apache.log4j.ConsoleAppender
log4j.appender.S.target=System.err
log4j.appender.S.layout=org.apache.log4j.PatternLayout
log4j.appender.S.layout.ConversionPattern=# %d{yyyy-MM-dd HH:mm:ss,SSS} %m%n
log4j.logger.org.apache.kafka.clients.consumer.internals=INFO
"""
ASSIGNORS = {"range": "RangeAssignor", "roundrobin": "RoundRobinAssignor", "sticky": "StickyAssignor", "cooperative-sticky": "CooperativeStickyAssignor"}
STAMP = re.compile(r"# (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) \[[^\]]*\] (.*)")
TURN = re.compile(r"(Adding newly assigned partitions: |Revoke previously assigned partitions |Lost previously assigned partitions )(.*)")
WORDS = {"Add": "assigned", "Rev": "revoked", "Los": "lost"}


def java(settings, main):
    log4j = pathlib.Path(settings.directory, "members.log4j")
    if not log4j.exists():
        log4j.write_text(LOG4J)
    return ["java", "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Duser.timezone=UTC", f"-Dlog4j.configuration=file:{log4j}",
            "-cp", f"{settings.libs}/*", main]


def properties(settings):
    return {"partition.assignment.strategy": "org.apache.kafka.clients.consumer." + ASSIGNORS[settings.strategy],
            "heartbeat.interval.ms": settings.heartbeat_ms, "session.timeout.ms": settings.session_ms, "max.poll.interval.ms": settings.max_poll_ms,
            "auto.offset.reset": "earliest", "auto.commit.interval.ms": 300}


def config(settings):
    path = pathlib.Path(settings.directory, f"{settings.group}.properties")
    if not path.exists():
        path.write_text("".join(f"{k}={v}\n" for k, v in properties(settings).items()))
    return str(path)


class Logged(Member):
    """What the log of Kafka's consumer says: when it got its member id, which generation it joined, which partitions came and went."""

    strategies = tuple(ASSIGNORS)
    leaves_by, log_apart = signal.SIGTERM, True
    generation, begun = -1, False

    def understand(self, at, line):
        stamped = STAMP.match(line)
        if not stamped:
            self.record(at, line)
            return
        at = calendar.timegm(time.strptime(stamped.group(1), "%Y-%m-%d %H:%M:%S")) * 1000.0 + int(stamped.group(2))
        text = stamped.group(3)
        turn = TURN.match(text)
        joined = re.match(r"Successfully joined group with generation Generation\{generationId=(\d+)", text)
        if turn:
            partitions = tuple(int(n) for n in re.findall(r"-(\d+)(?:, |$)", turn.group(2)))
            self.story.told(Event(at, self.id, WORDS[turn.group(1)[:3]], self.generation, partitions))
        elif joined:
            self.generation = int(joined.group(1))
        elif "need to re-join with the given member-id" in text and not self.begun:
            # Its first request alone can take a busy machine seconds, of loading classes: it counts from when the group has heard of it.
            self.begun = True
            self.story.told(Event(at, self.id, "started"))

    def record(self, at, line):
        """A line that is not of the log."""


class Console(Logged):
    def command(self):
        s = self.settings
        return [*java(s, "org.apache.kafka.tools.consumer.ConsoleConsumer"), "--bootstrap-server", s.bootstrap, "--topic", s.topic, "--group",
                s.group, "--consumer.config", config(s), "--property", "print.partition=true", "--property", "print.offset=true", "--property",
                "print.value=false", "--from-beginning"]

    def record(self, at, line):
        found = re.match(r"Partition:(\d+)\tOffset:(\d+)", line)
        if found:
            self.story.read(at, self.id, int(found.group(1)), int(found.group(2)), int(found.group(2)))


class Performance(Logged):
    """It only counts records, and dies of SIGTERM without a word to the group."""

    tells_reads, says_goodbye = False, False

    def command(self):
        s = self.settings
        return [*java(s, "org.apache.kafka.tools.ConsumerPerformance"), "--bootstrap-server", s.bootstrap, "--topic", s.topic, "--group", s.group,
                "--consumer.config", config(s), "--messages", str(1 << 40), "--timeout", "3600000"]


class Verifiable(Logged):
    """Its JSON is what counts; of the log, the generation and the start."""

    def command(self):
        s = self.settings
        return [*java(s, "org.apache.kafka.tools.VerifiableConsumer"), "--bootstrap-server", s.bootstrap, "--topic", s.topic, "--group-id", s.group,
                "--session-timeout", str(s.session_ms), "--assignment-strategy", properties(s)["partition.assignment.strategy"],
                "--consumer.config", config(s)]

    def understand(self, at, line):
        if not line.startswith("{"):
            if not TURN.search(line):
                super().understand(at, line)
            return
        said = json.loads(line)
        at, name = float(said["timestamp"]), said["name"]
        if name in ("partitions_assigned", "partitions_revoked"):
            self.story.told(Event(at, self.id, name.split("_")[1], self.generation, tuple(p["partition"] for p in said["partitions"])))
        elif name == "records_consumed":
            for p in said["partitions"]:
                if p["count"]:
                    self.story.read(at, self.id, p["partition"], p["minOffset"], p["maxOffset"])
        elif name == "offsets_committed" and not said["success"]:
            self.story.note(self.id, f"commit failed: {said.get('error')}")


def group_command(settings, *more):
    """Kafka's own ConsumerGroupCommand --describe; rows as lists of words, without the heading."""
    done = subprocess.run([*java(settings, "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"), "--bootstrap-server", settings.bootstrap,
                           "--describe", "--group", settings.group, "--timeout", "60000", *more], capture_output=True, text=True, timeout=180, check=True)
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(settings.group + " ")]
    assert rows, f"ConsumerGroupCommand said nothing: {done.stdout}{done.stderr}"
    return rows
