"""Records the shell guest once, for the tests that need such a trace; its console stays beside it."""

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

need_linux()
r = record(LINUX_TRACE, "--reply", "# =uname -a\\n", "--reply", "# =poweroff -f\\n",
           args=LINUX_ARGS, timeout=160, text="power-off after")
check(b"reboot: Power down" in r.out, r)
with open(LINUX_TEXT, "wb") as text:
    text.write(r.out)
