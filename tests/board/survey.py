"""Every register at the kernel's first instruction: qemu's board against disco's.

    survey.py BUILD SURVEY.elf CPU

What differs must be in ALLOWED, with its reason. With -v the table of the differences is printed.
"""

import os
import subprocess
import sys

FAULT, ONES = 0xfa017fa0, 0xffffffff
# Noon and midnight, both halves of the day, leap days, a turn of the century, Sunday and Saturday.
BASES = ["2026-03-04T20:00:00", "2024-02-29T12:00:00", "1999-12-31T00:00:00", "2037-02-28T08:59:30",
         "2000-01-01T23:10:00", "2026-02-01T11:00:00"]
QEMU = ["-nodefaults", "-vga", "none", "-display", "none", "-monitor", "none", "-serial", "stdio",
        "-serial", "null", "-serial", "null", "-no-reboot"]


def cp0(reg, sel=0):
    return reg * 8 + sel


# (group, first, last, reason)
ALLOWED = [
    ("cp0", cp0(1), cp0(1), "Random is anything"),
    ("cp0", cp0(9), cp0(9), "Count is the time"),
    ("cp0", cp0(16), cp0(16, 5), "what a model does not have here is not announced (model.c)"),
    ("cp0", cp0(5, 2), cp0(5, 6), "segmentation control: no EVA here"),
    ("cp0", cp0(15, 3), cp0(15, 3), "no coherence manager here"),
    ("cp0", cp0(19, 3), cp0(19, 7), "four watch pairs, as in the 24K's manual"),
    ("cp0", cp0(23), cp0(23), "EJTAG: NoDCR and NoSSt say that neither dseg nor single step is there"),
    ("fpu", 0, 0, "FIR of the P5600: no change of FR by user code"),
    ("gpr", 6, 6, "a NULL ends argv here, so envp stands a word behind"),
    ("gpr", 31, 31, "an address in the boot ROM"),
    ("fpga", 0xb00, 0xb00, "no EEPROM at the FPGA's I2C pins, which are pulled up"),
    ("gt", 0xc0, 0xc8, "reserved registers: qemu's have a mark"),
    ("pci", 0x2c, 0x2c, "subsystem: qemu's mark"),
    ("pci", 0x502c, 0x502c, "subsystem: qemu's mark"),
    ("pci", 0x512c, 0x512c, "subsystem: qemu's mark"),
    ("pci", 0x522c, 0x522c, "subsystem: qemu's mark"),
    ("pci", 0x532c, 0x532c, "subsystem: qemu's mark"),
    ("pci", 0x5004, 0x5004, "PIIX4 manual: PCICMD 0007h, PCISTS 0280h"),
    ("pci", 0x5108, 0x5108, "PIIX4 IDE: revision 1"),
    ("pci", 0x5140, 0x5140, "firmware enables both IDE channels' decode"),
    ("pci", 0x5204, 0x5204, "PIIX4 manual: PCISTS of the USB function is 0280h"),
    ("pci", 0x52c0, 0x52c0, "PIIX4 manual: LEGSUP is 2000h"),
    ("pci", 0x5358, 0x5358, "qemu's mark that SMM is initialised"),
    ("pci", 0x535c, 0x535c, "no parallel port here"),
    ("dma", 0, 0xff, "all 16 page registers and the masks (0fh, deh) can be read, the request "
                     "registers (09h, d2h) cannot: PIIX4 manual"),
    ("pit", 0, 2, "undefined before the first control word"),
    ("pm", 0, 0x3f, "qemu has the first three registers only, and SCI_EN on; PIIX4 manual: "
                    "storage, and off"),
    ("port", 0x61, 0x61, "NMI status and control: PIIX4 manual"),
    ("port", 0x80, 0x80, "a DMA page register: PIIX4 manual"),
    ("port", 0x3f0, 0x3f7, "no diskette drives here"),
    ("port", 0x378, 0x37a, "no parallel port here"),
    ("port", 0x1f1, 0x1f7, "no disk"),
    ("rtc", 0x0c, 0x0c, "the periodic flag comes up whether or not its interrupt is enabled"),
]


def run(folder, *command):
    p = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                       check=False)
    lines = p.stdout.decode("latin1").replace("\r", "").splitlines()
    if not lines or lines[-1] != "END":
        sys.exit("no survey: %s\n%s\n%s" % (command, lines[-3:], p.stderr.decode()))
    table = {}
    for line in lines[:-1]:
        group, index, value = line.split()
        table[group, int(index, 16)] = int(value, 16)
    return table


def reason(key, of_qemu, of_disco):
    group, index = key
    if group == "cp0" and of_qemu in (FAULT, ONES) and of_disco == 0:
        return "a register that is not there reads as 0"
    if group == "envp" and index >> 8 == 7:
        return "the seed of the kernel's generator is drawn by lot"
    for g, first, last, why in ALLOWED:
        if g == group and first <= index <= last:
            return why
    return None


def text(value):
    return "-" if value is None else "%x" % value


def compare(qemu, disco, verbose):
    bad = 0
    for key in sorted(qemu.keys() | disco.keys()):
        a, b = qemu.get(key), disco.get(key)
        if a == b:
            continue
        why = reason(key, a, b)
        bad += why is None
        if verbose or why is None:
            print("%-5s %5x  qemu %8s  disco %8s  %s" % (*key, text(a), text(b), why or "WRONG"))
    return bad


def main():
    verbose = "-v" in sys.argv
    build, guest, cpu = [a for a in sys.argv[1:] if a != "-v"]
    folder, name = os.path.split(os.path.abspath(guest))
    emulator = "qemu-system-mips" if ".eb." in name else "qemu-system-mipsel"
    bad = 0
    for base in BASES:
        machine = ["-M", "malta", "-cpu", cpu, "-m", "64M", "-rtc", "base=" + base, "-append", "a b",
                   "-kernel", name]
        qemu = run(folder, emulator, *QEMU, *machine)
        disco = run(folder, os.path.abspath(build) + "/disco-record", "-o", "none", "-no-reboot",
                    "--timeout", "50", *machine)
        if len(disco) < 2500:
            sys.exit("a survey of %d registers only" % len(disco))
        wrong = compare(qemu, disco, verbose and base == BASES[0])
        print("%s: %d registers, %d wrong" % (base, len(disco), wrong))
        bad += wrong
    return bad != 0


sys.exit(main())
