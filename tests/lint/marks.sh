#!/bin/sh
# Checks that no mark of unfinished work stands without the number of its issue: TODO(#12).
#   sh tests/lint/marks.sh REPOSITORY
set -eu
cd "$1"

[ -d core ] || {
    echo "marks.sh: $1 is not the repository" >&2
    exit 1
}
# This file names the marks itself.
if grep -srnE '\b(TODO|FIXME|XXX|HACK)\b' --include='*.[chS]' --include='*.inc' --include='*.def' \
    --include='*.sh' --include='*.py' --include='*.proto' --include='*.txt' --include='*.md' \
    --include='*.gdb' core mips traces record replay gdb tests ./*.md ./*.txt |
    grep -v '^tests/lint/marks\.sh:' | grep -vE '(TODO|FIXME)\(#[0-9]+\)'; then
    exit 1
fi
