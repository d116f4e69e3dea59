#!/usr/bin/env python3
"""Unpacks a self-decompressing MIPS kernel (vmlinuz, 32 bits, xz) into an ELF file with symbols.

usage: unpack-kernel.py VMLINUZ VMLINUX

A vmlinuz is a small ELF program whose data hold the kernel as an xz stream. The stream is the
kernel's flat image, without ELF headers, so three things are found out here:
- where it is loaded: the program is linked right behind the unpacked kernel, rounded up to 64 KiB,
  and kernels for Malta are loaded at 0x80100000;
- its entry: the program jumps there with lui/ori/jalr of $25;
- its functions: the kernel carries a compressed table of their names (kallsyms), from which the
  symbol table of the new ELF file is made, so that gdb knows them.
"""
import lzma
import struct
import sys

LOAD_ADDRESS = 0x80100000
PAGE = 0x1000


class BadKernel(Exception):
    pass


def unpack_payload(image):
    """The largest intact xz stream: its magic also stands in the decompressor's own constants."""
    best = b""
    at = image.find(b"\xfd7zXZ\0")
    while at >= 0:
        try:
            best = max(best, lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(image[at:]), key=len)
        except lzma.LZMAError:
            pass
        at = image.find(b"\xfd7zXZ\0", at + 1)
    if not best:
        raise BadKernel("holds no xz stream")
    return best


def find_entry(image, order):
    """The target of the first 'lui $25; ori $25; jalr $25' of the program's text."""
    header = struct.unpack_from(order + "16xHHIIIIIHHHHHH", image)
    program_headers, count = header[4], header[9]
    for i in range(count):
        kind, offset, _, _, size = struct.unpack_from(order + "5I", image, program_headers + 32 * i)
        if kind != 1:
            continue
        for at in range(offset, offset + min(size, PAGE) - 8, 4):
            lui, ori, jalr = struct.unpack_from(order + "3I", image, at)
            if lui >> 16 == 0x3c19 and ori >> 16 == 0x3739 and jalr == 0x0320f809:
                return (lui & 0xffff) << 16 | (ori & 0xffff)
    raise BadKernel("does not jump to its kernel in a known way")


def read_tokens(kernel):
    """The 256 strings that names are made of, and where their table starts (on a word)."""
    digits = b"".join(b"%d\0" % i for i in range(10))
    at = kernel.find(digits)
    while at >= 0:
        start = at
        for _ in range(ord("0")):
            start = kernel.rfind(b"\0", 0, start - 1) + 1
        start = (start + 3) & ~3    # bytes of the table before it may precede the first string
        tokens = kernel[start:start + 8192].split(b"\0")[:256]
        if all(tokens) and tokens[ord("0")] == b"0":
            return tokens, start
        at = kernel.find(digits, at + 1)
    raise BadKernel("carries no table of symbols")


def read_symbols(kernel, order):
    """[(address, type letter, name)] from the kernel's own table (scripts/kallsyms, Linux 6.1).

    In front of the tokens stand: offsets[count], base address, count, names, and the offsets of
    every 256th name, by which the right place is known.
    """
    tokens, table = read_tokens(kernel)
    for at in range(table - 8, max(0, table - (8 << 20)), -4):
        base, count = struct.unpack_from(order + "2I", kernel, at)
        if not (LOAD_ADDRESS <= base < LOAD_ADDRESS + len(kernel) and 1000 < count < 1000000):
            continue
        names, markers, end = read_names(kernel, at + 8, count, table)
        end = (end + 3) & ~3
        stored = struct.unpack_from(order + "%dI" % len(markers), kernel, end)
        if len(names) != count or at < 4 * count or markers != list(stored):
            continue
        offsets = struct.unpack_from(order + "%dI" % count, kernel, at - 4 * count)
        expanded = (b"".join(tokens[byte] for byte in name) for name in names)
        return [(base + offset, chr(name[0]), name[1:])
                for offset, name in zip(offsets, expanded)]
    raise BadKernel("has a table of symbols of an unknown form")


def read_names(kernel, start, count, limit):
    """Up to COUNT compressed names, the offsets of every 256th, and where they end."""
    names, markers, at = [], [], start
    while len(names) < count and at < limit:
        if len(names) % 256 == 0:
            markers.append(at - start)
        length = kernel[at]
        at += 1
        if length & 0x80:
            length = length & 0x7f | kernel[at] << 7
            at += 1
        names.append(kernel[at:at + length])
        at += length
    return names, markers, at


def symbol_sections(symbols, order, text_end):
    """The contents of .symtab and .strtab."""
    strings = bytearray(b"\0")
    table = bytearray(16)
    functions = sorted((a, n) for a, t, n in symbols if t in "tTwW" and a < text_end)
    for i, (address, name) in enumerate(functions):
        end = next((a for a, _ in functions[i + 1:i + 40] if a > address), address)
        table += struct.pack(order + "3I2BH", len(strings), address, end - address,
                             1 << 4 | 2, 0, 1)
        strings += name + b"\0"
    return bytes(table), bytes(strings)


def write_elf(path, kernel, entry, symbols, order, flags):
    symtab, strtab = symbol_sections(symbols, order, LOAD_ADDRESS + len(kernel))
    names = b"\0.text\0.symtab\0.strtab\0.shstrtab\0"
    kernel_at = PAGE
    symtab_at = (kernel_at + len(kernel) + 15) & ~15
    strtab_at = symtab_at + len(symtab)
    names_at = strtab_at + len(strtab)
    headers_at = (names_at + len(names) + 15) & ~15
    ident = b"\x7fELF\x01" + (b"\x01" if order == "<" else b"\x02") + b"\x01" + bytes(9)
    out = bytearray(headers_at)
    out[0:52] = ident + struct.pack(order + "2H5I6H", 2, 8, 1, entry, 52, headers_at, flags,
                                    52, 32, 1, 40, 5, 4)
    out[52:84] = struct.pack(order + "8I", 1, kernel_at, LOAD_ADDRESS, LOAD_ADDRESS,
                             len(kernel), len(kernel), 7, PAGE)
    out[kernel_at:kernel_at + len(kernel)] = kernel
    out[symtab_at:symtab_at + len(symtab)] = symtab
    out[strtab_at:strtab_at + len(strtab)] = strtab
    out[names_at:names_at + len(names)] = names
    section = order + "10I"
    out += bytes(40)
    out += struct.pack(section, 1, 1, 7, LOAD_ADDRESS, kernel_at, len(kernel), 0, 0, PAGE, 0)
    out += struct.pack(section, 7, 2, 0, 0, symtab_at, len(symtab), 3, 1, 4, 16)
    out += struct.pack(section, 15, 3, 0, 0, strtab_at, len(strtab), 0, 0, 1, 0)
    out += struct.pack(section, 23, 3, 0, 0, names_at, len(names), 0, 0, 1, 0)
    with open(path, "wb") as file:
        file.write(out)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: unpack-kernel.py VMLINUZ VMLINUX")
    with open(sys.argv[1], "rb") as file:
        image = file.read()
    try:
        if image[:5] != b"\x7fELF\x01":
            raise BadKernel("is no 32-bit ELF file")
        order = "<" if image[5] == 1 else ">"
        flags = struct.unpack_from(order + "I", image, 36)[0]
        kernel = unpack_payload(image)
        symbols = read_symbols(kernel, order)
        write_elf(sys.argv[2], kernel, find_entry(image, order), symbols, order, flags)
    except (BadKernel, struct.error) as error:
        sys.exit("unpack-kernel.py: %s: %s" % (sys.argv[1], error))


if __name__ == "__main__":
    main()
