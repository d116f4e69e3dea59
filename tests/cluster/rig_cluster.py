"""What the tests of clusters share, beside tests/system/rig.py."""

import os
import re
import sys

sys.path.insert(0, os.path.join(sys.argv[3], "tests", "system"))

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import,wrong-import-position

MAKE = os.path.join(SOURCE, "tests", "cluster", "make-conf.sh")


def make(name, conf, **words):
    """A cluster file from tests/cluster/NAME.conf.in; consoles go to this folder."""
    r = expect(0, "sh", MAKE, name, BUILD, os.getcwd(), *("%s=%s" % w for w in words.items()))
    with open(conf, "wb") as f:
        f.write(r.out)


def record_cluster(trace, conf, *more, **how):
    return expect(0, RECORD, "-o", trace, conf, "--timeout", "100", *ENGINE, *more,
                  text="power-off after", **how)


def events(trace):
    """Counts by kind of event."""
    out = expect(0, TRACE, "stats", trace).out.decode()
    return {m[1]: int(m[2]) for m in re.finditer(r"^([a-z0-9-]+) +(\d+)$", out, re.M)}


def text_of(name):
    with open(name, "rb") as f:
        return f.read().decode(errors="replace")


def digests(trace):
    """The VMs' last digests: what guests can see, whatever was shared."""
    out = expect(0, TRACE, "info", trace).out.decode()
    return dict(re.findall(r"vm(\d+) digest .*?(cpu=\w+ devices=\w+ memory=\w+)", out))
