#!/bin/bash
# build.sh [DIR [configure options]]: builds out of tree into DIR (default: build/ in the tree). Configures only when needed. From a tarball,
# configure is there already and neither autoconf nor automake is needed.
set -euo pipefail
tree=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-$tree/build}
[ $# -eq 0 ] || shift
if [ ! -x "$tree/configure" ] || [ "$tree/configure.ac" -nt "$tree/configure" ]; then
    "$tree/autogen.sh" >/dev/null 2>&1 || "$tree/autogen.sh"
fi
mkdir -p "$dir"
cd "$dir"
if [ ! -f Makefile ] || [ "$tree/configure" -nt config.status ]; then "$tree/configure" --quiet "$@"; fi
make -s -j"$(nproc)" all
