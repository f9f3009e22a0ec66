#!/usr/bin/env python3
"""Goal: schemac.py refuses every schema that the tables could not carry, and names the line. Method: a table of schemas
with a piece of the expected complaint, after one that is fine."""
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../../tools"))
import schemac  # noqa: E402

HEAD = "request A  key 1  versions 0-3  flexible 2+\n"
GOOD = HEAD + "  a  int32\n  b  []b  2+\n    g  int8\n    c  string?  tag 0  = null\n    d  {d}?  2+  = null\n      e  bool  3\n"
DEEP = HEAD + "".join("%sf%d  []s%d\n" % ("  " * i, i, i) for i in range(1, 7))
BAD = [
    ("request a  key 1  versions 0  flexible none\n", "expected `request|response Name"),
    ("request A  key 1  versions 3-1  flexible none\n", "versions run backwards"),
    ("request A  key 1  versions 0-3  flexible 4+\n", "out of range"),
    (HEAD + " a  int32\n", ":2: indent by two spaces"),
    (HEAD + "    a  int32\n", ":2: indented below nothing"),
    (HEAD + "  a  int32\n    b  int32\n", ":3: indented below nothing"),
    (HEAD + "  a  int31\n", "unknown type 'int31'"),
    (HEAD + "  a\n", "a has no type"),
    (HEAD + "  aB  int32\n", "bad field name"),
    (HEAD + "  default  int32\n", "bad field name"),
    (HEAD + "  a  int32\n  a  int32\n", ":3: a is here twice"),
    (HEAD + "  a  int32  4+\n", "reach outside 0-3"),
    (HEAD + "  a  []a  1-2\n    b  int32  0+\n", ":3: versions 0+ reach outside 1-2"),
    (HEAD + "  a  string  1+  null 0+\n", "reach outside 1-3"),
    (HEAD + "  a  string?  null 1+\n", "both `?` and `null`"),
    (HEAD + "  a  int32?\n", "a int32 cannot be null"),
    (HEAD + "  a  int32  2+  tag 1\n", "tags [1] are not dense"),
    (HEAD + "  a  int32  1+  tag 0\n", "not flexible"),
    (HEAD + "  a  int8  = 128\n", "128 does not fit int8"),
    (HEAD + "  a  bool  = 1\n", "a bool is true or false"),
    (HEAD + "  a  string  = null\n", "default null, but never nullable"),
    (HEAD + "  a  string  = x\n", "default can only be null"),
    (HEAD + "  a  {a}?\n    b  int32\n", "a nullable struct's default is null"),
    (HEAD + "  a  []a\n", "ARequest.a has no fields"),
    (HEAD + "  a  []a\n  b  []a\n", "struct a is already defined"),
    (HEAD + "  a  []records\n", "an array of records"),
    (HEAD + "  a  int32  quickly\n", "what is 'quickly'?"),
    (HEAD + "  b  []b  1+\n    c  int8  2+\n", "elements of b take no bytes in version 1"),
    (DEEP, "nested deeper than 6"),
]


def complaint(text):
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "a.msg")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        try:
            messages = schemac.parse_file(path)
            list(schemac.write_tables(messages, 2))
        except schemac.SchemaError as e:
            return str(e)
    return None


def main():
    failed = 0
    if complaint(GOOD) is not None:
        print("a good schema is refused: %s" % complaint(GOOD))
        failed = 1
    for text, want in BAD:
        have = complaint(text)
        if have is None or want not in have:
            print("for\n%swanted: %s\nhave:   %s" % (text, want, have))
            failed = 1
    try:
        schemac.check_pairs([schemac.parse_header(HEAD.split(), "x")])
        print("a request without response passes")
        failed = 1
    except schemac.SchemaError:
        pass
    print("%d schemas, %s" % (len(BAD) + 1, "failed" if failed else "ok"))
    return failed


sys.exit(main())
