#!/bin/sh
# A trace can be read without disco: zstd decompresses it, protoc prints it.
# Arguments: write_sample, trace.proto. Skipped (77) without the tools.
set -eu
write_sample=$1
proto=$2
command -v zstd >/dev/null && command -v protoc >/dev/null || exit 77

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$write_sample" "$dir/trace.zst"

zstd -q -t "$dir/trace.zst"
zstd -dc "$dir/trace.zst" |
    protoc --proto_path="$(dirname "$proto")" --decode=disco.Trace "$proto" >"$dir/text"

# Top-level fields: name and how often.
expect_count() {
    n=$(grep -c "^$1 {" "$dir/text") || true
    [ "$n" = "$2" ] || { echo "$n fields $1 instead of $2"; exit 1; }
}
expect_line() {
    grep -qF -- "$1" "$dir/text" || { echo "no line: $1"; cat "$dir/text"; exit 1; }
}
expect_count header 1
expect_count blob 3
expect_count symbols 1
expect_count input 2
expect_count events 2
expect_count digest 2
expect_count console 1
expect_count end 1
expect_line 'magic: "disco-trace"'
expect_line '  version: 7'
expect_line '    board: "malta"'
expect_line '    memory: 268435456'
expect_line '    append: "console=ttyS0 \"quoted\" \351"'
expect_line '    loss_ppm: 1000000'
expect_line '    gateway: true'
expect_line '  data: "ls\n"'
expect_line '  text: "Linux version 6\r\n"'
expect_line '  count: 20'
expect_line '  reason: "power-off"'
expect_line '  cycle: 18446744073709551615'
