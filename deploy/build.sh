#!/bin/sh
# build.sh [DIR [configure options]]: builds out of tree into DIR (default: build/ in the tree). Configures only when needed.
set -eu
tree=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-$tree/build}
[ $# -eq 0 ] || shift
[ -x "$tree/configure" ] && [ "$tree/configure" -nt "$tree/configure.ac" ] || "$tree/autogen.sh" >/dev/null 2>&1 || "$tree/autogen.sh"
mkdir -p "$dir"
cd "$dir"
[ -f Makefile ] && [ config.status -nt "$tree/configure" ] || "$tree/configure" --quiet "$@"
make -s -j"$(nproc)" all
