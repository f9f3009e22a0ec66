#!/usr/bin/env python3
"""Turns proto/kafka/schema/*.msg into kmsg.h, kmsg_tables.c and kapi.h.

    schemac.py --out DIR FILE.msg...

The language is described in proto/kafka/README.md. Everything about versions is settled here: the C program
walks flat tables. Any doubtful line is an error that names its file and line.
"""
import os
import re
import sys

SCALARS = {  # type: (C type, enum, wire size)
    "bool": ("bool", "BOOL", 1), "int8": ("int8_t", "INT8", 1), "int16": ("int16_t", "INT16", 2),
    "uint16": ("uint16_t", "UINT16", 2), "int32": ("int32_t", "INT32", 4), "int64": ("int64_t", "INT64", 8),
    "float64": ("double", "FLOAT64", 8), "uuid": ("struct bn_uuid", "UUID", 16),
}
BLOBS = {"string": ("struct bn_slice", "STRING", 2), "bytes": ("struct bn_slice", "BYTES", 4),
         "records": ("struct kmsg_records", "RECORDS", 4)}
RANGES = {"int8": (-2**7, 2**7), "int16": (-2**15, 2**15), "uint16": (0, 2**16), "int32": (-2**31, 2**31),
          "int64": (-2**63, 2**63)}
NEVER = 32767
DEPTH_MAX = 6
C_WORDS = set("auto break case char const continue default do double else enum extern float for goto if inline int "
              "long register restrict return short signed sizeof static struct switch typedef union unsigned void "
              "volatile while bool true false".split())


class SchemaError(Exception):
    pass


class Struct:
    """A message or a struct nested in one."""

    def __init__(self, name, c_name, versions, message, depth):
        self.name, self.c_name, self.versions, self.depth = name, c_name, versions, depth
        self.message = message or self
        self.fields = []

    def type(self):
        return "struct " + self.c_name


class Field:
    """name, type, and the versions that have it."""

    def __init__(self, where, name):
        self.where, self.name = where, name
        self.base, self.array, self.inline, self.nullable_mark = None, False, False, False
        self.versions = self.null = self.tag = self.default = self.struct = None
        self.ignorable = False

    def pointer(self):
        return self.inline and self.null is not None

    def is_null(self, version):
        return self.null is not None and self.null[0] <= version <= self.null[1]


def within(inner, outer):
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def snake(name):
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def parse_range(text, whole, where):
    m = re.fullmatch(r"(\d+)(\+|-(\d+))?", text)
    if not m:
        raise SchemaError("%s: %r is not a range of versions (like 3+, 0-12 or 7)" % (where, text))
    low = int(m.group(1))
    high = whole[1] if m.group(2) == "+" else int(m.group(3) or low)
    if low > high or (whole and not within((low, high), whole)):
        raise SchemaError("%s: versions %s reach outside %d-%d" % (where, text, whole[0], whole[1]))
    return (low, high)


def parse_header(words, where):
    m = re.fullmatch(r"(request|response) ([A-Z]\w*) key (\d+) versions (\d+(?:-\d+)?) flexible (none|\d+\+)",
                     " ".join(words))
    if not m:
        raise SchemaError("%s: expected `request|response Name  key N  versions A-B  flexible N+|none`" % where)
    low, _, high = m.group(4).partition("-")
    versions = (int(low), int(high or low))
    if versions[0] > versions[1]:
        raise SchemaError("%s: versions run backwards" % where)
    name = m.group(2) + m.group(1).capitalize()
    s = Struct(name, "kmsg_" + snake(name), versions, None, 1)
    s.api, s.kind, s.key, s.structs = m.group(2), m.group(1), int(m.group(3)), {}
    s.flexible = NEVER if m.group(5) == "none" else int(m.group(5)[:-1])
    if s.flexible != NEVER and not versions[0] <= s.flexible <= versions[1]:
        raise SchemaError("%s: flexible from a version out of range" % where)
    return s


def parse_type(f, text, parent):
    if text.endswith("?"):
        f.nullable_mark, text = True, text[:-1]
    if text.startswith("[]"):
        f.array, text = True, text[2:]
    elif text.startswith("{") and text.endswith("}"):
        f.inline, text = True, text[1:-1]
    f.base = text
    if not re.fullmatch(r"[a-z][a-z0-9_]*", text):
        raise SchemaError("%s: bad type %r" % (f.where, text))
    known = text in SCALARS or text in BLOBS
    if f.inline and known or not f.inline and not f.array and not known:
        raise SchemaError("%s: unknown type %r (structs are {name}, arrays []name)" % (f.where, text))
    if f.array and text == "records":
        raise SchemaError("%s: an array of records" % f.where)
    if not known:
        message = parent.message
        if parent.depth + 1 > DEPTH_MAX:
            raise SchemaError("%s: nested deeper than %d" % (f.where, DEPTH_MAX))
        if text in message.structs:
            raise SchemaError("%s: struct %s is already defined in this message" % (f.where, text))
        f.struct = Struct("%s.%s" % (message.name, text), "%s_%s" % (message.c_name, text), None, message,
                          parent.depth + 1)
        message.structs[text] = f.struct


def parse_field(words, where, parent):
    f = Field(where, words[0])
    if not re.fullmatch(r"[a-z][a-z0-9_]*", f.name) or f.name in C_WORDS:
        raise SchemaError("%s: bad field name %r" % (where, f.name))
    if any(o.name == f.name for o in parent.fields):
        raise SchemaError("%s: %s is here twice" % (where, f.name))
    if len(words) < 2:
        raise SchemaError("%s: %s has no type" % (where, f.name))
    parse_type(f, words[1], parent)
    rest = words[2:]
    f.versions = parent.versions
    if rest and rest[0][0].isdigit():
        f.versions = parse_range(rest.pop(0), parent.versions, where)
    while rest:
        word = rest.pop(0)
        if word == "ignorable":
            f.ignorable = True
        elif word in ("tag", "null", "=") and rest:
            value = rest.pop(0)
            if word == "tag":
                f.tag = int(value)
            elif word == "null":
                f.null = parse_range(value, f.versions, where)
            else:
                f.default = value
        else:
            raise SchemaError("%s: what is %r?" % (where, word))
    check_field(f, parent)
    if f.struct:
        f.struct.versions = f.versions
    return f


def check_field(f, parent):
    if f.nullable_mark:
        if f.null:
            raise SchemaError("%s: both `?` and `null`" % f.where)
        f.null = f.versions
    if f.null and f.base in SCALARS and not f.array:
        raise SchemaError("%s: a %s cannot be null" % (f.where, f.base))
    if f.pointer() and f.null != f.versions:
        raise SchemaError("%s: a struct is nullable in all its versions or in none" % f.where)
    if f.default == "null" and not f.null:
        raise SchemaError("%s: default null, but never nullable" % f.where)
    if f.pointer() and f.default != "null":
        raise SchemaError("%s: a nullable struct's default is null" % f.where)
    if f.default not in (None, "null"):
        low, high = RANGES.get(f.base, (0, 0))
        if f.array or f.inline or f.base in BLOBS or f.base in ("uuid", "float64"):
            raise SchemaError("%s: this type's default can only be null" % f.where)
        if f.base == "bool" and f.default not in ("true", "false"):
            raise SchemaError("%s: a bool is true or false" % f.where)
        if f.base != "bool" and not (re.fullmatch(r"-?\d+", f.default) and low <= int(f.default) < high):
            raise SchemaError("%s: %s does not fit %s" % (f.where, f.default, f.base))
    if f.tag is not None and f.versions[0] < parent.message.flexible:
        raise SchemaError("%s: tagged in a version that is not flexible" % f.where)


def parse_file(path):
    messages, stack = [], []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            where = "%s:%d" % (path, number)
            text = line.split("#")[0].rstrip()
            if not text:
                continue
            indent, words = len(text) - len(text.lstrip(" ")), text.split()
            if indent % 2 or "\t" in text:
                raise SchemaError("%s: indent by two spaces" % where)
            level = indent // 2
            if level == 0:
                stack = [parse_header(words, where)]
                messages.append(stack[0])
                continue
            if level > len(stack) or stack[level - 1] is None:
                raise SchemaError("%s: indented below nothing that has fields" % where)
            del stack[level:]
            f = parse_field(words, where, stack[level - 1])
            stack[level - 1].fields.append(f)
            stack.append(f.struct)
    for m in messages:
        check_struct(m, path)
    return messages


def check_struct(s, path):
    tags = sorted(f.tag for f in s.fields if f.tag is not None)
    if tags != list(range(len(tags))):
        raise SchemaError("%s: %s: tags %s are not dense" % (path, s.name, tags))
    if not s.fields and s.message is not s:
        raise SchemaError("%s: %s has no fields" % (path, s.name))
    for f in s.fields:
        if f.struct:
            check_struct(f.struct, path)


def default_of(f):
    if f.pointer():
        return "NULL"
    if f.inline:
        return "{%s}" % ", ".join(".%s = %s" % (g.name, default_of(g)) for g in f.struct.fields)
    if f.array:
        return "{NULL, %d}" % (-1 if f.default == "null" else 0)
    if f.base in BLOBS:
        text = "{NULL, 0}" if f.default == "null" else '{(const uint8_t *)"", 0}'
        return "{%s, NULL}" % text if f.base == "records" else text
    if f.base == "uuid":
        return "{{0}}"
    return f.default or ("false" if f.base == "bool" else "0")


def member(f):
    base = f.struct.type() if f.struct else (SCALARS.get(f.base) or BLOBS[f.base])[0]
    if f.array:
        return "struct { %s *v; int32_t n; } %s;" % (base, f.name)
    return "%s %s%s;" % (base, "*" if f.pointer() else "", f.name)


def postorder(s):
    for f in s.fields:
        if f.struct:
            yield from postorder(f.struct)
    yield s


class Tables:
    """Collects the tables' text, each distinct one once."""

    def __init__(self):
        self.lines, self.seen, self.serial = [], {}, 0

    def once(self, kind, declaration, body):
        if (kind, body) not in self.seen:
            self.serial += 1
            name = "%s_%d" % (kind, self.serial)
            self.seen[kind, body] = name
            self.lines.append("static const %s = {%s};" % (declaration % name, body))
        return self.seen[kind, body]

    def op(self, s, index, f, version, flexible):
        """One op's text, its smallest size on the wire, and whether that is its only size."""
        flags = [n for n, on in (("FLEX", flexible), ("NULLABLE", f.is_null(version) if version >= 0 else f.null),
                                 ("IGNORABLE", f.ignorable)) if on]
        sub, least, fixed, element = "NULL", 1, False, "BOOL"
        size = f.struct.type() if f.struct else (SCALARS.get(f.base) or BLOBS[f.base])[0]
        if f.struct:
            sub, sub_least, sub_fixed = self.plan(f.struct, version, flexible)
        blob = 0 if f.base not in BLOBS else 1 if flexible else BLOBS[f.base][2]
        if f.array:
            kind, least = "ARRAY", 1 if flexible else 4
            element = "STRUCT" if f.struct else (SCALARS.get(f.base) or BLOBS[f.base])[1]
            each = sub_least if f.struct else blob or SCALARS[f.base][2]
            if each == 0:
                raise SchemaError("%s: elements of %s take no bytes in version %d" % (f.where, f.name, version))
        elif f.inline:
            kind, least, fixed = ("STRUCT_PTR", 1, False) if f.pointer() else ("STRUCT", sub_least, sub_fixed)
            each = sub_least
        elif f.base in BLOBS:
            kind, least, each = BLOBS[f.base][1], blob, blob
        else:
            kind, least, fixed, each = SCALARS[f.base][1], SCALARS[f.base][2], True, SCALARS[f.base][2]
        text = "{BN_PLAN_%s, BN_PLAN_%s, %s, %d, offsetof(struct %s, %s), sizeof(%s), %d, %d, %s}" % (
            kind, element, " | ".join("BN_PLAN_" + n for n in flags) or "0", f.tag or 0, s.c_name, f.name, size,
            each, index, sub if sub == "NULL" else "&" + sub)
        return text, least, fixed

    def ops(self, rows):
        if not rows:
            return "no_ops"
        return self.once("ops", "struct bn_plan_op %s[]", "\n    " + ",\n    ".join(rows) + ",\n")

    def plan(self, s, version, flexible):
        """The plan of one version; version -1: all fields, old style. Gives name, min size, whether it needs no look."""
        rows, tagged, absent, least, fixed = [], [], [], int(flexible), True
        for index, f in enumerate(s.fields):
            present = version < 0 or f.versions[0] <= version <= f.versions[1]
            if not present:
                if not f.ignorable:
                    absent.append(self.op(s, index, f, -1, False)[0])
            elif f.tag is not None and version >= 0:
                tagged.append((f.tag, self.op(s, index, f, version, flexible)[0]))
            else:
                text, size, same = self.op(s, index, f, version, flexible)
                rows.append(text)
                least, fixed = least + size, fixed and same
        fixed = fixed and not tagged
        tagged = [text for _, text in sorted(tagged)]
        body = "&%s_desc, %s, %s, %s, %d, %d, %d, %s, %s, %d, %d" % (
            s.c_name, self.ops(rows), self.ops(tagged), self.ops(absent), len(rows), len(tagged), len(absent),
            "true" if flexible else "false", "true" if len(rows) < len(s.fields) else "false", least,
            least if fixed else 0)
        return self.once("plan", "struct bn_plan %s", body), least, fixed and not absent

    def desc(self, s):
        m, low = s.message, s.message.versions[0]
        fields = ", ".join('"%s"' % f.name for f in s.fields) or "NULL"
        defaults = ", ".join(".%s = %s" % (f.name, default_of(f)) for f in s.fields) or "0"
        plans = ["&" + self.plan(s, v, v >= m.flexible)[0] if s.versions[0] <= v <= s.versions[1] else "NULL"
                 for v in range(low, m.versions[1] + 1)]
        whole = self.plan(s, -1, False)[0]
        self.lines += [
            "const struct %s %s_default = {%s};" % (s.c_name, s.c_name, defaults),
            "static const char *const %s_fields[] = {%s};" % (s.c_name, fields),
            "static const struct bn_plan *const %s_plans[] = {%s};" % (s.c_name, ", ".join(plans)),
            "const struct bn_codec_desc %s_desc = {\"%s\", %d, %d, %d, %d, sizeof(struct %s), &%s_default," % (
                s.c_name, s.name, m.key, low, m.versions[1], m.flexible, s.c_name, s.c_name),
            "    %s_fields, &%s, %s_plans};" % (s.c_name, whole, s.c_name), ""]


def write_kmsg_h(messages):
    yield "/* kmsg.h: generated by tools/schemac.py from proto/kafka/schema; do not edit. One struct per message,"
    yield " * for all versions; <name>_default holds every field's default, <name>_desc drives the codec. */"
    yield "#ifndef KMSG_H\n#define KMSG_H\n\n#include \"proto/kafka/codec.h\"\n"
    for m in messages:
        for s in postorder(m):
            yield "struct %s {" % s.c_name
            for f in s.fields or ():
                note = "" if f.versions == m.versions else "%d-%d" % f.versions
                note += (", tag %d" % f.tag) if f.tag is not None else ""
                note += ", null" if f.null and f.null == f.versions else ", null in %d-%d" % f.null if f.null else ""
                yield "    %s%s" % (member(f), "" if not note else " /* %s */" % note.lstrip(", "))
            if not s.fields:
                yield "    char nothing; /* no field in any version */"
            yield "};"
            yield "extern const struct %s %s_default;" % (s.c_name, s.c_name)
            yield "extern const struct bn_codec_desc %s_desc;\n" % s.c_name
    yield "#endif"


def write_tables(messages, key_count):
    yield "/* kmsg_tables.c: generated by tools/schemac.py from proto/kafka/schema; do not edit. Owns the const"
    yield " * descriptors and plans that decode.c, encode.c and walk.c interpret. */"
    yield "#include \"proto/kafka/kapi.h\"\n#include \"proto/kafka/kmsg.h\"\n#include \"proto/kafka/plan.h\"\n"
    yield "static const struct bn_plan_op no_ops[1]; /* where a plan has none: NULL + 0 is undefined */\n"
    tables = Tables()
    for m in messages:
        for s in postorder(m):
            tables.desc(s)
            for f in (f for f in s.fields if f.array):
                tables.lines.append("_Static_assert(sizeof(((struct %s *)0)->%s) == sizeof(struct kmsg_array), \"\");"
                                    % (s.c_name, f.name))
    yield from tables.lines
    for kind in ("request", "response"):
        yield "const struct bn_codec_desc *const bn_plan_%ss[KAPI_KEYS] = {" % kind
        for m in messages:
            if m.kind == kind:
                yield "    [%d] = &%s_desc," % (m.key, m.c_name)
        yield "};"


def write_kapi_h(messages, key_count):
    requests = [m for m in messages if m.kind == "request"]
    yield "/* kapi.h: generated by tools/schemac.py from proto/kafka/schema; do not edit. The keys of the APIs that"
    yield " * the codec knows, and the versions it reads and writes (what a broker offers may be less). */"
    yield "#ifndef KAPI_H\n#define KAPI_H\n"
    yield "/* X(NAME, \"Name\", key, min version, max version, first flexible version or 32767) */"
    yield "#define KAPI_MAP(X) \\"
    yield " \\\n".join("    X(%s, \"%s\", %d, %d, %d, %d)" % (
        snake(m.api).upper(), m.api, m.key, m.versions[0], m.versions[1], m.flexible) for m in requests)
    yield "\nenum kapi_key {"
    for m in requests:
        yield "    KAPI_%s = %d," % (snake(m.api).upper(), m.key)
    yield "    KAPI_KEYS = %d /* one more than the highest */\n};\n\n#endif" % key_count


def check_pairs(messages):
    pairs = {}
    for m in messages:
        if m.kind in pairs.setdefault(m.key, {}):
            raise SchemaError("key %d: two %ss" % (m.key, m.kind))
        pairs[m.key][m.kind] = m
    for key, pair in pairs.items():
        a, b = pair.get("request"), pair.get("response")
        if not a or not b or (a.api, a.versions, a.flexible) != (b.api, b.versions, b.flexible):
            raise SchemaError("key %d: request and response must both be there with equal name and versions" % key)


def load(paths):
    messages = [m for path in sorted(paths) for m in parse_file(path)]
    check_pairs(messages)
    return sorted(messages, key=lambda m: (m.key, m.kind))


def main(argv):
    if len(argv) < 4 or argv[1] != "--out":
        sys.exit(__doc__)
    try:
        messages = load(argv[3:])
        keys = max(m.key for m in messages) + 1
        texts = (("kmsg.h", write_kmsg_h(messages)), ("kapi.h", write_kapi_h(messages, keys)),
                 ("kmsg_tables.c", write_tables(messages, keys)))
        texts = [(name, "\n".join(lines) + "\n") for name, lines in texts]
    except SchemaError as e:
        sys.exit("schemac: %s" % e)
    os.makedirs(argv[2], exist_ok=True)
    for name, text in texts:
        with open(os.path.join(argv[2], name), "w", encoding="utf-8") as out:
            out.write(text)


if __name__ == "__main__":
    main(sys.argv)
