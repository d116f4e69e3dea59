"""A valid trace of something that did not happen: the replay says what differs, and where."""

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import


def tampered(what, number=0):
    """Makes bad.zst; the position that tamper prints."""
    r = expect(0, TAMPER, what, "good.zst", "bad.zst", number)
    expect(0, TRACE, "verify-file", "bad.zst", text="good, whole")
    expect(2, TRACE, "diff", "good.zst", "bad.zst")
    return int(r.out)


def diverges(*texts):
    r = expect(2, *VERIFY, "bad.zst")
    check(r.out == b"", r)
    lines = r.err.splitlines()
    check(lines[0].startswith("disco-replay: bad.zst: the replay diverged at instruction "), r)
    check(", pc " in lines[0] and "recorded" in lines[0], r)
    for text in texts:
        check(text in lines[0], "no %r in\n" % text, r)
    registers = " ".join(lines[1:]).split()
    check(len(registers) >= 2 * 37 and "sp" in registers and "pc" in registers and
          "badvaddr" in registers, "registers are missing:", r)
    return int(lines[0].split("instruction ")[1].split(",")[0])


with Folder():
    record("good.zst", stdin=b"abnaaaaq")
    verify("good.zst")
    expect(0, TAMPER, "same", "good.zst", "same.zst")
    verify("same.zst")
    expect(0, TRACE, "diff", "good.zst", "same.zst")

    for event in (0, 2, 30000, 60000):
        step = tampered("event", event)
        at = diverges("event %d differs; recorded: " % event, "; replayed: ")
        check(0 <= at - step <= 2, "event", event, "of step", step, "differs at", at)
        step = tampered("drop", event)
        at = diverges("event %d differs; recorded: " % event, "; replayed: ")
        check(0 <= at - step <= 2, "event", event, "of step", step, "differs at", at)

    # A byte that was never typed comes up in what the guest does with it, or at the latest in
    # the digest at the end.
    tampered("input", 0)
    diverges()

    step = tampered("end")
    check(diverges("digest of the processor differs", "; replayed: step") == step, "not at the end")

    # Each fourth digest has memory.
    record("good.zst", "--stop-after", "140000000", stdin=b"abn", status=0)
    step = tampered("digest", 4)
    at = diverges("digest of the memory differs", "memory ", "; replayed: step")
    check(at == step and step > 110000000, "digest of step", step, "differs at", at)
