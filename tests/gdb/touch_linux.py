"""Under Debian's kernel: for DMA, and pages of frames, that the trace tells of, a watchpoint there names
the device and the request, backward and forward; and gdb's watchpoint finds the same."""
import os
import re
import sys

import gdb

sys.path.insert(0, os.environ["DISCO_GDB_TESTS"])
from checks import check, finish, number, run, same, seek

PICKED = 6

several = len(gdb.inferiors()) > 1
seek("end")
devices = [line.split()[0] for line in run("monitor devices").splitlines() if line]


def events(kind):
    """(VM, step, arguments) of those that write to memory."""
    found = []
    for line in run("monitor events all %s 10000" % kind).splitlines():
        place = re.match(r"(\d+):(\d+) ", line) or re.match(r"(\d+) vm\d+/", line)
        vm, step = (int(place.group(1)), int(place.group(2))) if several else (1, int(place.group(1)))
        arguments = {name: int(value, 16) for name, value in re.findall(r" (\w+)=(\w+)", line)}
        if kind == "remap" or arguments["dir"] == 1:
            found.append((vm, step, arguments))
    return found


def picked(kind):
    all_of_them = events(kind)
    return all_of_them[::max(1, len(all_of_them) // PICKED)][:PICKED]


def go(vm, step):
    seek("%d:%d" % (vm, step))
    if several:
        run("inferior %d" % vm)


def explained(vm, step, address, length, pattern):
    go(vm, step + 1)
    run("monitor vm %d watch-physical 0x%x %d access" % (vm, address, length))
    text = run("reverse-continue")
    check(re.search(pattern, text), "backward to %d:%d: no %r in %r" % (vm, step, pattern, text))
    same(number("$step"), step, "backward to the DMA")
    text = run("continue")
    check(re.search(pattern, text), "forward over %d:%d: no %r in %r" % (vm, step, pattern, text))
    check(0 < number("$step") - step <= 2, "forward over the DMA: %d" % number("$step"))
    run("monitor unwatch-physical all")


transfers = picked("dma")
pages = picked("remap") if several else []
for vm, step, dma in transfers:
    device = devices[dma["device"]]
    explained(vm, step, dma["address"], dma["length"],
              r"%s( queue \d+ descriptor \d+)?: DMA of %d bytes? to 0x%08x" %
              (device, dma["length"], dma["address"]))

    # gdb's own, on the first byte: from behind, back to what changed it last.
    pointer = "*(unsigned char *)0x%x" % (0x80000000 + dma["address"])
    go(vm, step)
    before = number(pointer)
    go(vm, step + 1)
    after = number(pointer)
    run("watch " + pointer)
    text = run("reverse-continue")
    if before != after:
        same(number("$step"), step, "gdb's watch goes back to the DMA")
        check("by %s" % device in text, "gdb's watch names the device: %s" % text)
    else:
        check(number("$step") < step, "gdb's watch passes what changes nothing")
    run("delete")

for vm, step, page in pages:
    explained(vm, step, page["ppn"] * 4096 + 8, 4,
              r"nic\d queue 0 descriptor \d+: page of 4096 bytes to 0x%08x, frame 0x%x[:;]" %
              (page["ppn"] * 4096, page["frame"]))

same((len(transfers), len(pages)), (PICKED, PICKED if several else 0), "transfers and pages")
finish()
