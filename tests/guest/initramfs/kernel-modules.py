#!/usr/bin/env python3
"""Copies modules of a Debian kernel package, and all that they need, for busybox's modprobe.

usage: kernel-modules.py FROM TO NAME...

FROM is an unpacked package's lib/modules/VERSION, TO the guest's: the files land at the same places
below it, with the lists modules.dep (what each needs, the nearest first) and modules.alias (which
module drives which device, file system or algorithm), which depmod would make on an installed
system. A name's '-' and '_' are the same. What modules say of themselves is in their section
.modinfo, as zero-terminated lines key=value.
"""
import re
import shutil
import sys
from pathlib import Path


def module_name(path):
    return path.stem.replace("-", "_")


def module_info(path):
    """The values of .modinfo by key."""
    info = {}
    for key, value in re.findall(rb"\0(depends|alias)=([^\0]*)(?=\0)", b"\0" + path.read_bytes()):
        info.setdefault(key.decode(), []).append(value.decode())
    return info


def direct_needs(info):
    return [name.replace("-", "_") for name in info.get("depends", [""])[0].split(",") if name]


def needs(name, infos):
    """What NAME needs, the nearest first: modprobe loads from the end of the list."""
    found = []
    for need in direct_needs(infos[name]):
        found += [need] + needs(need, infos)
    # Of two places in the list the later one is loaded earlier, which is right for both.
    return [each for i, each in enumerate(found) if each not in found[i + 1 :]]


def main(source, target, *names):
    paths = {module_name(path): path for path in sorted(source.rglob("*.ko"))}
    infos = {}
    wanted = [name.replace("-", "_") for name in names]
    while wanted:
        name = wanted.pop()
        if name in infos:
            continue
        if name not in paths:
            sys.exit(f"kernel-modules.py: {source} has no module '{name}'")
        infos[name] = module_info(paths[name])
        wanted += direct_needs(infos[name])

    target.mkdir(parents=True)
    with open(target / "modules.dep", "w") as dep, open(target / "modules.alias", "w") as alias:
        for name in sorted(infos):
            path = paths[name].relative_to(source)
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(paths[name], target / path)
            others = " ".join(str(paths[need].relative_to(source)) for need in needs(name, infos))
            dep.write(f"{path}: {others}".rstrip() + "\n")
            for pattern in infos[name].get("alias", []):
                alias.write(f"alias {pattern} {name}\n")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit("usage: kernel-modules.py FROM TO NAME...")
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
