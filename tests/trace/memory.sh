#!/bin/sh
# disco-trace memory: its tables, CSV and pictures of traces with known samples; traces without
# samples, cut, damaged and impossible ones.
# Arguments: disco-trace, write_memory, write_sample.
set -eu
tool=$1
write_memory=$2
write_sample=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() {
    echo "$1"
    exit 1
}
# expect STATUS TEXT COMMAND...: exit status, and text in what it prints
expect() {
    want=$1 text=$2 got=0
    shift 2
    "$@" >out 2>&1 || got=$?
    [ "$got" = "$want" ] || fail "$*: status $got instead of $want: $(cat out)"
    [ -z "$text" ] || grep -qF -- "$text" out || fail "$*: no \"$text\" in: $(cat out)"
}
# refused TEXT FILE: status 1, and one line, which starts so
refused() {
    expect 1 "disco-trace: $1" "$tool" memory "$2"
    [ "$(wc -l <out)" = 1 ] || fail "$2: more than one line: $(cat out)"
}
# same FILE: standard output of the last command is the text on standard input
same() {
    sed 's/ *$//' out >got
    diff - got || fail "$1: not as expected"
}
# picture FILE TEXT...: well-formed, all numbers finite, and holds the texts
picture() {
    file=$1
    shift
    python3 - "$file" "$@" <<'EOF'
import math, re, sys
import xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
texts = [t.text or "" for t in root.iter() if t.tag.endswith("}text") or t.tag.endswith("}title")]
for wanted in sys.argv[2:]:
    if not any(wanted in t for t in texts):
        sys.exit(f"{sys.argv[1]}: no text \"{wanted}\" in {texts}")
width, height = float(root.get("width")), float(root.get("height"))
for e in root.iter():
    for name, limit in (("x", width), ("y", height), ("cx", width), ("cy", height)):
        value = e.get(name)
        if value is not None and not -0.01 <= float(value) <= limit:
            sys.exit(f"{sys.argv[1]}: {e.tag} at {name}={value} lies outside of the page")
    for number in re.findall(r"[-+.0-9a-z]+", re.sub("[MLHZ]", " ", e.get("d") or "")):
        if not 0 <= float(number) <= max(width, height):
            sys.exit(f"{sys.argv[1]}: a path goes to {number}")
EOF
}

for case in 1 2 8 exact none one huge too-huge backward state stranger gone torn long too-long; do
    "$write_memory" "$case.zst" "$case"
done

expect 0 '' "$tool" memory exact.zst
same exact.zst <<'EOF'
MiB at 3 of 3 samples
    seconds   vm  promised       own    shared      zero   balloon   swapped   machine reclaim
      0.000    0     512.0     200.0       0.0     312.0       0.0       0.0         - -
      0.000    1     512.0     100.0       0.0     412.0       0.0       0.0         - -
      0.000  all    1024.0     300.0       0.0     724.0       0.0       0.0     300.0 high
      1.500    0     512.0     150.0     100.0     212.0      50.0       0.0         - -
      1.500    1     512.0      60.0     140.0     300.0       0.0      12.0         - -
      1.500  all    1024.0     210.0     240.0     512.0      50.0      12.0     270.0 soft
      3.000    0     512.0     160.0      60.0     242.0      50.0       0.0         - -
      3.000    1     512.0      80.0      90.0     342.0       0.0       0.0         - -
      3.000  all    1024.0     240.0     150.0     584.0      50.0       0.0     290.0 low

 MiB promised   without sharing            shared              zero           balloon           swapped
  vm     peak     peak     mean     peak     mean     peak     mean     peak     mean     peak     mean name
   0    512.0    250.0    223.3    100.0     53.3    312.0    255.3     50.0     33.3      0.0      0.0 vm \"0\" & <co>\xff
   1    512.0    200.0    156.7    140.0     76.7    412.0    351.3      0.0      0.0     12.0      4.0 vm \"1\" & <co>\xff
 all   1024.0    450.0    380.0    240.0    130.0    724.0    606.7     50.0     33.3     12.0      4.0

         pages that came to be shared by                                   paged                                  bytes
  vm     disk      net  content     boot      zero    broken       out        in  intercepted     remapped       copied
   0        0        0        3        0         0         1         0         0            0            0            0
   1        2        2        0        1         1         0         1         1         4096         8192         1808
 all        2        2        3        1         1         1         1         1         4096         8192         1808

machine memory, MiB: 1024.0 there are, 300.0 in use at most, 286.7 on average; sharing saves 190.0 at most
reclaim, samples: 1 high, 1 soft, 0 hard, 1 low
2 VMs use 60.0 % of what they would without sharing: 270.0 of 450.0 MiB at 1.500 s, when that is most (75.4 % on average, 74.4 % at the end)
sharing then saves 190.0 MiB: 0.0 known to be within VMs, 0.0 across VMs, 190.0 not known; zero pages 512.0 MiB
EOF
expect 0 '' "$tool" memory --csv exact.zst
same exact.csv <<'EOF'
trace,ns,vm,promised,own,shared,zero,balloon,swapped,machine,machine_shared,pool,reclaim,within,across
exact.zst,0,0,131072,51200,0,79872,0,0,,,,,,
exact.zst,0,1,131072,25600,0,105472,0,0,,,,,,
exact.zst,0,all,262144,76800,0,185344,0,0,76800,0,262144,high,0,0
exact.zst,1500000000,0,131072,38400,25600,54272,12800,0,,,,,,
exact.zst,1500000000,1,131072,15360,35840,76800,0,3072,,,,,,
exact.zst,1500000000,all,262144,53760,61440,131072,12800,3072,69120,12800,262144,soft,2,1
exact.zst,3000000000,0,131072,40960,15360,61952,12800,0,,,,,,
exact.zst,3000000000,1,131072,20480,23040,87552,0,0,,,,,,
exact.zst,3000000000,all,262144,61440,38400,149504,12800,0,74240,11520,262144,low,1,0
EOF

# One trace over time.
expect 0 '8 VMs use 51.2 % of what they would without sharing' "$tool" memory --svg 8.svg 8.zst
picture 8.svg 'Virtual and machine memory of 8 VMs' 'At 20.000 s the VMs use 287.9 MiB' 51.2 \
    'memory (MiB)' 'virtual time (s)' 1024 ballooned

# Several, in any order.
expect 0 '' "$tool" memory --svg all.svg 8.zst 1.zst 2.zst
tail -n 4 out >tail && mv tail out
same comparison <<'EOF'
 vms  promised  unshared   machine  per cent    shared     saved    within    across      zero trace
   1     128.0      70.0      76.2   108.8 %      40.0       0.0       0.0       0.0      36.0 1.zst
   2     256.0     140.1     106.2    75.8 %      80.0      39.9       9.9      30.0      71.9 2.zst
   8    1024.0     562.6     287.9    51.2 %     320.9     280.7      40.0     210.0     285.4 8.zst
EOF
picture all.svg 'machine, own: 241.8 MiB' '51.2 %' '75.8 %' '8 VMs' '% of virtual memory' 'V: virtual'
expect 0 '' "$tool" memory --csv 8.zst 1.zst
[ "$(grep -c ',all,' out)" = 42 ] || fail 'two traces as CSV are not all there'
cp 1.zst 'a,"b".zst'
expect 0 '"a,""b"".zst",500000,0,' "$tool" memory --csv 'a,"b".zst'

# More samples than rows, and than pixels.
expect 0 'MiB at 16 of 5000 samples (--csv prints all)' "$tool" memory --svg long.svg long.zst
[ "$(grep -c ' all .* high$' out)" = 16 ] || fail "not 16 rows: $(cat out)"
grep -q '^ *0\.000  all' out && grep -q '^ *4999\.000  all' out || fail 'first or last is missing'
picture long.svg 'At 255.000 s'
[ "$(wc -c <long.svg)" -lt 150000 ] || fail 'the picture of many samples is large'
"$tool" memory --csv long.zst | grep -c ',all,' >out
[ "$(cat out)" = 5000 ] || fail "--csv prints $(cat out) samples"
"$tool" memory --csv long.zst | head -n 1 >/dev/null || fail 'a closed pipe is an error'

# Extremes that are shown.
expect 0 'no VM had any memory' "$tool" memory --svg one.svg one.zst
picture one.svg '1 VM'
expect 0 '4294967296.0 of 8589934592.0 MiB at 18446744073.709 s' "$tool" memory --svg h.svg huge.zst
picture h.svg 'memory (TiB)'
expect 0 '' "$tool" memory --svg mixed.svg huge.zst one.zst exact.zst
picture mixed.svg 20480 4294967296.0
expect 0 '33.3 %' "$tool" memory gone.zst
awk '$1 == "0.000" && $2 == "1" { print $3 }' out | tr '\n' ' ' | grep -qx '2.0 0.0 0.0 ' ||
    fail "a VM that is gone still counts: $(cat out)"

# No samples, impossible ones, too many.
refused 'none.zst: no samples of memory in it (no events "memory" and "pool")' none.zst
refused 'too-huge.zst: step 0 of VM 1: a sample of memory with 1099511627777 pages' too-huge.zst
refused 'backward.zst: step 2000: the sample of memory at 19 ns comes after 20 ns' backward.zst
refused 'state.zst: step 1000: there is no state of reclaim 4' state.zst
refused 'stranger.zst: ' stranger.zst
refused 'too-long.zst: more ' too-long.zst
refused 'nowhere.zst: ' nowhere.zst
: >empty.zst
refused 'empty.zst: not a trace: the file is empty' empty.zst
"$write_sample" sample.zst
refused 'sample.zst: ' sample.zst
expect 1 'none.zst: no samples' "$tool" memory --svg no.svg 8.zst none.zst
[ ! -e no.svg ] || fail 'a picture of a failure'

# Cut: what is there is shown, whole samples only. Damaged: that, and an error.
size=$(wc -c <8.zst)
for part in 3 4 5 6 7 8 9; do
    head -c $((size * part / 10)) 8.zst >cut.zst
    expect 0 'disco-trace: cut.zst: the trace is cut: ' "$tool" memory --csv cut.zst
    samples=$(grep -c ',all,262144,' out)
    [ "$samples" -ge $((part * 2 - 1)) ] && [ "$samples" -le 20 ] || fail "$samples samples: $part"
    [ "$(grep -c '^cut.zst,' out)" = $((9 * samples)) ] || fail "not whole samples: $part"
done
expect 0 'MiB at 1 of 1 samples' "$tool" memory torn.zst
head -c 300 8.zst >cut.zst
refused 'cut.zst: no samples of memory in it' cut.zst
{
    head -c $((size / 2)) 8.zst
    printf 'XXXX'
    tail -c +$((size / 2 + 5)) 8.zst
} >bad.zst
expect 1 'disco-trace: bad.zst: offset ' "$tool" memory --svg bad.svg bad.zst
grep -q '8 VMs use' out || fail 'the good part of a damaged trace is not shown'
picture bad.svg '8 VMs'
{
    head -c 400 8.zst
    printf 'XXXX'
    tail -c +405 8.zst
} >bad.zst
refused 'bad.zst: offset ' bad.zst

# The command line.
expect 1 'a command and one file' "$tool" memory
expect 1 'nodir/x.svg: cannot create: No such file or directory' "$tool" memory --svg nodir/x.svg exact.zst
grep -q '2 VMs use' out || fail 'no table without a picture'
if [ -w /dev/full ]; then
    expect 1 '/dev/full: No space left on device' "$tool" memory --svg /dev/full exact.zst
fi
expect 0 '--svg=FILE' "$tool" --help
expect 0 'memory FILE...' "$tool" --help
expect 1 'too many arguments' "$tool" memory $(yes exact.zst | head -n 65)
