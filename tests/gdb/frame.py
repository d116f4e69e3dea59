"""From a frame in its receiver back to the instruction of the sender that sent it."""
import os
import re
import sys

import gdb

sys.path.insert(0, os.environ["DISCO_GDB_TESTS"])
from checks import check, finish, number, pc, position, run, same, say, seek, shows

TX = 1  # number of the queue to send
shows("monitor net", r"^network lan\n  server nic 0, .*sent 0 frames(.*\n)+  client nic 0")

# The receiver's driver hands a frame to the kernel: the fifth, so that others are before.
run("break napi_gro_receive thread 2.1")
run("continue 5")
same(gdb.selected_inferior().num, 2, "the client stops")
received = position()
text = shows("monitor frame", r"^frame 0x\w+, \d+ bytes")
frame, length = re.search(r"^frame 0x(\w+), (\d+) bytes", text).groups()
sent = re.search(r"^  1:(\d+) sent by server nic 0, pc \w+$", text, re.M)
got = re.search(r"^  2:(\d+) received by client nic 0, pc \w+$", text, re.M)
check(sent and got, "who sent and got it: %s" % text)
check(int(got.group(1)) <= number("$step"), "it was received before")
shows("monitor net", r"client nic 0, .*got [1-9]\d* ")
run("delete")

# To where the card took it, and from there back to the driver's write that told it to.
seek("1:%s" % sent.group(1))
run("inferior 1")
check(position() < received, "sent before it was received")
same(number("$step"), int(sent.group(1)), "the sender's place")
run("break *(&iowrite16) thread 1.1 if $a0 == %d" % TX)
run("reverse-continue")
same((gdb.selected_inferior().num, pc(), number("$a0")),
     (1, number("(unsigned)&iowrite16"), TX), "the driver rings the bell")
check(int(sent.group(1)) - number("$step") < 20000, "shortly before the card took it")
run("delete")
code = ""
for _ in range(20):
    code = run("x/i $pc")
    if re.search(r"\bsh\b", code):
        break
    run("stepi")
target = re.search(r"\bsh\s+(\w+),(-?\d+)\((\w+)\)", code)
check(target, "the store: %s" % code)
bell = (number("$" + target.group(3)) + int(target.group(2))) & 0xffffffff
shows("monitor pmap 0x%08x" % bell, r"no memory: a device")
store = position(), number("$step"), pc()
say("frame %s of %s bytes: received at %d, sent by %s at %d" % (frame, length, received,
                                                               code.strip(), store[0]))

# That store sends this frame and no other: none has left behind those that left before it.
def left():
    return re.findall(r"dir=0 frame=(\w+)", run("monitor vm 1 events frame 4000"))


before = left()
check(frame not in before, "the frame has not left yet")
seek("1:%d" % (int(sent.group(1)) + 2))
after = left()
same((after[:len(before)], after[len(before):]), (before, [frame]), "the frame that left")

# Forward again: to the very place in the receiver.
seek(str(store[0]))
run("inferior 2")
run("break napi_gro_receive thread 2.1")
found = False
for _ in range(5):
    run("continue")
    if position() == received:
        found = True
        break
check(found, "the receiver gets it again at %d" % received)
finish()
