#!/bin/sh
# Installs, on Debian 12, what building and testing disco needs and the machine lacks.
#
#   sh tests/lib/install.sh           everything that tests/run.sh needs
#   sh tests/lib/install.sh --demo    only what tests/demo.sh needs
#
# Needs root or sudo only if something is missing. Says nothing when nothing is.
set -eu

# The programs, their traces, and the replay under gdb.
demo_packages='
    build-essential cmake ninja-build pkg-config
    libzstd-dev libxxhash-dev libelf-dev libconfig-dev libslirp-dev
    libprotobuf-c-dev protobuf-c-compiler protobuf-compiler
    gcc-mipsel-linux-gnu gdb-multiarch
    python3 cpio gzip xz-utils zstd'

# The oracles (qemu, unicorn, capstone), the unit tests' library, guests in both byte orders.
test_packages='
    check e2fsprogs libunicorn-dev libcapstone-dev qemu-system-mips
    gcc-mips-linux-gnu libc6-dev-mips-cross libc6-dev-mipsel-cross'

fail()
{
    echo "install.sh: $*" >&2
    exit 1
}

case ${1-} in
--demo) wanted=$demo_packages ;;
'') wanted="$demo_packages $test_packages" ;;
*) fail "unknown argument '$1' (only --demo is known)" ;;
esac

command -v dpkg-query >/dev/null 2>&1 ||
    fail "this is no Debian system; install by hand:" "$wanted"

missing=
for package in $wanted; do
    dpkg -s "$package" 2>/dev/null | grep -q '^Status: .* installed$' ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1; then
    as_root=sudo
else
    fail "not root and no sudo; as root run: apt-get install$missing"
fi

echo "installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt()
{
    # $as_root is empty or one word.
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >>"$log" 2>&1 ||
        fail "apt-get $1 failed: $(grep '^E:' "$log" | head -n 1)"
}
apt update
# shellcheck disable=SC2086 # a list of words
apt install --yes --no-install-recommends $missing
