"""What the scripts of the tests with gdb share. They run inside gdb, attached to a replay.

gdb tells of a stop when the target does, not where a command's text can be caught. So all that it
prints goes to a log, and a command's text is what it added to that."""
import os
import re
import time

import gdb

for setting in ("pagination off", "confirm off", "style enabled off", "width 0"):
    gdb.execute("set " + setting)

LOG = "gdb.log"
gdb.flush()
stdout = os.dup(1)
written = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
os.dup2(written, 1)
os.dup2(written, 2)
log = open(LOG, errors="replace")

done = 0
failed = 0


def run(command):
    """The text that gdb prints; an error's text too."""
    gdb.flush()
    log.seek(0, os.SEEK_END)
    try:
        gdb.execute(command)
    except gdb.error as error:
        gdb.flush()
        return log.read() + "error: " + str(error)
    gdb.flush()
    return log.read()


def say(*words):
    os.write(stdout, (" ".join(str(word) for word in words) + "\n").encode())


def check(truth, what):
    global done, failed
    done += 1
    if not truth:
        failed += 1
        say("FAILED:", what)


def same(have, want, what):
    check(have == want, "%s: %r, wanted %r" % (what, have, want))


def shows(command, pattern):
    text = run(command)
    check(re.search(pattern, text, re.M), "%s: no %r in %r" % (command, pattern, text))
    return text


def number(expression):
    return int(gdb.parse_and_eval(expression))


def position():
    return number("$position")


def pc():
    return number("(unsigned)$pc")


def place():
    return position(), pc()


def digest():
    return run("monitor digest").strip()


def seek(where):
    text = run("monitor seek %s" % where)
    run("maint flush register-cache")
    return text


def seconds(command):
    start = time.monotonic()
    run(command)
    return time.monotonic() - start


def finish():
    say("checks: %d done, %d failed" % (done, failed))
