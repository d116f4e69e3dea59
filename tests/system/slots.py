"""Breakpoints on delay slots, for a client that does not move them to the branch, as gdb does: a stop
before each branch whose slot runs, in both directions; conditions; points on both."""

import socket
import struct
import time

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

LOOP, BRANCH, SLOT, BEHIND = (0x80100000 + 4 * i for i in (2, 3, 4, 5))
CODE = (0x24080000,  # li $8, 0
        0x24090007,  # li $9, 7
        0x2529ffff,  # loop: addiu $9, -1
        0x1520fffe,  # bnez $9, loop
        0x25080001,  # addiu $8, 1
        0x08040004,  # j slot's own address: now it is no slot
        0x00000000)
NEVER = ";X3,220027"       # the constant 0


class Client:
    """The raw protocol, acknowledged."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(30)
        self.s.connect(path)
        self.unread = b""

    def ask(self, text):
        data = text.encode()
        self.s.sendall(b"$" + data + b"#%02x" % (sum(data) & 255))
        while True:
            reply = self.packet()
            if not reply.startswith("O") or reply == "OK":
                return reply

    def packet(self):
        while b"#" not in self.unread or len(self.unread) < self.unread.index(b"#") + 3:
            self.unread += self.s.recv(65536)
        packet, self.unread = self.unread.split(b"#", 1)
        self.unread = self.unread[2:]
        self.s.sendall(b"+")
        text, out = packet[packet.index(b"$") + 1:].decode(), ""
        while "*" in text:
            before, after = text.split("*", 1)
            out += before + before[-1] * (ord(after[0]) - 29)
            text = after[1:]
        return out + text

    def register(self, number, big):
        return struct.unpack(">I" if big else "<I", bytes.fromhex(self.ask("p%x" % number)))[0]


def stops(c, big, resume, most=50):
    """(pc, $8) at each stop, up to `most`, or to the end of the recording."""
    found = []
    while len(found) < most:
        reply = c.ask(resume)
        check(reply.startswith("T05"), reply)
        if "replaylog" in reply:
            break
        found.append((c.register(37, big), c.register(8, big)))
    return found


def slots(c, big):
    at_slot = "Z0,%x,4" % SLOT
    # As a slot, 7 times; then by the jump that goes there.
    want = [(BRANCH, n) for n in range(7)] + [(SLOT, n) for n in range(7, 12)]
    check(c.ask(at_slot) == "OK", "Z0")
    found = stops(c, big, "vCont;c", 12)
    check(found == want, [(hex(pc), n) for pc, n in found])
    back = stops(c, big, "bc")
    check(back == want[-2::-1], back)
    # A condition, and its place on a branch whose own does not hold.
    check(c.ask(at_slot + NEVER) == "OK", "Z0")
    check(stops(c, big, "vCont;c") == [], "a condition that never holds")
    check(stops(c, big, "bc") == [], "a condition that never holds, backward")
    check(c.ask(at_slot) == "OK" and c.ask("Z0,%x,4" % BRANCH + NEVER) == "OK", "Z0")
    check(stops(c, big, "vCont;c", 12) == want, "both")
    check(stops(c, big, "bc") == want[-2::-1], "both, backward")
    # Never between the two.
    check(c.ask("z0,%x,4" % SLOT) == "OK" and c.ask("z0,%x,4" % BRANCH) == "OK", "z0")
    check(c.ask("Z1,%x,4" % LOOP) == "OK", "Z1")
    check(stops(c, big, "vCont;c", 1) == [(LOOP, 0)], "loop")
    forward = [(LOOP, 0)] + stops(c, big, "vCont;s:p1.1", 6)
    check([pc for pc, _ in forward] == [LOOP, BRANCH] * 3 + [LOOP], forward)
    check(stops(c, big, "bs", 6) == forward[-2::-1], "steps back")


if __name__ == "__main__":
    with Folder():
        for endian in ("little", "big"):
            with open("slots.bin", "wb") as f:
                f.write(struct.pack((">" if endian == "big" else "<") + "7I", *CODE))
            expect(0, RECORD, *ENGINE, "-kernel", "slots.bin", "--endian", endian, "-m", "16M",
                   "--stop-after", "20000", "-o", "slots.zst")
            # pylint: disable=consider-using-with
            server = subprocess.Popen([REPLAY, *ENGINE, "--no-symbols", "--gdb=unix:s",
                                       "slots.zst"], stdout=subprocess.DEVNULL)
            while not os.path.exists("s"):
                time.sleep(0.01)
            client = Client("s")
            client.ask("qSupported:multiprocess+;swbreak+;hwbreak+")
            try:
                slots(client, endian == "big")
            finally:
                server.terminate()
                server.wait()
