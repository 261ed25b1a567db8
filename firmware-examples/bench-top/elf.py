"""What is needed of an ELF file: what is loaded, and where functions are."""

import struct


class Elf:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.data = file.read()
        if self.data[:4] != b"\x7fELF":
            raise ValueError(f"{path} is no ELF file")
        (self.phoff, self.shoff) = struct.unpack_from("<II", self.data, 28)
        (self.phnum,) = struct.unpack_from("<H", self.data, 44)
        (self.shnum,) = struct.unpack_from("<H", self.data, 48)
        (self.entry,) = struct.unpack_from("<I", self.data, 24)
        self.symbols = dict(self._symbols())
        self.functions = sorted((at, name) for name, (at, kind) in self.symbols.items() if kind == 2)

    def segments(self):
        """Returns what a flasher writes: physical addresses and bytes."""
        for n in range(self.phnum):
            header = struct.unpack_from("<8I", self.data, self.phoff + 32 * n)
            kind, offset, _, physical, length = header[:5]
            if kind == 1 and length:
                yield physical, self.data[offset : offset + length]

    def _symbols(self):
        for n in range(self.shnum):
            section = struct.unpack_from("<10I", self.data, self.shoff + 40 * n)
            if section[1] != 2:
                continue
            strings = struct.unpack_from("<10I", self.data, self.shoff + 40 * section[6])
            for at in range(section[4], section[4] + section[5], 16):
                name, value, _, info, _, _ = struct.unpack_from("<IIIBBH", self.data, at)
                end = self.data.index(b"\0", strings[4] + name)
                text = self.data[strings[4] + name : end].decode(errors="replace")
                if text:
                    yield text, (value & ~1 if info & 15 == 2 else value, info & 15)

    def address(self, name):
        return self.symbols[name][0]

    def function(self, address):
        before = [name for at, name in self.functions if at <= address]
        return before[-1] if before else "?"
