"""kinds.py: a member of a group, whatever client it is made of: how it is started, how its words are understood, how it is made to leave, to stall, to
freeze or to die. Those of Java are in java.py.
"""
import pathlib
import re
import signal
import subprocess
import threading

from story import Event, now_ms

HERE = pathlib.Path(__file__).resolve().parent


def numbers(text):
    return tuple(int(n) for n in text.split(",")) if text != "-" else ()


class Member:
    """One process; its lines become events of the story on a thread of their own. `settings` has what a group's members have in common."""

    can_stall = False      # it obeys "stall" and "resume"
    tells_reads = True     # it says which records it read
    says_started = True    # its joining counts from that line, else from its start
    leaves_by = "leave"    # a line on standard input, or a signal
    says_goodbye = True    # it leaves the group when it is told to end
    log_apart = False      # its log goes by standard error, and the two would mix within a line
    swallows = False       # told to end, it may take one record more, commit it and not print it
    strategies = ()

    def __init__(self, ident, settings, story):
        self.id, self.settings, self.story, self.state = ident, settings, story, "live"
        self.log = open(pathlib.Path(settings.directory, f"{settings.group}.{ident}.out"), "w", encoding="utf-8")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE if self.log_apart else subprocess.STDOUT, cwd=settings.directory, env=settings.env)
        pipes = [self.process.stdout] + [self.process.stderr] * self.log_apart
        self.threads = [threading.Thread(target=self.listen, args=(pipe,), daemon=True) for pipe in pipes]
        for thread in self.threads:
            thread.start()

    def command(self):
        raise NotImplementedError

    def listen(self, pipe):
        for raw in pipe:
            at, line = now_ms(), raw.decode(errors="replace").rstrip("\n")
            if line.startswith("% Reached end of"):
                continue
            self.log.write(f"{at:.3f} | {line}\n")
            try:
                self.understand(at, line)
            except (ValueError, IndexError, KeyError, TypeError):
                self.story.note(self.id, line)
        if pipe is self.process.stdout:
            self.story.told(Event(now_ms(), self.id, "left"))

    def understand(self, at, line):
        """The language of member.c, member.py, member.js and the members in go/; at is not needed, since they say the time themselves."""
        words = line.split(" ")
        at, what = float(words[0]), words[1]
        if what == "read":
            self.story.read(at, self.id, int(words[2]), int(words[3]), int(words[4]))
        elif what in ("assigned", "revoked", "lost"):
            self.story.told(Event(at, self.id, what, int(words[2]), numbers(words[3])))
        elif what == "commit":
            self.story.told(Event(at, self.id, what, word=words[2]))
        elif what in ("started", "stalled", "left"):
            self.story.told(Event(at, self.id, what))
        else:
            raise ValueError(line)

    def type(self, word):
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()

    def leave(self):
        if self.leaves_by == "leave":
            self.type("leave")
        else:
            self.process.send_signal(self.leaves_by)
        self.state = "gone"

    def kill(self):
        self.process.kill()
        self.state = "gone"

    def stall(self):
        self.type("stall")
        self.state = "asleep"

    def resume(self):
        self.type("resume")
        self.state = "live"

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)
        self.state = "asleep"

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)
        self.state = "live"

    def ended(self, seconds):
        self.process.wait(seconds)
        for thread in self.threads:
            thread.join(seconds)
        self.log.close()


class Rdkafka(Member):
    can_stall = True
    strategies = ("range", "roundrobin", "cooperative-sticky")

    def command(self):
        s = self.settings
        return [str(pathlib.Path(s.build, "tests/members/member")), "-b", s.bootstrap, "-g", s.group, "-t", s.topic, "-a", s.strategy, "-s",
                str(s.session_ms), "-h", str(s.heartbeat_ms), "-m", str(s.max_poll_ms), "-X", f"client.id={self.id}"]


class Python(Member):
    """Its "sticky" of 2.0.2 ends the program at the second join: it cannot write what it remembers."""

    can_stall = True
    strategies = ("range", "roundrobin")

    def command(self):
        s = self.settings
        return ["/usr/bin/python3", str(HERE / "member.py"), s.bootstrap, s.group, s.topic, s.strategy, str(s.session_ms), str(s.heartbeat_ms),
                str(s.max_poll_ms)]


class Kafkajs(Member):
    """Its stalls are not those of max.poll.interval.ms, which it has not: it is frozen instead."""

    strategies = ("roundrobin",)

    def command(self):
        s = self.settings
        return ["node", str(HERE / "member.js"), str(pathlib.Path(s.kafkajs, "node_modules")), s.bootstrap, s.group, s.topic,
                str(s.session_ms), str(s.heartbeat_ms), str(s.max_poll_ms)]


class Franz(Member):
    """Its group lives on while nobody polls, as kafkajs's does."""

    strategies = ("range", "roundrobin", "sticky", "cooperative-sticky")
    client = "franz"

    def command(self):
        s = self.settings
        return [str(pathlib.Path(s.go, "member")), self.client, s.bootstrap, s.group, s.topic, s.strategy, str(s.session_ms), str(s.heartbeat_ms),
                str(s.max_poll_ms)]


class Sarama(Franz):
    client = "sarama"


class Kcat(Member):
    """Says no generation and no time: its lines count from when they are read."""

    strategies = ("range", "roundrobin", "cooperative-sticky")
    says_started = False
    leaves_by = signal.SIGTERM
    swallows = True
    turn = re.compile(r"% Group \S+ rebalanced(?:: incremental (assignment|revoke) of \d+ partition\(s\))? \(memberid [^)]*\): (?:(assigned|revoked): ?)?(.*)")
    names = {"assignment": "assigned", "revoke": "revoked"}

    def command(self):
        s = self.settings
        properties = {"partition.assignment.strategy": s.strategy, "session.timeout.ms": s.session_ms, "heartbeat.interval.ms": s.heartbeat_ms,
                      "max.poll.interval.ms": s.max_poll_ms, "auto.offset.reset": "earliest", "auto.commit.interval.ms": 300,
                      "client.id": self.id}
        return ["kcat", "-b", s.bootstrap, "-u", "-f", "read %p %o\n", *(w for k, v in properties.items() for w in ("-X", f"{k}={v}")), "-G",
                s.group, s.topic]

    def understand(self, at, line):
        if line.startswith("read "):
            _, partition, offset = line.split(" ")
            self.story.read(at, self.id, int(partition), int(offset), int(offset))
        elif self.turn.match(line):
            incremental, eager, partitions = self.turn.match(line).groups()
            self.story.told(Event(at, self.id, eager or self.names[incremental], -1, tuple(int(n) for n in re.findall(r"\[(\d+)\]", partitions))))
        elif not line.startswith("% Waiting for group"):
            raise ValueError(line)
