#!/bin/sh
# Fetches Debian's guests for the Malta board and lays them out for the tests and the demo.
#
#   sh tests/lib/fetch-guests.sh BUILD-DIR [--no-installer] [--other-kernel] [--bench]
#
# Result, in BUILD-DIR/guests:
#   vmlinuz              the packaged kernel, which decompresses itself
#   vmlinux              the same kernel unpacked, with symbols of its functions
#   busybox              a static user space in one file
#   installer/vmlinuz    Debian's installer: kernel and initrd
#   installer/initrd.gz
#   vmlinux-other        with --other-kernel: the newest kernel but one that the archive has
#   debs/                with --bench: packages whose programs the benchmarks run
#   VERSION              one line per package: name, version, SHA256; vmlinux's comes first
#
# The packages come from the archive that this machine's own apt is set up for. They are of another
# architecture, so apt works on a state of its own inside BUILD-DIR and the machine's package
# database is neither read nor written. What was fetched before is used again after its SHA256
# was compared with VERSION.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
arch=mipsel
meta=linux-image-4kc-malta

fail()
{
    echo "fetch-guests.sh: $*" >&2
    exit 1
}

usage='usage: fetch-guests.sh BUILD-DIR [--no-installer] [--other-kernel] [--bench]'
[ $# -ge 1 ] || fail "$usage"
mkdir -p "$1"
guests=$(cd "$1" && pwd)/guests
installer=debian-installer-12-netboot-mipsel
other=
bench_packages=
shift
for option; do
    case $option in
    --no-installer) installer= ;;
    --other-kernel) other=vmlinux-other ;;
    --bench) bench_packages=$(cat "$here/../bench/packages.txt") ;;
    *) fail "$usage" ;;
    esac
done
debs=$guests/debs
apt_dir=$guests/apt
mkdir -p "$debs"

# Every apt call names its own directories; the machine's apt supplies sources and keys only.
private_apt()
{
    command=$1
    shift
    "$command" -q -o Dir::State="$apt_dir/state" -o Dir::State::status="$apt_dir/status" \
        -o Dir::Cache="$apt_dir/cache" -o Dir::Etc::preferencesparts=/dev/null \
        -o APT::Architecture=$arch -o APT::Architectures::=$arch \
        -o Acquire::Languages=none -o APT::Sandbox::User= -o Acquire::Retries=3 "$@"
}

# field PACKAGE FIELD: prints a field of the newest version that apt's verified index names.
field()
{
    private_apt apt-cache show --no-all-versions "$1" 2>/dev/null |
        sed -n "s/^$2: //p" | head -n 1
}

# other_kernel NAME: prints the newest kernel package for this board whose name is not NAME.
other_kernel()
{
    private_apt apt-cache pkgnames linux-image- | grep -E '^linux-image-[0-9].*-4kc-malta$' |
        grep -vxF "$1" | sort -V | tail -n 1
}

# is_complete: true if VERSION names all wanted packages and every file has its stored sum.
is_complete()
{
    [ -s "$guests/VERSION" ] && [ -s "$guests/SHA256SUMS" ] || return 1
    for wanted in $installer $bench_packages; do
        grep -q "^$wanted " "$guests/VERSION" || return 1
    done
    [ -z "$other" ] || grep -q " $other\$" "$guests/SHA256SUMS" || return 1
    (cd "$guests" && sha256sum --status --check SHA256SUMS)
}

if is_complete; then
    exit 0
fi

mkdir -p "$apt_dir/state/lists/partial" "$apt_dir/cache/archives/partial"
: >"$apt_dir/status"
private_apt apt-get update >"$apt_dir/log" 2>&1 ||
    fail "apt-get update failed: $(grep '^E:' "$apt_dir/log" | head -n 1)"
kernel=$(field $meta Depends | sed 's/ .*//')
[ -n "$kernel" ] ||
    fail "this machine's apt sources have no $meta for $arch: add 'bookworm main' of Debian"
other_package=
if [ -n "$other" ]; then
    other_package=$(other_kernel "$kernel")
    [ -n "$other_package" ] || fail "this machine's apt sources have no kernel but $kernel"
fi

: >"$guests/VERSION.new"
for package in "$kernel" $other_package busybox-static $installer $bench_packages; do
    version=$(field "$package" Version)
    sum=$(field "$package" SHA256)
    [ -n "$sum" ] || fail "this machine's apt sources have no $package for $arch"
    deb=$debs/$package.deb
    if ! echo "$sum  $deb" | sha256sum --status --check 2>/dev/null; then
        echo "fetching $package $version"
        rm -rf "$debs/new" "$deb"
        mkdir "$debs/new"
        (cd "$debs/new" && private_apt apt-get download "$package=$version") \
            >"$apt_dir/log" 2>&1 ||
            fail "download of $package failed: $(grep '^E:' "$apt_dir/log" | head -n 1)"
        mv "$debs"/new/*.deb "$deb"
        rmdir "$debs/new"
        echo "$sum  $deb" | sha256sum --status --check ||
            fail "$deb has not the SHA256 that the archive's index names; remove it and try again"
    fi
    echo "$package $version $sum" >>"$guests/VERSION.new"
done
for package in "$kernel" $other_package busybox-static $installer; do
    rm -rf "$guests/x-$package"
    dpkg-deb -x "$debs/$package.deb" "$guests/x-$package"
done

cp "$guests/x-$kernel"/boot/vmlinuz-* "$guests/vmlinuz"
python3 "$here/unpack-kernel.py" "$guests/vmlinuz" "$guests/vmlinux"
cp "$guests/x-busybox-static/bin/busybox" "$guests/busybox"
files='vmlinuz vmlinux busybox'
if [ -n "$other" ]; then
    python3 "$here/unpack-kernel.py" "$guests/x-$other_package"/boot/vmlinuz-* "$guests/$other"
    files="$files $other"
fi
if [ -n "$installer" ]; then
    mkdir -p "$guests/installer"
    images=$guests/x-$installer/usr/lib/debian-installer/images/12/mipsel/malta
    cp "$images"/vmlinuz-* "$guests/installer/vmlinuz"
    cp "$images/initrd.gz" "$guests/installer/initrd.gz"
    files="$files installer/vmlinuz installer/initrd.gz"
fi
for package in $bench_packages; do
    files="$files debs/$package.deb"
done
rm -rf "$guests"/x-*
# shellcheck disable=SC2086 # a list of words
(cd "$guests" && sha256sum $files >SHA256SUMS)
mv "$guests/VERSION.new" "$guests/VERSION"
