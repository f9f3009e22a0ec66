#!/bin/bash
# run.sh: all the tests, from a bare Debian 12: packages, build with warnings as errors, unit tests, transcripts and tidy (plain, then under ASan
# and UBSan), then the cluster tests against real servers. Prints each runner's own closing line. Safe to run twice.
set -euo pipefail
tree=$(cd "$(dirname "$0")/.." && pwd)
cd "$tree"

deploy/install-packages.sh build run test

# Runs `make check` in a build tree and shows what each runner said last, and much more of one that failed.
check() {
    local dir=$1 failed=0 name result
    find "$dir" -name '*.trs' -delete
    make -s -C "$dir" -j"$(nproc)" check >"$dir/check.out" 2>&1 || failed=1
    while IFS= read -r name; do
        result=$(sed -n 's/^:test-result: //p' "$dir/$name.trs")
        echo "-- $result $name"
        # Its last line is automake's.
        case $result in
            PASS) tail -n 2 "$dir/$name.log" | head -n -1 ;;
            *) tail -n 60 "$dir/$name.log" ;;
        esac
    done < <(cd "$dir" && find . -name '*.trs' -printf '%P\n' | sed 's/\.trs$//' | sort)
    [ $failed = 0 ] || { tail -n 60 "$dir/check.out"; echo "make check FAILED in $dir"; return 1; }
}

echo "== build and unit tests"
deploy/build.sh build --enable-maintainer-mode
check build

echo "== the same under ASan and UBSan"
deploy/build.sh build-asan --enable-maintainer-mode --enable-asan CFLAGS='-O1 -g'
check build-asan

echo "== real servers"
tests/cluster/run.py --build "$tree/build-asan"
