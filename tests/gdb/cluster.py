"""Three VMs of two byte orders, each an inferior: registers and memory side by side, breakpoints in
one and in all, watchpoints, steps of one VM while the others go on, and all of it backward."""
import os
import random
import sys

import gdb

sys.path.insert(0, os.environ["DISCO_GDB_TESTS"])
from checks import check, finish, number, pc, position, run, same, say, seek, shows

VMS = {1: "little", 2: "big", 3: "sleeper"}


def select(vm):
    run("inferior %d" % vm)


def stopped():
    """(VM, position, its own steps, pc) of the thread that gdb stopped at."""
    return gdb.selected_inferior().num, position(), number("$step"), pc()


def digests():
    return [run("monitor vm %d digest" % vm).strip() for vm in VMS]


def pcs():
    seen = []
    for vm in VMS:
        select(vm)
        seen.append((pc(), number("$step")))
    return seen


# All are attached, each with its own program and byte order.
same([i.num for i in gdb.inferiors()], [1, 2, 3], "inferiors")
same(sorted(i.pid for i in gdb.inferiors()), [1, 2, 3], "pids")
shows("info os processes", r"^1 +attached +little *\n2 +attached +big *\n3 +attached +sleeper")
shows("info threads", r"^\* 1\.1 .*little, step 0, position 0.*\n.*2\.1 .*big, step 0.*\n.*3\.1 .*sleeper")
for vm, name in VMS.items():
    select(vm)
    same(pc(), 0xbfc00000, "reset vector of " + name)
    shows("show endian", "big endian" if name == "big" else "little endian")
    shows("monitor when", r"position 0 of \d+, %d:0 %s," % (vm, name))

# A breakpoint on a name that all have stops in each of them, in the order of the run.
select(1)
shows("break guest_main", r"3 locations")
hits = []
for _ in VMS:
    run("continue")
    hits.append(stopped())
same(sorted(hit[0] for hit in hits), [1, 2, 3], "each VM met its breakpoint")
check([hit[1] for hit in hits] == sorted(hit[1] for hit in hits), "in order: %r" % hits)
for vm, name in VMS.items():
    select(vm)
    check(0x80100000 < number("(unsigned)$sp") < 0x80200000, "sp of %s" % name)
    shows("x/i (char *)&guest_main", r"addiu\s+sp,sp,-")
    shows("backtrace", r"guest_run")
# The same in reverse order, to the beginning.
for want in reversed(hits[:-1]):
    run("reverse-continue")
    same(stopped(), want, "back")
shows("reverse-continue", r"No more reverse-execution history")
same(position(), 0, "the beginning")
for want in hits:
    run("continue")
    same(stopped(), want, "and forward again")
run("delete")

# One is left; its breakpoint goes with it, the others stay. It can be attached again.
seek("begin")
select(1)
run("break guest_main")
select(3)
run("detach")
select(1)
met = []
while len(met) < 3 and "hit Breakpoint" in run("continue"):
    met.append(gdb.selected_inferior().num)
same(sorted(met), [1, 2], "the ones that are still attached")
run("delete")
select(3)
shows("attach 3", r"reset_board|in pass")
same((len(gdb.inferiors()), gdb.selected_thread().ptid[0]), (3, 3), "attached again")
seek("begin")
select(1)

# A breakpoint of one VM only, and a watchpoint of another.
seek("begin")
select(2)
run("tbreak trap_handle thread 2.1")
run("continue")
same(gdb.selected_inferior().num, 2, "the big one traps")
check(run("backtrace").count("#") >= 2, "its frames")
run("watch trap_count")
run("continue")
at = stopped()
same(at[0], 2, "the watchpoint is of the big one")
old = number("trap_count")
check(old == 1, "trap_count %d" % old)
run("continue")
same((stopped()[0], number("trap_count")), (2, 2), "once more")
run("reverse-continue")
same(number("trap_count"), 1, "before the second store")
run("reverse-continue")
same(number("trap_count"), 0, "before the first store")
run("delete")

# Steps of one VM, while the others go on, and back.
chance = random.Random(int(os.environ.get("DISCO_TEST_SEED", "1"), 0))
end = int(run("monitor when").split(" of ")[1].split(",")[0])
steps = 0
for _ in range(12):
    seek(chance.randrange(1000, end - 200000))
    vm = chance.choice((1, 2, 3))
    select(vm)
    k = chance.randint(1, 40)
    run("stepi")
    run("reverse-stepi")  # right before its next unit
    before, there, own = digests(), position(), number("$step")
    run("stepi %d" % k)
    check(number("$step") >= own + k or number("$step") == own or position() == end,
          "%d steps of VM %d: %d" % (k, vm, number("$step") - own))
    same(gdb.selected_inferior().num, vm, "stays with its VM")
    if position() == end:
        continue
    run("reverse-stepi %d" % k)
    same((position(), number("$step")), (there, own), "back of VM %d" % vm)
    same(digests(), before, "digests of all after %d steps and back" % k)
    steps += 2 * k
say("%d steps" % steps)

# No VM's registers are stale, whoever moved.
seek(end // 2)
first = pcs()
select(1)
run("stepi 2000")
moved = pcs()
check(all(a[1] < b[1] for a, b in zip(first[:1], moved[:1])), "all moved: %r %r" % (first, moved))
shown = run("monitor vms")
for vm, (at, own) in enumerate(moved, 1):
    select(vm)
    shows("monitor when", r"%d:%d \w+, .*pc %08x" % (vm, own, at))
    check("%16d" % own in shown, "monitor vms: %s" % shown)

# A position by the steps of a VM.
run("monitor seek 2:12345")
run("maint flush register-cache")
select(2)
check(number("$step") in (12345, 12346), "seek 2:12345")
shows("monitor seek 9:1", r"^usage: seek")
shows("monitor seek 1:x", r"^usage: seek")

# The monitor commands are about the selected VM, or the one named.
seek("end")
for vm in VMS:
    shows("monitor vm %d console" % vm, r"PASS")
shows("monitor vm 7 when", r"^usage: vm")
shows("monitor vm 1 vm 1 when", r"^usage: vm")
shows("monitor events 2", r"^\d:\d+ \w+ pc=\w+ ")
for word in ("2:", "1:", "3:"):
    check(word in run("monitor events all 2000"), "events of all: %s" % word)
select(2)
check(all(line.startswith("2:") for line in run("monitor events 5").splitlines()), "only its own")
shows("monitor memory", r"^little +8192 .*\nbig +8192 .*\nsleeper +8192 .*\nall +24576 ")
shows("monitor net", r"no networks")
shows("monitor frame", r"got no frame")

finish()
