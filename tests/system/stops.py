"""A run that --stop-after ends verifies wherever that is: around the ends of epochs, in a delay slot, at
the power-off, while the machine sleeps; recorded by either engine, verified by the other."""

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

LOOP = bytes.fromhex("ffff0010 00000000")  # beq $0, $0, itself; its slot
SLEEP = bytes.fromhex("20000042 feff0010 00000000")  # wait; and again
EPOCH = 5000  # instructions at 50 MHz


def sweep(name, image, stops, *options):
    with open(name + ".bin", "wb") as f:
        f.write(image)
    for i, stop in enumerate(stops):
        engines = ("jit", "interp") if i % 2 else ("interp", "jit")
        expect(0, RECORD, "-q", "-o", "stop.zst", "-kernel", name + ".bin", "--endian", "little", "-m",
               "16M", "--clock", "50", "-seed", "1", "--engine", engines[0], "--stop-after", stop,
               "--timeout", "5", *options)
        expect(0, REPLAY, "-q", "--verify", "--engine", engines[1], "stop.zst", text="verified")


def ends_of_epochs():
    near = [k * EPOCH + d for k in (1, 2, 1000) for d in (-2, -1, 0, 1, 2)]
    sweep("loop", LOOP, [1, 2, 3, 4, *near], "--share", "all")
    sweep("loop", LOOP, near, "--share", "none")
    sweep("loop", LOOP, near, "--share", "all", "-device", "virtio-balloon-pci")


def asleep():
    sweep("sleep", SLEEP, [1, 2, 3], "--share", "all")


def power_off():
    guest = ["-kernel", os.path.join(HERE, "..", "guest", "endian.el.elf"), "-m", "16M", "-no-reboot",
             *FIXED, *ENGINE]
    expect(0, RECORD, "-q", "-o", "whole.zst", *guest)
    last = end_step("whole.zst")
    for stop in range(last - 6, last + 2):
        expect(0, RECORD, "-q", "-o", "off.zst", "--stop-after", stop, *guest)
        verify("off.zst")


with Folder():
    ends_of_epochs()
    asleep()
    power_off()
