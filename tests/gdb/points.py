"""Breakpoints, watchpoints and gdb's ways to step, in both directions, in the init of the guest
bad-init (user memory) and in its kernel."""
import os
import re
import signal
import sys
import threading
import time

import gdb

sys.path.insert(0, os.environ["DISCO_GDB_TESTS"])
from checks import (check, digest, finish, number, pc, place, position, run, same, say, seconds,
                    seek, shows)

run("add-symbol-file build/guests/bad-init.elf")
run("directory tests/guest/initramfs")


def hits(command, most):
    """(text, place) of each stop, until the history ends or `most` are there."""
    found = []
    while len(found) < most:
        text = run(command)
        if "No more reverse-execution history" in text:
            break
        found.append((text, place()))
    return found


def pair(forward, backward, what):
    """Accesses: forward gdb stops behind each, backward at each."""
    same(len(backward), len(forward), what)
    for (_, a), (_, b) in zip(forward, reversed(backward)):
        check(0 < a[0] - b[0] <= 2 and a[1] != b[1], "%s: %r and %r" % (what, a, b))


def values(text):
    return [line.split("= ")[1] for line in text.splitlines() if line.startswith(("Old", "New"))]


# To init's first instruction, from the kernel.
run("tbreak *&__start")
run("continue")
start = place()
same(pc(), number("(unsigned)&__start"), "tbreak at the start of init")
check("No breakpoints" in run("info breakpoints"), "tbreak is gone after its stop")

# Watch user memory, forward and backward: the same changes in reverse order.
run("watch run_counts[0]")
forward = hits("continue", 5)
same([values(text)[1] for text, _ in forward], ["1", "2", "3", "4", "5"], "counts forward")
far = place()
run("stepi 3")
backward = hits("reverse-continue", 5)
same([values(text) for text, _ in backward],
     [list(reversed(values(text))) for text, _ in reversed(forward)], "changes backward")
pair(forward, backward, "stores")
run("delete")
stores = [at for _, at in reversed(backward)]

# A breakpoint at the store, met together with the watchpoint; continue from it both ways.
seek(start[0])
store = stores[0][1]
run("break *%d" % store)
# The store counts for other services, too.
found = hits("continue", 11)
same([at for _, at in found if at in stores], stores, "breakpoint at the store")
run("watch run_counts[0]")
seek(far[0])
run("stepi 3")
seen = []
for _ in range(20):
    text = run("reverse-continue")
    if "No more" in text or position() < stores[0][0]:
        break
    if place() not in seen:
        seen.append(place())
same([at for at in seen if at in stores], list(reversed(stores)), "both, backward")
run("delete")

# Reads.
seek(start[0])
run("rwatch services[0].period")
reads = hits("continue", 4)
check(all("Value = 1" in text for text, _ in reads), "rwatch forward: %r" % reads)
run("stepi 2")
back = hits("reverse-continue", 4)
check(all("Value = 1" in text for text, _ in back), "rwatch backward: %r" % back)
pair(reads, back, "reads")
run("delete")
seek(start[0])
run("awatch service_count")
accesses = hits("continue", 6)
run("stepi 2")
pair(accesses, hits("reverse-continue", 6), "accesses")
run("delete")

# The N-th pass of a loop: each hit forward is one backward, at the same place.
seek(start[0])
run("break copy_name")
run("hbreak register_service")
loop = hits("continue", 30)
run("delete")
run("stepi")
run("break copy_name")
run("hbreak register_service")
back = hits("reverse-continue", 30)
same([at for _, at in back], [at for _, at in reversed(loop)], "loop backward")
check(len(set(loop)) == 30, "thirty places")
run("delete")

# Conditions run in the replay: 200000 passes of the loop in do_work, counted down.
seek(start[0])
run("tbreak *&do_work")
run("continue")
begin = place()
code = run("x/13i $pc")
loop = int(re.search(r"(0x\w+) <do_work.*mul\s", code).group(1), 16)
counter = "$" + re.search(r"addiu\s+(\w\w),\1,-1", code).group(1)
run("break *%d if %s == 50000" % (loop, counter))
took = seconds("continue")
same(number(counter), 50000, "condition forward")
at = place()
run("delete")
run("tbreak *%d if %s == 100000" % (loop, counter))
took_back = seconds("reverse-continue")
same(number(counter), 100000, "condition backward")
same(at[0] - position(), 4 * 50000, "50000 passes of 4 instructions")
say("150000 conditions %.2f s, those before 50000 more backward %.2f s" % (took, took_back))
run("delete")

# Out of the function, and back over its call.
run("finish")
out = place()
check("run_service" in run("frame"), "finish: %s" % run("frame"))
run("reverse-step")
check("do_work" in run("frame"), "reverse-step enters a function from its end: %s" % run("frame"))
run("reverse-finish")
check("run_service" in run("frame"), "reverse-finish: %s" % run("frame"))
check(begin[0] - 2 <= position() < begin[0], "reverse-finish is at the call")
took = seconds("next")
check("runs += 1" in run("frame"), "next over do_work: %s" % run("frame"))
took_back = seconds("reverse-next")
check("do_work();" in run("frame"), "reverse-next over do_work: %s" % run("frame"))
say("next over 1 M instructions %.2f s, reverse-next %.2f s" % (took, took_back))
run("step")
check("do_work" in run("frame"), "step into do_work")
run("next")

# Kernel data by address, written with the kernel's own code; a breakpoint by name.
seek(start[0])
run("break schedule")
forward = hits("continue", 3)
run("stepi")
back = hits("reverse-continue", 3)
same([at for _, at in back], [at for _, at in reversed(forward)], "schedule() backward")
run("delete")

# The ends of history, again and again.
seek("end")
shows("continue", "No more reverse-execution history")
shows("continue", "No more reverse-execution history")
run("reverse-stepi")
seek(500)
shows("reverse-continue", "No more reverse-execution history")
same(position(), 0, "the beginning")
shows("reverse-stepi", "No more reverse-execution history")
shows("reverse-continue", "No more reverse-execution history")


# Ctrl-C.
def interrupted(command):
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Timer(0.7, interrupt).start()
    text = run(command)
    took = time.monotonic() - sent[0]
    check("SIGINT" in text, "Ctrl-C in %s: %r" % (command, text))
    check(took < 1.0, "Ctrl-C in %s took %.2f s" % (command, took))
    say("Ctrl-C in %s: %.2f s" % (command, took))


interrupted("continue")
check(position() > 0, "Ctrl-C forward")
seek("end")
end = position()
interrupted("reverse-continue")
check(0 < position() < end, "Ctrl-C backward: %d" % position())
run("stepi")

seek("end")
check(position() == end, "the end again")
finish()
