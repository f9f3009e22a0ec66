#!/bin/sh
# install-packages.sh [build|run|test|bench|fuzz]...: installs the Debian packages that are missing (README.md says what each is for). Asks for root only
# when something is missing. Safe to run twice.
set -eu

build="gcc libc6-dev make autoconf automake pkg-config python3 libuv1-dev libzookeeper-mt-dev libprotobuf-c-dev protobuf-c-compiler
 liblz4-dev libzstd-dev zlib1g-dev libsnappy-dev libisal-dev libjansson-dev libxxhash-dev librdkafka-dev check"
run="zookeeper default-jre-headless"
test="git kcat python3-kafka"
bench="iproute2 procps"
fuzz="clang libclang-rt-14-dev"

wanted=
[ $# -gt 0 ] || set -- build run
for set in "$@"; do
    case $set in
        build) wanted="$wanted $build" ;;
        run) wanted="$wanted $run" ;;
        test) wanted="$wanted $test" ;;
        bench) wanted="$wanted $bench" ;;
        fuzz) wanted="$wanted $fuzz" ;;
        *) echo "install-packages.sh: no set of packages is called '$set' (build, run, test, bench, fuzz)" >&2; exit 2 ;;
    esac
done

missing=
for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "installing:$missing"
sudo=
[ "$(id -u)" -eq 0 ] || sudo=sudo
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
