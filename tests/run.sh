#!/bin/bash
# run.sh: all the tests, from a bare Debian 12: packages, build with warnings as errors, unit tests and tidy (plain, then under ASan and UBSan),
# then the cluster tests against real servers. Prints each runner's own closing line. Safe to run twice.
set -euo pipefail
tree=$(cd "$(dirname "$0")/.." && pwd)
cd "$tree"

deploy/install-packages.sh build run test

# Runs `make check` in a build tree and shows what each runner said last.
check() {
    local dir=$1 failed=0
    make -s -C "$dir" -j"$(nproc)" check >"$dir/check.out" 2>&1 || failed=1
    for log in $(find "$dir" -name '*.log' -newer "$dir/Makefile" | grep -v -e config.log -e test-suite.log | sort); do
        echo "-- ${log#"$dir"/}"
        if [ $failed = 1 ]; then tail -n 40 "$log"; else tail -n 1 "$log"; fi
    done
    [ $failed = 0 ] || { tail -n 60 "$dir/check.out"; echo "make check failed in $dir"; return 1; }
}

echo "== build and unit tests"
deploy/build.sh build --enable-maintainer-mode
check build

echo "== the same under ASan and UBSan"
deploy/build.sh build-asan --enable-maintainer-mode --enable-asan CFLAGS='-O1 -g'
check build-asan

echo "== real servers"
tests/cluster/run.py --build "$tree/build-asan"
