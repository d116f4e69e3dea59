#!/bin/sh
# What tests/lib/normalise.sh takes out is gone wherever it stands, and nothing else is.
#
#   sh tests/installer/test-normalise.sh
set -eu

normalise=$(dirname "$0")/../lib/normalise.sh

# expect TEXT AS: TEXT and AS are formats of printf.
expect()
{
    # shellcheck disable=SC2059
    got=$(printf "$1" | sh "$normalise")
    # shellcheck disable=SC2059
    wanted=$(printf "$2")
    [ "$got" = "$wanted" ] && return
    printf 'test-normalise.sh: "%s" became\n%s\nand not\n%s\n' "$1" "$got" "$wanted" >&2
    exit 1
}

spurious='[    0.881353] spurious 8259A interrupt: IRQ7.\r\n'
expect "one\r\n${spurious}two\r\n" 'one\ntwo\n'
expect "shell (ash)${spurious}\r\nEnter\r\n" 'shell (ash)\nEnter\n'
expect "sh${spurious}ell [    1.000000] a line\r\n${spurious} (ash)\r\n" 'a line\nshell  (ash)\n'
expect "# power${spurious}" '# power\n'
expect 'spurious 8259A interrupt: IRQ6.\n' 'spurious 8259A interrupt: IRQ6.\n'
expect 'x = a[ 1 ] [0] [12.5]y\n' 'x = a[ 1 ] [0] [12.5]y\n'
