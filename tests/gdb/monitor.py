"""The monitor commands, going to positions, leaving and coming back, and the end of a debugged
replay."""
import os
import re
import subprocess
import sys

import gdb

sys.path.insert(0, os.environ["DISCO_GDB_TESTS"])
from checks import (check, digest, finish, number, place, position, run, same, say, seconds, seek,
                    shows)

BUILD = os.environ["DISCO_BUILD"]
TRACE = os.environ["DISCO_TRACE"]
recorded = subprocess.run([BUILD + "/disco-trace", "info", TRACE], capture_output=True, text=True,
                          check=True).stdout
end = re.search(r"digest cycle=\d+ events=(\d+) (cpu=\w+) (devices=\w+) (memory=\w+)\s*$", recorded)
end_digest = " ".join(word.replace("=", " ") for word in end.groups()[1:])
end_step = int(re.search(r"at step (\d+)", recorded).group(1))

# Far at once: gdb hears of the replay all the time, and shows no complaint.
text = run("monitor seek end")
run("maint flush register-cache")
check(re.match(r"position \d+ of \d+, virtual time [\d.]+ s, pc", text), "seek end: %r" % text)
check("packet error" not in text, "no timeout: %r" % text)
same(position(), end_step, "seek end")
same(digest(), end_digest, "digest at the end, as recorded")
same(number("$virtual_ns") // 10, number("$cycle"), "100 cycles are a microsecond")

shows("monitor help", r"monitor seek")
shows("monitor nonsense", r"^Unknown command.*monitor help")
shows("monitor info version", r"^disco, replaying a trace")
shows("monitor seek", r"^usage: seek")
shows("monitor seek five", r"^usage: seek")
shows("monitor events 3", r"(.*\n){3}")
shows("monitor events syscall 2", r"syscall")
shows("monitor events nothing", r"no events of kind.*tlb-refill")
same(len(run("monitor events 7").splitlines()), 7, "seven events")
shows("monitor tlb", r"^ nr +virtual")
shows("monitor pmap 0x80101000", r"^80101000 -> physical 000101000 -> machine page")
shows("monitor pmap 0xb80003f8", r"no memory: a device")
shows("monitor pmap", r"^usage: pmap")
shows("monitor pmap 0x70000000", r"never did")
shows("monitor console 2", r"^\[.*Rebooting in")
check("Linux version" in run("monitor console"), "the whole console")
shows("monitor devices", r"uart")
shows("monitor asid 1000", r"^usage: asid")
same(run("monitor asid any"), "", "asid any")
same(run("monitor asid present"), "", "asid present")
shows("monitor phys", r"are off")
run("monitor phys on")
shows("x/xw 0", r"0x")
run("monitor phys off")

# Positions.
seek(1000000)
at = place()
check(at[0] in (1000000, 1000001), "seek 1000000: %r" % (at,))
before = digest()
check("Rebooting" not in run("monitor console"), "the console as of here")
seek("+1000")
check(1001000 <= position() <= 1001003, "seek +1000")
seek("-1000")
seek(at[0])
same((place(), digest()), (at, before), "seek back")
seek("begin")
same(position(), 0, "seek begin")
seek("-5")
same(position(), 0, "seek -5 at the beginning")

# Checkpoints.
seek(2000000)
first = place()
shows("monitor checkpoint here", r"^checkpoint 1 at position 200000[01]")
seek(3000000)
shows("monitor checkpoint", r"^checkpoint 2 at position 300000[01]")
shows("monitor checkpoints", r"^1: position 200000\d here\n2: position 300000\d")
shows("monitor restart 1", r"^position 200000[01] of")
run("maint flush register-cache")
same(place(), first, "restart 1")
shows("monitor delete checkpoint 1", r"^$")
shows("monitor restart 1", r"^usage: restart")
shows("monitor delete checkpoint 9", r"^usage: delete")
check("2:" in run("monitor checkpoints"), "the other one stays")

# Registers and memory of a recorded run cannot be changed.
shows("set $t0 = 3", r"cannot be changed|Could not write")
shows("set *(int *)0x80001000 = 4", r"Cannot access memory")

# The address is taken: one line, and another exit status.
address = gdb.selected_inferior().connection.details
taken = subprocess.run([BUILD + "/disco-replay", "--gdb", "unix:" + address, TRACE],
                       capture_output=True, text=True, timeout=60)
same(taken.returncode, 1, "exit status of a second server")
same((len(taken.stderr.splitlines()), taken.stdout), (1, ""), "what a second server says")
check("Address already in use" in taken.stderr, taken.stderr)
bad = subprocess.run([BUILD + "/disco-replay", "--gdb", "nowhere:99999", TRACE],
                     capture_output=True, text=True, timeout=60)
same((bad.returncode, len(bad.stderr.splitlines())), (1, 1), "a wrong address")

# Leaving and coming back: the position stays.
where = place()
run("break schedule")
run("detach")
run("target extended-remote " + address)
same(place(), where, "after coming back")
run("continue")
check("schedule" in run("frame"), "the breakpoint is set again")
run("delete")

# Starting at a position, and from the beginning.
run("starti 1234567")
check(position() in (1234567, 1234568), "starti: %d" % position())
run("tbreak start_kernel")
run("set args")
run("run")
check("start_kernel" in run("frame"), "run: %s" % run("frame"))
check(position() < 1000000, "run begins at the beginning")

# A debugged replay ends as an undebugged one.
run("reverse-stepi 10")
run("stepi 30")
took = seconds("continue")
same(digest(), end_digest, "digest at the end after all this")
same(position(), end_step, "the end")
say("continue to the end %.2f s" % took)
finish()
