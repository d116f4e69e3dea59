# Prints the file that the net guest's server serves: MIB MiB, the same everywhere, no two pages of
# them equal.
#
#   sh make-payload.sh MIB
#
# A block of numbered lines comes again and again, each time elsewhere in its page: quick to make in
# a slow guest.

# shellcheck shell=sh
block=${TMPDIR:-/tmp}/make-payload.$$
seq 100000 249999 | head -c 1048000 >"$block"
n=0
while [ $n -le "$1" ]; do
    printf 'block %04d\n' $n
    cat "$block"
    n=$((n + 1))
done | head -c $(($1 * 1048576))
rm -f "$block"
