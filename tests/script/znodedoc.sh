#!/bin/sh
# znodedoc.sh: the table of docs/ZNODES.md must be what the rows of common/zk/znode.def make of it.
page=${srcdir:-..}/docs/ZNODES.md
if ! tools/znodedoc "$page" | cmp -s - "$page"; then
    echo "docs/ZNODES.md is stale: run make docs-znodes" >&2
    exit 1
fi
