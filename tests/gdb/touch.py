"""Watchpoints of memory in the guest `touch`, under the real gdb: what devices, the loader and other
addresses change, in both directions, and what gdb then says."""
import os
import re
import sys

import gdb

sys.path.insert(0, os.environ["DISCO_GDB_TESTS"])
from checks import check, digest, finish, pc, place, position, run, same, say, seek, shows

ARENA, RINGS, PROM = 0x600000, 0x610000, 0x2100
END = "No more reverse-execution history"


def stops(command, most=1000):
    """(text, place) of each stop, until the history ends."""
    found = []
    while len(found) < most:
        text = run(command)
        if END in text:
            break
        found.append((text, place()))
    return found


def values(text):
    return [line.split("= ")[1] for line in text.splitlines() if line.startswith(("Old", "New"))]


def by_whom(text):
    why = re.search(r"^physical .* (?:is|are) (?:changed|written|read) by (.*)$", text, re.M)
    return why.group(1) if why else "an instruction"


def both_ways(expression, what):
    """All changes, forward and backward: (values, by whom, place behind) of each, in order."""
    seek("begin")
    run("watch %s" % expression)
    forward = stops("continue")
    backward = stops("reverse-continue")
    run("delete")
    backward.reverse()
    same([values(text)[::-1] for text, _ in backward], [values(text) for text, _ in forward],
         "values of %s" % what)
    same([by_whom(text) for text, _ in backward], [by_whom(text) for text, _ in forward],
         "who changed %s" % what)
    for (_, behind), (_, before) in zip(forward, backward):
        check(0 < behind[0] - before[0] <= 2, "%s: %r and %r" % (what, before, behind))
    return [(values(text), by_whom(text), at) for text, at in forward]


# What the disk brings, by the address at which the CPU sees it, and by two more.
word = "*(unsigned *)0x%x"
kseg0 = both_ways(word % (0x80000000 + ARENA), "a word through KSEG0")
check(len(kseg0) >= 2, "changes of a word: %r" % kseg0)
disk = [who for _, who, _ in kseg0 if who.startswith("ide: DMA of ")]
check(len(disk) >= 2, "DMA of the disk: %r" % kseg0)
for who in disk:
    check(re.match(r"ide: DMA of \d+ bytes to 0x0060\w{4}, disk 0, sector \d+:", who), who)
same(both_ways(word % (0xa0000000 + ARENA), "a word through KSEG1"), kseg0, "KSEG1 and KSEG0")
run("monitor phys on")
same(both_ways(word % ARENA, "a physical word"), kseg0, "physical and KSEG0")
run("monitor phys off")

# Bytes that stores and the entropy device change, those of its rings, and one that a reset puts right.
random_bytes = [both_ways("*(unsigned long long *)0x%x" % (0x80000000 + ARENA + at), "bytes %x" % at)
                for at in range(0x40, 0x8000, 0x6d0)]
whole = [who for changes in random_bytes for _, who, _ in changes]
check(any(re.match(r"rng queue 0 descriptor \d+: DMA of \d+ bytes to", who) for who in whole),
      "the entropy device: %r" % whole)
check("an instruction" in whole, "stores: %r" % whole)
used = both_ways("*(unsigned short *)0x%x" % (0x80000000 + RINGS + 0x1002), "the used index")
check(any(re.match(r"rng queue 0 descriptor \d+: ring or table access of 2 bytes to", who)
          for _, who, _ in used), "the used ring: %r" % used)
reset = both_ways("*(unsigned char *)0x%x" % (0x80000000 + PROM), "a byte of the loader's")
same([who.split(":")[0] for _, who, _ in reset][-1], "power-on or reset", "reset: %r" % reset)

# Reads of a device are accesses, too.
seek("begin")
run("rwatch *(unsigned short *)0x%x" % (0xa0000000 + RINGS + 0x802))
text = run("continue")
check("Value = " in text and "rng queue 0: ring or table access of 2 bytes from" in text,
      "a device reads: %s" % text)
run("delete")

# The address by which the guest maps a page means whatever it maps there at the moment. A stop by a
# store is one at that memory, and all stores that the program does through it are met.
seek(kseg0[-1][2][0])
run("watch *(unsigned char *)0x00400100")
mapped = stops("reverse-continue", 4)
for text, at in mapped:
    physical = re.search(r"physical 0*(\w+)", run("monitor pmap 0x00400100"))
    check(physical and int(physical.group(1), 16) & 0xfff == 0x100, "pmap: %r" % physical)
    check(len(values(text)) == 2, "mapped: %s" % text)
check(len(mapped) >= 1, "changes through the mapped page")
run("delete")

# A breakpoint at the very place where the DMA comes: gdb tells both.
behind = [at for _, who, at in kseg0 if who.startswith("ide")][0]
seek(behind[0] - 1)
at = place()
seek("begin")
run("watch %s" % (word % (0x80000000 + ARENA)))
run("break *0x%x if $position == %d" % (at[1], at[0]))
found = [text for text, _ in stops("continue")]
check(sum("Breakpoint" in text for text in found) == 1, "the breakpoint beside a DMA: %r" % found)
same(len([text for text in found if "Hardware" in text]), len(kseg0), "changes beside a breakpoint")
run("delete")

# The user's own watchpoints.
seek("begin")
shows("monitor watch-physical 0x600000 4", r"^1: 4 bytes from physical 0x00600000, write")
shows("monitor watch-physical 0x610802 2 read", r"^2: 2 bytes from physical 0x00610802, read")
shows("monitor watches", r"^1: (.*\n)2: ")
shows("monitor unwatch-physical 2", r"^$")
shows("monitor unwatch-physical 2", r"there is no watch 2")
for wrong in ("watch-physical", "watch-physical 0x600000 0x200000000", "watch-physical 0x600000 4 often",
              "watch-physical 0x100000000 1", "unwatch-physical", "unwatch-physical 0"):
    shows("monitor " + wrong, r"^usage: ")
shows("monitor watch-physical 0x600000 0", r"1 to 16777216 bytes")
shows("monitor watch-physical 0x600000 0x2000000", r"1 to 16777216 bytes")
shows("monitor watch-physical 0x1f000000 4", r"There is no memory")
run("monitor unwatch-physical 5")
run("monitor unwatch-physical 6")
shows("monitor watches", r"^1: .*$")
own = stops("continue")
same([at for _, at in own], [at for _, _, at in kseg0], "watch-physical forward")
check(all("SIGTRAP" in text and re.search("^Watch 1, physical 0x0060000. is changed by", text, re.M)
          for text, _ in own), "what watch-physical says: %r" % own)
back = stops("reverse-continue")
same(len(back), len(own), "watch-physical backward")
for (_, before), (_, after) in zip(reversed(back), own):
    check(0 < after[0] - before[0] <= 2, "watch-physical: %r and %r" % (before, after))
run("monitor unwatch-physical all")
shows("monitor watches", r"^$")

# Where nothing is watched any more, the run ends as it was recorded.
seek("end")
last = digest()
seek("begin")
run("watch *(unsigned *)0x%x" % (0x80000000 + RINGS + 0x1000))
stops("continue", 3)
run("delete")
seek("end")
same(digest(), last, "the end after watching")
say("changes of one word: %d; of some bytes: %d" % (len(kseg0), len(whole)))
finish()
