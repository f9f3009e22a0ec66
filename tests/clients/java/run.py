#!/usr/bin/python3
"""run.py: Java programs on a Barnabas cluster of three brokers of their own; README.md says what each does.

usage: run.py --libs DIR [--build DIR] [--kafka BOOTSTRAP] SUBJECT...     churn, index, letters or admin
"""
import argparse
import difflib
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parent.parent.parent
sys.path.insert(0, str(TREE / "tests/cluster"))
import harness  # noqa: E402

MAIN = {"churn": ("Churn", "60"), "index": ("Index", "6000"), "letters": ("Letters",), "admin": ("Admin",)}
KILLED = ("churn", "index")  # while these run, brokers are killed and come back


class Java:
    """A subject's program, compiled against the libraries."""

    def __init__(self, subject, libs, work):
        self.work, (self.main, *self.arguments) = work, MAIN[subject]
        self.path = f"{work}:{libs}/*"
        subprocess.run(["javac", "-parameters", "-proc:none", "-nowarn", "-cp", self.path, "-d", work, HERE / f"{self.main}.java"],
                       check=True)

    def start(self, bootstrap):
        command = ["java", "-Xmx512m", f"-Djava.io.tmpdir={self.work}", "-cp", self.path, self.main, bootstrap, *self.arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=open(f"{self.work}/{self.main}.err", "ab"), text=True)


def kill_in_turns(cluster, program):
    """Until the program ends: a broker is killed, the others go on for three seconds, it comes back and is in sync for five."""
    for turn in range(1000):
        name = f"broker-{turn % cluster.brokers}"
        cluster.kill(name)
        print(f"{name} killed", flush=True)
        if ended(program, 3):
            return
        cluster.start()
        if ended(program, 5):
            return


def ended(program, seconds):
    try:
        program.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        return False


def judge(subject, java, cluster):
    """The program's own judgement."""
    program = java.start(cluster.bootstrap)
    print(program.stdout.readline(), end="", flush=True)  # its topics are there: nothing is created while a broker is away
    if subject in KILLED:
        kill_in_turns(cluster, program)
    print(program.stdout.read(), end="")
    cluster.start()
    return program.wait() == 0


def compare(java, ours, theirs):
    """What the program prints of both must be the same, and something."""
    programs = [java.start(b) for b in (theirs, ours)]
    kafka, barnabas = (p.stdout.read().splitlines() for p in programs)
    differences = list(difflib.unified_diff(kafka, barnabas, "kafka", "barnabas", n=0, lineterm=""))
    print("\n".join([*differences, f"{len(barnabas)} lines, {'different' if differences else 'the same'}"]))
    return all(p.wait() == 0 for p in programs) and len(barnabas) > 20 and not differences


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--libs", required=True, type=pathlib.Path)
    options.add_argument("--build", default=TREE / "build")
    options.add_argument("--kafka", help="bootstrap servers of three Apache Kafka brokers, which `admin` is compared with")
    options.add_argument("subjects", nargs="+", choices=MAIN)
    o = options.parse_args()
    if "admin" in o.subjects and not o.kafka:
        options.error("admin needs --kafka")
    cluster = harness.Cluster(o.build, overrides=["default.replication.factor=3", "min.insync.replicas=2"])
    good = True
    with tempfile.TemporaryDirectory() as work:
        try:
            cluster.start()
            for subject in o.subjects:
                java = Java(subject, o.libs.resolve(), work)
                fine = compare(java, cluster.bootstrap, o.kafka) if subject == "admin" else judge(subject, java, cluster)
                if not fine:
                    print(pathlib.Path(work, f"{java.main}.err").read_text()[-5000:])
                print(f"== {subject}: {'passed' if fine else 'FAILED'}", flush=True)
                good &= fine
        finally:
            cluster.stop()
            cluster.remove()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
