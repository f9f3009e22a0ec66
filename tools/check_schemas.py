#!/usr/bin/env python3
"""Compares proto/kafka/schema/*.msg with the message definitions inside a kafka-clients jar.

    check_schemas.py PATH/kafka-clients-3.9.1.jar FILE.msg...

(or KAFKA_CLIENTS_JAR in the environment and only files as arguments). Every field's name, type, versions, nullable
versions, tag, default and ignorability, and every message's key, versions and flexible versions are compared; each
difference is a line, and the exit status says whether there was one. It needs a jar, so `make check` does not run it:
`make check-schemas KAFKA_CLIENTS_JAR=...`.
"""
import json
import os
import re
import sys
import zipfile

import schemac

NONE = "none"


def snake(name):
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def versions(text, whole):
    """A range cut to the versions of what surrounds it; None for none."""
    if text in (None, NONE):
        return None
    low, plus, high = re.fullmatch(r"(\d+)(\+?)(?:-(\d+))?", text).groups()
    low, high = int(low), whole[1] if plus else int(high or low)
    low, high = max(low, whole[0]), min(high, whole[1])
    return (low, high) if low <= high else None


def plain_default(value, is_number):
    if value in (None, "", "0", "false"):
        return None
    return str(int(value, 0)) if is_number else value


def theirs(message, struct, fields, whole, path):
    """Yields (path, facts) of every field, in order."""
    for f in fields:
        at = path + "." + snake(f["name"])
        have = versions(f["versions"], whole)
        if not have:
            continue
        array, base = f["type"].startswith("[]"), f["type"].removeprefix("[]")
        nested = f.get("fields") or struct.get(base)
        default = str(f["default"]).replace("False", "false").replace("True", "true") if "default" in f else None
        yield at, {
            "type": ("[]" if array else "") + ("struct" if nested else base),
            "versions": have,
            "null": versions(f.get("nullableVersions"), have),
            "tag": f.get("tag"),
            "tagged versions": versions(f.get("taggedVersions"), have),
            "default": plain_default(default, base.startswith(("int", "uint")) and default != "null"),
            "ignorable": str(f.get("ignorable", False)).lower() == "true",
        }
        if nested:
            yield from theirs(message, struct, nested, have, at)


def ours(s, path):
    for f in s.fields:
        at = path + "." + f.name
        yield at, {
            "type": ("[]" if f.array else "") + ("struct" if f.struct else f.base),
            "versions": f.versions,
            "null": f.null,
            "tag": f.tag,
            "tagged versions": f.versions if f.tag is not None else None,
            "default": plain_default(f.default, f.base in schemac.RANGES and f.default != "null"),
            "ignorable": f.ignorable,
        }
        if f.struct:
            yield from ours(f.struct, at)


def definition(jar, name):
    text = jar.read("common/message/%s.json" % name).decode("utf-8")
    return json.loads("\n".join(line for line in text.split("\n") if not line.strip().startswith("//")))


def compare(m, j):
    """Yields a line per difference between our message and their definition."""
    whole = versions(j["validVersions"], (0, schemac.NEVER))
    flexible = versions(j["flexibleVersions"], whole)
    for what, a, b in (("key", m.key, j["apiKey"]), ("versions", m.versions, whole), ("kind", m.kind, j["type"]),
                       ("flexible", m.flexible, flexible[0] if flexible else schemac.NEVER)):
        if a != b:
            yield "%s: %s is %s, Kafka has %s" % (m.name, what, a, b)
    struct = {c["name"]: c["fields"] for c in j.get("commonStructs", ())}
    here, there = list(ours(m, m.name)), list(theirs(m, struct, j["fields"], whole, m.name))
    if [at for at, _ in here] != [at for at, _ in there]:
        for at in sorted({a for a, _ in here} ^ {a for a, _ in there}):
            yield "%s: only in %s" % (at, "our text" if at in dict(here) else "Kafka")
        if not {a for a, _ in here} ^ {a for a, _ in there}:
            yield "%s: fields in another order" % m.name
    there = dict(there)
    for at, facts in here:
        for what, a in facts.items():
            if at in there and a != there[at][what]:
                yield "%s: %s is %s, Kafka has %s" % (at, what, a, there[at][what])


def main(argv):
    args = argv[1:]
    jar_path = args.pop(0) if args and args[0].endswith(".jar") else os.environ.get("KAFKA_CLIENTS_JAR")
    if not jar_path or not args:
        sys.exit(__doc__)
    differences = fields = 0
    messages = schemac.load(args)
    with zipfile.ZipFile(jar_path) as jar:
        for m in messages:
            fields += len(list(ours(m, "")))
            for line in compare(m, definition(jar, m.name)):
                differences += 1
                print(line)
    print("%d messages, %d fields: %d differences" % (len(messages), fields, differences))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
