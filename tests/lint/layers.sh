#!/bin/sh
# Checks every #include of a file of ours against the layers (CONTRIBUTING.md): who may see whom.
#   sh tests/lint/layers.sh REPOSITORY
set -eu
cd "$1"

find core mips traces record replay gdb -name '*.[ch]' -o -name '*.c.inc' -o -name '*.def' |
    LC_ALL=C sort | xargs awk '
function layer(path)
{
    if (path ~ /^core\/base\//)
        return "base"
    sub(/\/.*/, "", path)
    return path
}
BEGIN {
    allowed["base"] = " base "
    allowed["mips"] = " base mips "
    allowed["core"] = " base mips core "
    allowed["traces"] = " base traces "
    allowed["record"] = " base mips core traces record "
    allowed["replay"] = " base mips core traces replay "
    allowed["gdb"] = " base gdb "
    # The adapter that binds the debugger to the timeline, and the program that starts both.
    allowed["gdb/vm_"] = " base gdb replay mips core traces "
    allowed["replay/main"] = " base mips core traces replay gdb "
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, part, "\"")
    included = part[2]
    files++
    from = layer(FILENAME)
    if (FILENAME ~ /^gdb\/vm_[a-z]*\.[ch]$/)
        from = "gdb/vm_"
    if (FILENAME == "replay/main.c")
        from = "replay/main"
    to = layer(included)
    # trace.pb-c.h and such are generated into the build directory under their folder.
    if (index(included, "/") == 0) {
        printf "%s:%d: include \"%s\" with its folder\n", FILENAME, FNR, included
        bad = 1
    } else if (index(allowed[from], " " to " ") == 0) {
        printf "%s:%d: %s must not include \"%s\"\n", FILENAME, FNR, from, included
        bad = 1
    }
}
END {
    if (files == 0) {
        print "layers.sh: found no include at all"
        bad = 1
    }
    exit bad
}'
