#!/bin/sh
# Builds disco and runs all of its tests, from nothing, on Debian 12:
#
#   sh tests/run.sh
#
# Installs what is missing (asks sudo for it), builds into build/ and, with the sanitizers, into
# build-asan/, fetches Debian's guests into build/guests, and ends with ctest's closing lines. Exit
# status 0 only if everything passed.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

step()
{
    echo
    echo "== $*"
}

sh tests/lib/install.sh

# build DIRECTORY OPTION...: configures and builds; configuring is shown only if it fails.
build()
{
    directory=$1
    shift
    mkdir -p "$directory"
    cmake -S . -B "$directory" -G Ninja -DCMAKE_BUILD_TYPE=Release -DDISCO_TESTS=ON "$@" \
        >"$directory/configure.log" 2>&1 || {
        cat "$directory/configure.log"
        exit 1
    }
    cmake --build "$directory" -j2
}

step 'building with warnings as errors'
build build -DDISCO_WERROR=ON -DDISCO_SANITIZE=OFF
step 'building with the address and undefined-behaviour sanitizers'
build build-asan -DDISCO_WERROR=OFF -DDISCO_SANITIZE=ON

step 'guests'
sh tests/lib/fetch-guests.sh build --other-kernel
for guest in shell batch bad-init work net streams; do
    sh tests/guest/initramfs/make-initramfs.sh "$guest" build
done
sh tests/cluster/make-work-disk.sh build
cat build/guests/VERSION

# Both runs are made even if the first fails; the larger one comes last, so that its summary ends
# the output.
status=0
step 'unit and fuzz tests with the sanitizers'
ctest --test-dir build-asan -j2 --output-on-failure -R '^(unit|fuzz)\.' || status=1
step 'all tests'
ctest --test-dir build -j2 --output-on-failure || status=1
exit $status
