#!/bin/sh
# confdoc.sh: docs/CONFIG.md must be what the rows of common/conf make of it.
if ! tools/confdoc | cmp -s - "${srcdir:-..}/docs/CONFIG.md"; then
    echo "docs/CONFIG.md is stale: run make docs-conf" >&2
    exit 1
fi
