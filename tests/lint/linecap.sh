#!/bin/sh
# Checks that no source file has more than 600 lines, and that no two C files have one name (logs
# name files without their folder).
#   sh tests/lint/linecap.sh REPOSITORY
set -eu
cd "$1"

sources=$(find core mips traces record replay gdb tests .ci -type f \( -name '*.[chS]' -o \
    -name '*.c.inc' -o -name '*.def' -o -name '*.sh' -o -name '*.py' -o -name '*.proto' \) |
    LC_ALL=C sort)
[ -n "$sources" ] || {
    echo "linecap.sh: found no source file" >&2
    exit 1
}
# shellcheck disable=SC2086 # a list of words
awk '
FNR == 601 {
    printf "%s: more than 600 lines\n", FILENAME
    bad = 1
}
END { exit bad }' $sources

# Each program's main.c says what it is by its folder.
twice=$(echo "$sources" | grep -E '\.(c|h|def|inc)$' | sed 's|.*/||' | grep -vx main.c | sort |
    uniq -d)
[ -z "$twice" ] || {
    echo "file names used twice: $twice"
    exit 1
}
