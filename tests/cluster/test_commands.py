"""test_commands.py: docs/COMMANDS.md says what people type and what they see; here it is typed, and what is seen compared with the text."""
import os
import pathlib
import re
import resource
import subprocess

import harness

DOC = harness.TREE / "docs/COMMANDS.md"
PLACES = {"n": r"-?[0-9]+", "id": r"[\w-]{22}", "ids": r"[0-9]+(?:,[0-9]+)*", "text": r".*?"}
CALL_MS = 15
CLUSTER = {"overrides": ["group.initial.rebalance.delay.ms=0", "offsets.topic.num.partitions=3"]}


def examples(text):
    """Every (command, expected output) of the console blocks, in order."""
    for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, expected = part.partition("\n")
            yield command, expected


def pattern(expected):
    """The expected text as a regular expression: <n> and its like, and `...` for any lines."""
    out = ""
    for line in expected.splitlines(keepends=True):
        if line == "...\n":
            out += r"(?:.*\n)*?"
            continue
        out += "".join(PLACES[p[1:-1]] if p[1:-1] in PLACES and p.startswith("<") else re.escape(p)
                       for p in re.split(r"(<\w+>)", line))
    return out


def environment(cluster):
    return dict(cluster.env, PATH=f"{harness.TREE / 'deploy/bin'}:{cluster.build}:{os.environ['PATH']}", LC_ALL="C",
                TMPDIR=cluster.dir)


def here(cluster, command):
    """The command with the addresses of this cluster."""
    for i in range(cluster.brokers):
        command = command.replace(f"localhost:{9092 + i}", f"127.0.0.1:{cluster.port + i}")
    command = command.replace("localhost:2181", cluster.zookeeper)
    if "@DATA@" in command:
        name = re.search(r"@DATA@/([\w.-]+)/", command).group(1)
        holder = next(pathlib.Path(cluster.dir, "data").glob(f"broker-*/{name}"))
        command = command.replace("@DATA@", str(holder.parent))
    return command


def check_examples(cluster, document, least):
    """Types every example of the document, in order. `least`: how many there are at least, lest none be found."""
    failures, count = [], 0
    for command, expected in examples(document.read_text()):
        count += 1
        done = subprocess.run(["bash", "-c", here(cluster, command)], env=environment(cluster), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL, timeout=60)
        printed = done.stdout + done.stderr + (f"exit {done.returncode}\n" if done.returncode else "")
        if not re.fullmatch(pattern(here(cluster, expected)), printed):
            failures.append(f"$ {command}\nexpected:\n{expected}printed:\n{printed}")
    assert count >= least, f"only {count} examples were found"
    assert not failures, f"{len(failures)} of {count} examples differ:\n" + "\n".join(failures)


def test_the_document(cluster):
    check_examples(cluster, DOC, 60)


def test_calls_are_quick(cluster):
    """A call takes a few milliseconds: there is no JVM. Counted in processor time, since other tests may run beside this one."""
    command = [f"{cluster.build}/barnabas", "kafka-topics", "--list", "--bootstrap-server", cluster.bootstrap]
    best = 1e9
    for _ in range(10):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=cluster.env, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)
    limit = CALL_MS * (20 if "asan" in cluster.build else 1)
    assert best <= limit, f"a call takes {best:.1f} ms"


def complete(cluster, *words):
    script = (f"source {harness.TREE / 'deploy/completion/barnabas.bash'}; COMP_WORDS=(\"$@\"); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
              "_barnabas; printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "-c", script, "bash", *words], env=environment(cluster), capture_output=True, text=True, timeout=30)
    return done.stdout.split()


def test_completion(cluster):
    cluster.topic("completes-this", 1)
    assert complete(cluster, "barnabas", "to") == ["topic"]
    assert "--partitions" in complete(cluster, "barnabas", "topic", "--part")
    assert "--add-config" in complete(cluster, "kafka-configs.sh", "--add")
    cluster.run("barnabas", "group", "reset", "completes-that", "--topic", "completes-this", "--to-latest", "--execute", "--bootstrap-server",
                cluster.bootstrap)
    assert complete(cluster, "kafka-consumer-groups.sh", "--bootstrap-server", cluster.bootstrap, "--group", "completes") == ["completes-that"]
    assert complete(cluster, "kafka-leader-election.sh", "--election-type", "p") == ["preferred"]
    assert complete(cluster, "kafka-topics.sh", "--bootstrap-server", cluster.bootstrap, "--describe", "--topic", "completes") == \
        ["completes-this"]


def test_exit_codes(cluster):
    """0 done, 1 failed, 2 usage, 4 timed out; Kafka's names give 1 for usage."""
    cases = [(0, "barnabas", "topic", "list", "--bootstrap-server", cluster.bootstrap),
             (1, "barnabas", "topic", "describe", "absent", "--bootstrap-server", cluster.bootstrap),
             (1, "barnabas", "topic", "list", "--bootstrap-server", "127.0.0.1:1"),
             (2, "barnabas", "topic", "lst"), (2, "barnabas", "config", "describe", "--bootstrap-server", cluster.bootstrap),
             (2, "barnabas", "offsets", "--format", "xml", "--bootstrap-server", cluster.bootstrap),
             (1, "kafka-topics.sh", "--lst"), (1, "kafka-configs.sh", "--describe"), (1, "kafka-get-offsets.sh"),
             (4, "barnabas", "wait", "--bootstrap-server", "127.0.0.1:1", "--timeout", "1")]
    for code, *command in cases:
        done = cluster.run(*command, check=False)
        assert done.returncode == code, f"{command} gave {done.returncode}, not {code}: {done.stdout}{done.stderr}"
