#!/usr/bin/env python3
"""tidy.py: the house rules, as a test. Prints each breach as file:line: what, and fails if there is one.

Checks floors (tools/layers.txt), sizes, symbol prefixes, banned calls, head comments, mirrored tests, READMEs of rooms, files that
no Makefile reaches, leftovers (TODO and kin), control flow in macros. Reads only what git tracks. Standard library only.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES_MAX, LINE_MAX, FUNCTION_MAX, HEADER_MAX, PARAMETERS_MAX = 600, 120, 70, 250, 7
PURE = {"controller/brain": {"common/base"}}
BANNED_CALLS = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|alloca|assert|malloc|calloc|realloc|free"
                          r"|strdup|strndup|usleep|sleep|nanosleep|system|popen)\s*\(")
CHECKED_AT_LOAD = {"broker.id.generation.enable"}  # its whole effect is a refusal by common/conf/conf_check.c
MAY_ALLOCATE = {"common/base/alloc.c", "bench/load.c"}  # bn_alloc is made of these
EXTRA_WORDS = {"bytes.h": {"cursor", "put", "get", "uvarint", "varint", "varlong"}}
DEBT = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|not implemented|\bfor now\b", re.I)
FUNCTION = re.compile(r"^(?!static\s+inline\b)(?:static\s+)?(?:const\s+)?[A-Za-z_][\w ]*[ *]+([a-z_]\w*)\(([^;{]*)\)\s*\{", re.M)

breaches = []


def breach(path, line, what):
    breaches.append(f"{path}:{line}: {what}")


def tracked():
    out = subprocess.run(["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True,
                         text=True, check=True).stdout
    return [p for p in out.splitlines() if (ROOT / p).is_file()]


def room_of(path):
    return str(pathlib.PurePosixPath(path).parent)


def read_layers():
    floors, same = {}, {}
    for line in (ROOT / "tools/layers.txt").read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        floors[words[1]] = int(words[0])
        same[words[1]] = set(words[2:])
    return floors, same


def strip(text):
    """Comments and string contents blanked, line structure kept."""
    def blank(m):
        s = m.group(0)
        return re.sub(r"[^\n]", " ", s) if s.startswith("/") else '"' + " " * (len(s) - 2) + '"'
    return re.sub(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"", blank, text, flags=re.S)


def check_includes(path, text, floors, same):
    room = room_of(path)
    if room not in floors:
        return
    for n, line in enumerate(text.splitlines(), 1):
        m = re.match(r'#include "([^"]+)"', line)
        if not m:
            continue
        target = room_of(m.group(1))
        if target == room:
            continue
        if m.group(1).endswith("_int.h"):
            breach(path, n, f"{m.group(1)} is private to {target}")
        if target not in floors:
            breach(path, n, f"includes {m.group(1)}, which is in no room of tools/layers.txt")
        elif floors[target] > floors[room] or (floors[target] == floors[room] and target not in same[room]):
            breach(path, n, f"{room} (floor {floors[room]}) may not include {target} (floor {floors[target]})")
        elif room in PURE and target not in PURE[room]:
            breach(path, n, f"{room} is pure: it may not include {target}")


def check_functions(path, text, code):
    for m in FUNCTION.finditer(code):
        if m.group(1) in ("if", "for", "while", "switch"):
            continue
        start = code.count("\n", 0, m.start()) + 1
        depth, i = 0, m.end() - 1
        while i < len(code):
            depth += (code[i] == "{") - (code[i] == "}")
            if depth == 0:
                break
            i += 1
        length = code.count("\n", m.start(), i) + 1
        if length > FUNCTION_MAX:
            breach(path, start, f"{m.group(1)} has {length} lines (at most {FUNCTION_MAX})")
        parameters = 0 if m.group(2).strip() in ("", "void") else m.group(2).count(",") + 1 - m.group(2).count("(*") * 0
        if "(*" not in m.group(2) and parameters > PARAMETERS_MAX:
            breach(path, start, f"{m.group(1)} takes {parameters} parameters (at most {PARAMETERS_MAX})")
        check_prefix(path, start, m, code)


def declared_words(room):
    """What a header of the room may lend its symbols as a prefix: its own stem, and the structs it defines."""
    words = {}
    for header in (ROOT / room).glob("*.h"):
        text = header.read_text()
        names = {header.stem.removesuffix("_int")} | set(re.findall(r"struct bn_(\w+)\s*[{;]", text)) | EXTRA_WORDS.get(header.name, set())
        for symbol in re.findall(r"\b(bn_\w+)\(", text):
            words.setdefault(symbol, set()).update(names)
    return words


def check_prefix(path, line, m, code, cache={}):
    """A public symbol is its own address: bn_<file>_…, or bn_<word>_… of the header of this room that declares it."""
    head = code[m.start():m.start(1)]
    name, stem, room = m.group(1), pathlib.PurePosixPath(path).stem, room_of(path)
    if head.lstrip().startswith("static") or name == "main" or path.startswith(("tests/", "bench/")):
        return
    if room not in cache:
        cache[room] = declared_words(room)
    family = {h.stem for h in (ROOT / room).glob("*.h") if stem.startswith(h.stem + "_")}  # znode_topic.c is one of znode.h's
    words = {stem, "api_" + stem} | family | cache[room].get(name, set())
    if not any(name == f"bn_{w}" or name.startswith(f"bn_{w}_") for w in words):
        breach(path, line, f"{name} is public: its prefix is bn_{stem}_, or a word of the header that declares it")


def check_c(path, text, floors, same):
    code = strip(text)
    lines = text.splitlines()
    limit = HEADER_MAX if path.endswith(".h") else LINES_MAX
    if len(lines) > limit:
        breach(path, len(lines), f"{len(lines)} lines (at most {limit})")
    if not text.startswith("/*"):
        breach(path, 1, "no comment at the head that says what the file owns")
    for n, line in enumerate(lines, 1):
        if len(line) > LINE_MAX:
            breach(path, n, f"{len(line)} columns (at most {LINE_MAX})")
        if line.rstrip() != line or "\t" in line:
            breach(path, n, "trailing blanks or a tab")
        if DEBT.search(line):
            breach(path, n, "a leftover: open an issue instead")
    if not path.startswith("tests/"):
        for n, line in enumerate(code.splitlines(), 1):
            m = BANNED_CALLS.search(line)
            if m and path not in MAY_ALLOCATE and not re.search(r"[.>]\s*" + m.group(1), line) and "bn_" + m.group(1) not in line:
                breach(path, n, f"{m.group(1)}() is banned here")
    for m in re.finditer(r"^#define[^\n]*(?:\\\n[^\n]*)*", code, re.M):
        if re.search(r"\b(goto|return)\b", m.group(0)):
            breach(path, code.count("\n", 0, m.start()) + 1, "control flow hidden in a macro")
    check_functions(path, text, code)
    check_includes(path, text, floors, same)


def check_stems(files):
    seen = {}
    for path in files:
        p = pathlib.PurePosixPath(path)
        if p.suffix != ".c" or path.startswith(("tests/", "bench/")) or p.stem == "main":
            continue
        if p.stem in seen and room_of(path).split("/")[0] == room_of(seen[p.stem]).split("/")[0]:
            breach(path, 1, f"the stem {p.stem} is taken by {seen[p.stem]}: symbols could not tell them apart")
        seen.setdefault(p.stem, path)


def check_mirrors(files):
    have = set(files)
    for path in files:
        p = pathlib.PurePosixPath(path)
        room = room_of(path)
        if p.suffix != ".c" or p.stem == "main" or not path.startswith(("common/", "proto/", "broker/", "controller/")):
            continue
        if f"tests/unit/{room}/{p.stem}_test.c" not in have:
            breach(path, 1, f"no test at tests/unit/{room}/{p.stem}_test.c")


BUILT = (".c", ".h", ".proto", ".msg", ".def")
PACKED = (".py", ".js", ".java", ".go", ".cases")


def check_reach(files):
    """What is built is named by a makefile; a script is in a tarball by its path, or by a directory that is packed whole."""
    makefiles = "".join((ROOT / f).read_text() for f in files if f.endswith(".am"))
    words = set(re.sub(r"#.*", "", makefiles).split())
    for path in files:
        at = pathlib.PurePosixPath(path)
        found = path in makefiles or at.name in makefiles if path.endswith(BUILT) else any(str(p) in words for p in (at, *at.parents) if p.name)
        if path.endswith(BUILT + PACKED) and not found:
            breach(path, 1, "no Makefile.am or room.am names it")


def check_conf(files):
    """A key either does what it says, then some code reads it, or its row says why it has no effect."""
    code = "".join((ROOT / f).read_text() for f in files
                   if f.endswith((".c", ".h")) and not f.startswith("tests/") and f != "common/conf/conf_check.c")
    topic = (ROOT / "common/conf/topic_conf.def").read_text()
    path = "common/conf/broker_conf.def"
    rows = (ROOT / path).read_text()
    for m in re.finditer(r'X\(([A-Z0-9_]+),\s*"([^"]+)"[^\n]*?(?:STATIC|CLUSTER|BROKER),\s*NULL,', rows):
        if m.group(2) in CHECKED_AT_LOAD:
            continue
        if not re.search(rf"\bBN_CONF_{m.group(1)}\b", code) and m.group(1) not in topic and m.group(2) not in topic:
            breach(path, rows.count("\n", 0, m.start()) + 1, f"{m.group(2)} is read nowhere: say why it has no effect")


def check_rooms(files, floors):
    for room in floors:
        if any(f.startswith(room + "/") and f.endswith(".c") for f in files) and f"{room}/README.md" not in files:
            breach(room, 1, "a room without README.md")


def main():
    if not (ROOT / ".git").exists():
        print("tidy: not a checkout, nothing to hold the rules against")
        return 77  # automake's word for skipped
    files = tracked()
    floors, same = read_layers()
    for path in files:
        if path.endswith((".c", ".h")):
            check_c(path, (ROOT / path).read_text(), floors, same)
        elif path.endswith(".py"):
            lines = (ROOT / path).read_text().splitlines()
            if len(lines) > LINES_MAX:
                breach(path, len(lines), f"{len(lines)} lines (at most {LINES_MAX})")
        if (ROOT / path).stat().st_size > 100 * 1024 and path != "LICENSE":
            breach(path, 1, "over 100 KiB")
    check_stems(files)
    check_mirrors(files)
    check_reach(files)
    check_rooms(files, floors)
    check_conf(files)
    for line in breaches:
        print(line)
    print(f"tidy: {len(files)} files, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
